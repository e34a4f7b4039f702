"""What a user asks a run to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FIRST_SCENARIO = "kabul-2021-08-30"


@dataclass(frozen=True)
class Request:
    """What the user asked a run to be. `speed` is None for as fast as it goes."""

    scenario: str | None = None
    site: str | None = None
    feeds: Sequence[str] = ()
    speed: float | None = 1.0
    duration: float | None = None
    seed: int | None = None
    record: Path | None = None
    console: bool = True
    port: int | None = None     # of the console's page; None: the usual one, or a free one where it is taken
    host: str = "127.0.0.1"     # where it listens; others than loopback need users
    users: Path | None = None   # file of users; None: one local operator
    audit: Path | None = None   # file that every action at the console is appended to
    tls: tuple[Path, Path] | None = None    # certificate and key
    # serve the page after the run has ended, until Ctrl-C; None: where a person sits at a terminal
    stay: bool | None = None
    tiles: str | None = None    # address of map tiles
    public_url: str | None = None   # address that people type, where a reverse proxy stands in front of the page
    state: Path | None = None   # folder of what must survive this process; None: the service's or the user's own
    emits: Sequence[str] = ()   # URLs that a simulation is shown to
    resume: Path | None = None  # record of a run of the same site that is taken up where it ends


def folder_of(request: Request) -> Path | None:
    """The folder of the user's own site, where zones drawn on the map are saved; a shipped site is
    not written to.

    request  what was asked for on the command line
    """
    folder = Path(request.site) if request.site is not None else None
    return folder if folder is not None and (folder / "site.toml").is_file() else None
