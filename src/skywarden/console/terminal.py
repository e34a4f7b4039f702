"""A live view in the terminal: what flies, what is warned, how sure we are. A sink like any other;
it shows and never computes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from skywarden.messages.drill import Drill
from skywarden.messages.moment import Moment
from skywarden.messages.picture import (
    ACTION_NAMES,
    AIRCRAFT,
    CLEAR,
    COMING,
    KIND_NAMES,
    PROJECTILE,
    RAISE,
    REASONS,
    STAGE_NAMES,
    Health,
    Inbound,
    Picture,
    Tracks,
)
from skywarden.run.mailbox import SinkState
from skywarden.site.model import Site

Array = NDArray[Any]

REFRESH_S = 0.25        # run seconds between drawings of the live view
STATUS_S = 10.0         # run seconds between status lines when the output is not a terminal
LATE = 3                # of `Health.radars`
RADAR_STATES = ("ok", "SILENT", "DOUBTFUL", "LATE", "MISALIGNED", "ASTRAY")      # by `Health.radars`
MOST_INBOUND = 5        # objects shown that head for zones
LONGEST_TABLE = 12      # tracks shown; the rest is counted


class Terminal:
    """The live view on an interactive terminal; plain lines, one an event, anywhere else.

    mode   str    the word that says what this is: SIMULATION, LIVE or REPLAY
    sinks  () -> list[SinkState]   how everything fares that takes this run's pictures
    """

    def __init__(
        self, site: Site, mode: str, title: str, console: Console, sinks: Callable[[], list[SinkState]] = list
    ) -> None:
        self._site, self._mode, self._title, self._console, self._sinks = site, mode, title, console, sinks
        self._faults: tuple[str, ...] = ()
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._drawn = self._said = -math.inf
        self._events: list[Text] = []
        if self._live is not None:
            self._live.start()
        else:
            console.print(f"{mode}: {title}", highlight=False, soft_wrap=True)

    def take(self, moment: Moment) -> None:
        """Show what is new in a moment: news at once, tables and status now and then."""
        for line in (*self._news(moment.picture, moment.drill), *self._failing(moment.frame.t)):
            if self._live is None:
                self._console.print(line, highlight=False, soft_wrap=True)
            self._events = [*self._events, line][-8:]
        t = moment.frame.t
        if self._live is not None and t - self._drawn >= REFRESH_S:
            self._drawn = t
            self._live.update(self._view(moment), refresh=True)
        elif self._live is None and t - self._said >= STATUS_S:
            self._said = t
            self._console.print(self._status(moment), highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was, with the last events in it."""
        if self._live is not None:
            self._live.stop()
            for line in self._events:
                self._console.print(line, highlight=False, soft_wrap=True)

    def _news(self, picture: Picture, drill: Drill | None) -> list[Text]:
        lines = []
        warnings, coming = picture.warnings, picture.inbound
        for i in np.flatnonzero(coming.since == picture.t):
            lines.append(Text(f"{_time(picture.t)}  pre-alert  {self._site.zones[coming.zone[i]].name}  "
                f"{_comes(coming, int(i), picture.t)}", "bold yellow"))
        alerts = picture.pre_alerts
        for i in np.flatnonzero((alerts.since == picture.t) & (alerts.cause != COMING)):
            name, why = self._site.zones[alerts.zone[i]].name, REASONS[int(alerts.cause[i])]
            lines.append(Text(f"{_time(picture.t)}  pre-alert  {name}  {why}", "bold yellow"))
        for i in np.flatnonzero((warnings.action == RAISE) | (warnings.action == CLEAR)):
            name = self._site.zones[warnings.zone[i]].name
            if warnings.action[i] == CLEAR:
                lines.append(Text(f"{_time(picture.t)}  all clear  {name}", "green"))
            else:
                why = "by hand" if warnings.manual[
                    i] else f"P {warnings.probability[i]:.2f}, {_counted(int(warnings.tracks[i]), 'round')}"
                due = _countdown(warnings.t_impact[i] - picture.t)
                lines.append(Text(f"{_time(picture.t)}  WARNING    {name}  impact in {due}  {why}", "bold red"))
        if drill is not None:
            lines += [
                Text(f"{_time(drill.t)}  rehearsed  track {o.track} by {self._site.effectors[o.effector].name}: "
                    "cleared, simulated order", "yellow")
                for o in drill.orders
            ]
        return lines

    def _failing(self, t: float) -> list[Text]:
        """A line for each sink that has begun to fail or is well again."""
        now = {state.name: state.fault.splitlines()[0] for state in self._sinks() if state.fault
            and state.name != "terminal"}
        lines = [Text(f"{_time(t)}  FAULT      {name}: {fault}", "bold yellow") for name, fault in now.items()
            if name not in self._faults]
        lines += [Text(f"{_time(t)}  well again {name}", "green") for name in self._faults if name not in now]
        self._faults = tuple(now)
        return lines

    def _status(self, moment: Moment) -> str:
        picture = moment.picture
        kinds = np.argmax(picture.tracks.kind, axis=1) if picture.tracks.number.size else np.zeros(0, int)
        counts = ", ".join(f"{int(np.sum(kinds == k))} {name}" for k, name in enumerate(KIND_NAMES))
        warned = int(np.sum(picture.warnings.action != CLEAR))
        radars = ", ".join(f"{r.name} {_radar_state(picture.health, k)}" for k, r in enumerate(self._site.radars))
        late = f", {moment.frame.late_s:.2f} s late" if moment.frame.late_s > 0.05 else ""
        return (f"{_time(moment.frame.t)}  tracks: {counts}; zones warned: {warned}; radars: "
            f"{radars}{late}{_unused(picture.health)}{_unkept(picture.health)}")

    def _view(self, moment: Moment) -> Panel:
        parts: list[Any] = [Text(self._status(moment)), self._warnings(moment.picture), self._tracks(moment.picture)]
        parts.extend(self._inbound(moment.picture))
        if moment.drill is not None:
            parts.append(Text(_rehearsal(moment.drill), "yellow"))
        parts.extend(self._events[-5:])
        if self._console.height >= 45:
            parts.append(Panel(self._map(moment.picture), title="map, north up", expand=False))
        return Panel(Group(*parts), title=f"[bold]{self._mode}[/bold]  {self._title}")

    def _warnings(self, picture: Picture) -> Table | Text:
        warnings = picture.warnings
        if not np.any(warnings.action != CLEAR):
            return Text("no zone under warning", "green")
        table = Table("zone warned", "told", "impact in", "P", "rounds", "raised at", title="WARNINGS",
            title_style="bold red", expand=True)
        for i in np.flatnonzero(warnings.action != CLEAR):
            table.add_row(
                self._site.zones[warnings.zone[i]].name, STAGE_NAMES[int(warnings.stage[i])],
                _countdown(warnings.t_impact[i] - picture.t),
                f"{warnings.probability[i]:.2f}",
                str(warnings.tracks[i]), f"{_time(warnings.since[i])} ({ACTION_NAMES[int(warnings.action[i])]})",
            )
        return table

    def _inbound(self, picture: Picture) -> list[Text]:
        """Each object that heads for zones without saying who it is, with those that it reaches
        first.
        """
        coming, lines = picture.inbound, []
        for track in dict.fromkeys(coming.track.tolist()):
            mine = np.flatnonzero(coming.track == track)
            names = ", ".join(self._site.zones[z].name for z in coming.zone[mine[:3]]) + (f" and {mine.size - 3} more"
                if mine.size > 3 else "")
            lines.append(Text(f"INBOUND  {_comes(coming, int(mine[0]), picture.t)} → {names}", "bold yellow"))
        return lines[:MOST_INBOUND]

    def _tracks(self, picture: Picture) -> Table:
        tracks, impacts = picture.tracks, picture.impacts
        falls = {int(n): i for i, n in enumerate(impacts.track)}
        due = np.array([impacts.t[falls[int(n)]] if int(n) in falls else math.inf for n in tracks.number])
        order = np.lexsort((tracks.number, due, -tracks.kind[:, PROJECTILE].round(1))) if due.size else np.zeros(0, int)
        columns = ("track", "kind", "P", "east, north, up m", "speed m/s", "impact in", "± m", "seen s ago")
        table = Table(*columns, title=f"{due.size} tracks", expand=True)
        for i in order[:LONGEST_TABLE]:
            fall = falls.get(int(tracks.number[i]))
            table.add_row(*_track_row(tracks, int(i)), *_impact_cells(picture, fall),
                f"{picture.t - tracks.seen[i]:.1f}")
        if order.size > LONGEST_TABLE:
            table.add_row(f"+{order.size - LONGEST_TABLE} more", *[""] * 7)
        return table

    def _map(self, picture: Picture, columns: int = 72, rows: int = 22) -> Text:
        corners = np.concatenate([zone.polygon for zone in self._site.zones]) if self._site.zones else np.zeros((1, 2))
        reach = max(1000.0, 2.0 * float(np.abs(corners).max()))
        grid = [[" "] * columns for _ in range(rows)]
        _plot(grid, reach, corners, "·")
        _plot(grid, reach, picture.impacts.place[:, :2], "x")
        for kind, mark in ((AIRCRAFT, "A"), (PROJECTILE, "o")):
            shown = picture.tracks.kind[:, kind] > 0.5 if picture.tracks.number.size else np.zeros(0, bool)
            _plot(grid, reach, picture.tracks.state[shown, :2], mark)
        return Text("\n".join("".join(row) for row in grid))


