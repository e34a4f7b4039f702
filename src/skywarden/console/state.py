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
    door: Authenticator
    audit: Audit
    hub: Hub
    tape: Tape
    gate: Gate

    memory: Memory
    instructor: Instructor | None

    @property
    def exercise(self) -> bool: ...

    @property
    def veiled(self) -> bool: ...

    @property
    def watch(self) -> Watch: ...

    @property
    def now(self) -> float: ...

    def trained(self, viewer: Viewer) -> bool: ...

    def pulse(self) -> dict[str, Any]: ...

    def events(self, after: int, user: str = "", role: str = "") -> list[dict[str, Any]]: ...

    def order(self, command: Command) -> bool: ...
