"""What the pages need of the console that serves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from skywarden.console.access.audit import Audit
from skywarden.console.access.sessions import Authenticator
from skywarden.console.address import Public
from skywarden.console.gate import Gate
from skywarden.console.hub import Hub, Viewer
from skywarden.console.instructor import Instructor
from skywarden.console.memory import Memory
from skywarden.console.tape import Tape
from skywarden.measures.watch import Watch
from skywarden.messages.commands import Command
from skywarden.run.clock import Paced
from skywarden.site.model import Site


class ConsoleState(Protocol):
    """What the pages need of the console that serves them; see `server.Console`, which is one."""

    site: Site
    mode: str
    kind: str
    title: str
    epoch_ns: int | None
    server_id: str
    host: str
    local: bool
    public: Public | None
    tls: tuple[Path, Path] | None
    site_folder: Path | None
    tiles: str | None
    records: Path | None
    recording: Path | None
    clock: Paced | None
    ended: bool
    latest: dict[str, Any] | None
    authenticator: Authenticator
    audit: Audit
    hub: Hub
    tape: Tape
    gate: Gate

    memory: Memory
    instructor: Instructor | None

    @property
    def exercise(self) -> bool:
        """Whether the run is an exercise."""
        ...

    @property
    def veiled(self) -> bool:
        """Whether trainees may not see earlier times now."""
        ...

    @property
    def watch(self) -> Watch:
        """Who has the watch, and what was read back at its hand-over."""
        ...

    @property
    def now(self) -> float:
        """Time of the newest frame [s]."""
        ...

    def trained(self, viewer: Viewer) -> bool:
        """Whether the page is a trainee's.

        viewer  the open page
        """
        ...

    def pulse(self) -> dict[str, Any]:
        """The console's sign of life: mode, speed, record, what is wrong."""
        ...

    def events(self, after: int, user: str = "", role: str = "") -> list[dict[str, Any]]:
        """Events of the run after number `after`, as far as somebody may know of them.

        user  name of the person
        role  role of the person
        """
        ...

    def order(self, command: Command) -> bool:
        """Hand a command to the session; False where it takes none."""
        ...