def _comes(coming: Inbound, i: int, t: float) -> str:
    return (f"track {coming.track[i]} comes in {_countdown(coming.t[i] - t)}, P {coming.probability[i]:.2f} if it "
        "keeps its course")


def _radar_state(health: Health, k: int) -> str:
    """How radar `k` of the site stands, with its lag where its data come late."""
    state = int(health.radars[k])
    return f"{RADAR_STATES[state]} {health.lag[k]:.1f} s" if state == LATE else RADAR_STATES[state]


def _unused(health: Health) -> str:
    """What of this frame could not be used, by cause; nothing where all was."""
    causes = (("too late", health.late), ("without elevation", health.unusable),
        ("not believed", health.rejected + health.disbelieved))
    said = ", ".join(f"{count} {cause}" for cause, count in causes if count)
    return f"; not used: {said}" if said else ""


def _unkept(health: Health) -> str:
    """That places of impact are less sure than they are said to be; nothing where they are not."""
    return f"; ellipses of impacts held in only {health.held} of {health.judged} falls" if health.unkept else ""


def _plot(grid: list[list[str]], reach: float, places: Array, mark: str) -> None:
    rows, columns = len(grid), len(grid[0])
    for east, north in np.asarray(places):
        if abs(east) < reach and abs(north) < reach:
            grid[int((1.0 - north / reach) / 2.0 * rows)][int((1.0 + east / reach) / 2.0 * columns)] = mark


