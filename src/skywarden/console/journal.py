"""Which warnings stand and who has the watch, written down whenever that changes, so that a server
that was killed and started again still has them raised, and the same person answers for them.

What is found is put into the new run's first frame as manual alarms by `restart`: they are
believed, recorded and replayed like any command, and stand until a person cancels them. A
simulation that ends in order leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skywarden.messages.commands import ALARM, Command
from skywarden.messages.moment import Moment
from skywarden.messages.picture import CLEAR
from skywarden.site.model import Site

LONGEST_S = 300.0       # an older journal is of another watch
BY = "restart"


class Journal:
    """A sink. `path` is one file a site; see `path_of`. A `lasting` one leaves what stands to
    whoever starts the site's defence again. `holder` answers who has the watch; empty nobody.
    """

    def __init__(
        self, path: Path, site: Site, lasting: bool = False, holder: Callable[[], str] = lambda: ""
    ) -> None:
        self._path, self._names, self._lasting = path, [zone.name for zone in site.zones], lasting
        self._holder, self._held_by = holder, ""
        self.fault = ""         # why what stands is not written down just now
        self._written: tuple[str, ...] | None = None
        self._when = -LONGEST_S

    def take(self, moment: Moment) -> None:
        """Write down what stands, where it is other than before, and now and then so that its age
        is right.

        moment  frame, picture, and what else a sink of this kind may see
        """
        warnings = moment.picture.warnings
        standing = tuple(self._names[int(z)] for z, a in zip(warnings.zone, warnings.action, strict=True)
            if int(a) != CLEAR)
        holder = self._holder()
        same = set(standing) == set(self._written or ()) and holder == self._held_by
        if same and (not (standing or holder) or time.monotonic() - self._when < 0.1 * LONGEST_S):
            return
        try:
            if standing or holder:
                _write(self._path, {"unix_s": time.time(), "zones": standing, "watch": holder})
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:        # told, and tried again with the next moment
            self.fault = (f"standing warnings are not written down, and a restart would forget them: "
                f"{error.strerror or error}")
            return
        self.fault, self._written, self._when, self._held_by = "", standing, time.monotonic(), holder

    def close(self) -> None:
        """Nothing is left to take up, unless it lasts."""
        if self._lasting:
            return
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def path_of(folder: Path, site: Site) -> Path:
    """Where the journal of a site is, beside its records.

    folder  folder of the records
    """
    return folder / f".standing-{site.name}.json"


def left_standing(path: Path, site: Site) -> tuple[Command, ...]:
    """The alarms that a killed run leaves to this one; none where there is no journal, or an old or
    unreadable one.

    path  the journal's file
    site  the site as its defender declared it
    """
    try:
        told = _fresh(path)
        zones = [zone.name for zone in site.zones if zone.name in told["zones"]]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return tuple(Command(0.0, ALARM, name, BY, "stood when the server stopped") for name in zones)


def left_watch(path: Path) -> str:
    """Who had the watch in the killed run; empty where there is no journal, or an old or
    unreadable one.

    path  the journal's file
    """
    try:
        holder = _fresh(path)["watch"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return holder if isinstance(holder, str) else ""


def _fresh(path: Path) -> dict[str, Any]:
    """What a journal says. Raises ValueError or another of what a spoilt or old file brings."""
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if not 0.0 <= time.time() - float(told["unix_s"]) <= LONGEST_S:
        raise ValueError("of another watch")
    return told


def _write(path: Path, told: dict[str, Any]) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(told, file)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