def _track_row(tracks: Tracks, i: int) -> Sequence[str]:
    kind = int(np.argmax(tracks.kind[i]))
    name = KIND_NAMES[kind] + (f" {int(tracks.address[i]):06X}" if tracks.address[i] >= 0 else "")
    east, north, up = tracks.state[i, :3]
    speed = float(np.linalg.norm(tracks.state[i, 3:6]))
    return str(tracks.number[
        i]), name, f"{tracks.kind[i, kind]:.2f}", f"{east:.0f}, {north:.0f}, {up:.0f}", f"{speed:.0f}"


def _impact_cells(picture: Picture, fall: int | None) -> tuple[str, str]:
    if fall is None:
        return "", ""
    spread = math.sqrt(max(float(np.linalg.eigvalsh(picture.impacts.covariance[fall, :2, :2])[-1]), 0.0))
    return _countdown(picture.impacts.t[fall] - picture.t), f"{spread:.0f}"


def _rehearsal(drill: Drill) -> str:
    refused = [c for c in drill.clearances if not c.cleared]
    words = (f"rehearsal: weapons {drill.status}; {_counted(len(drill.orders), 'order')} now; awaiting consent: "
        f"{', '.join(map(str, drill.awaiting)) or 'none'}")
    return words + "".join(f"\n  track {c.track}: refused, {c.reason}" for c in refused[:3])


def _counted(n: int, one: str) -> str:
    return f"{n} {one}{'' if n == 1 else 's'}"


def _time(t: float) -> str:
    return f"{int(t // 60):3d}:{t % 60:04.1f}"


def _countdown(seconds: float) -> str:
    return "—" if not math.isfinite(seconds) else f"{max(seconds, 0.0):.0f} s"
