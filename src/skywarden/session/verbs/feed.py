"""`skywarden feed URL`: what arrives, live on the terminal, before anything is believed."""

from __future__ import annotations

import json
import math
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Group

    from skywarden.feeds.source import Source
    from skywarden.tools.feed import Probe

REDRAW_S = 0.5  # seconds between two drawings on a terminal
LINE_S = 1.0  # seconds between two lines of JSON or of plain text
WIDE, HIGH = 61, 29  # columns and lines of the polar picture
MOST_SENDERS = 12  # senders shown; the rest is counted
MOST_AIRCRAFT = 10  # aircraft shown; the rest is counted
RINGS = (1.0, 2.0, 5.0)  # steps of the picture's scale, times powers of ten


def feed_command(
    url: Annotated[str, typer.Argument(help="A feed, as --feed of `run` takes it.")],
    site: Annotated[
        str | None,
        typer.Option(help="A site's name or folder: its radars and its place. Without one every sender is taken."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Look so long. Default: until Ctrl-C, a file to its end.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a second.")] = False,
) -> None:
    """Show what arrives at a feed: rates, categories, senders, clocks, a polar picture, what is
    refused and why.

    Nothing is tracked or warned. Exit 1 where nothing came that could be read.
    """
    from rich.console import Console

    from skywarden.session.ending import stopping
    from skywarden.site.load import load
    from skywarden.tools.feed import watch_feed

    place = load(site) if site is not None else None
    out = Console(soft_wrap=True)
    view = _View(out, as_json)
    with stopping() as stop:
        try:
            probe, source = watch_feed(url, place, seconds, stop, view.shown)
        finally:
            view.close()
    view.last(probe, source)
    raise typer.Exit(0 if probe.received else 1)


class _View:
    """Draws on a terminal, else writes a line a second."""

    def __init__(self, out: Any, as_json: bool) -> None:
        from rich.live import Live

        self._out, self._json = out, as_json
        self._said = -math.inf
        self._begin = math.nan
        self._live = Live(console=out, auto_refresh=False, transient=True) if out.is_terminal and not as_json else None
        if self._live is not None:
            self._live.start()

    def shown(self, probe: Probe, source: Source, now: float, begin: float) -> None:
        """Show how things stand, if it is time."""
        self._begin = begin
        if now - self._said < (REDRAW_S if self._live is not None else LINE_S):
            return
        self._said = now
        if self._live is not None:
            self._live.update(_drawing(probe, source, now, begin), refresh=True)
        elif self._json:
            print(json.dumps(probe.told(now, begin, source)), flush=True)
        else:
            print(_line(probe, source, now, begin), flush=True)

    def last(self, probe: Probe, source: Source) -> None:
        """What stays to be read when the look is over."""
        now = time.monotonic()
        begin = self._begin if math.isfinite(self._begin) else now
        if self._json:
            print(json.dumps(probe.told(now, begin, source)), flush=True)
        else:
            self._out.print(_drawing(probe, source, now, begin))
        if not probe.received:
            print(f"skywarden: {_nothing(probe, source)}", file=sys.stderr)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()


def _nothing(probe: Probe, source: Source) -> str:
    """Why nothing came, as far as that can be told, and what to try."""
    note = str(getattr(source, "note", ""))
    if probe.undecodable:
        why = f" ({note})" if note else ""
        return f"{source.name}: nothing in {probe.undecodable} bytes can be read{why}; is it what the URL says?"
    return (
        f"{source.name}: nothing has come{f' ({note})' if note else ''}; check address, port, cable, firewall, "
        "and for a multicast group ?interface="
    )


def _line(probe: Probe, source: Source, now: float, begin: float) -> str:
    told = probe.told(now, begin, source)
    kinds = ", ".join(f"{kind} {count}" for kind, count in told["kinds"].items()) or "nothing yet"
    refused = ", ".join(f"{cause} {count}" for cause, count in told["refused"].items()) or "none"
    return (
        f"{told['seconds']:7.1f} s  {told['messages_per_s']:.1f} messages/s  {kinds}  senders {len(told['senders'])}  "
        f"aircraft {told['aircraft']}  undecodable {told['undecodable_bytes']} B  refused {refused}"
    )


def _drawing(probe: Probe, source: Source, now: float, begin: float) -> Group:
    """Everything at a glance."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    told = probe.told(now, begin, source)
    head = Text(f"{told['feed']}  {told['seconds']:.0f} s  {told['state']}", "bold")
    parts: list[Any] = [
        head,
        Text(
            f"{told['messages']} messages, {told['messages_per_s']:.1f}/s; "
            f"{told['undecodable_bytes']} bytes undecodable; "
            + (", ".join(f"{kind} {count}" for kind, count in told["kinds"].items()) or "no kind known yet")
        ),
    ]
    refused = ", ".join(f"{cause} {count}" for cause, count in told["refused"].items())
    parts.append(Text(f"refused: {refused}" if refused else "refused: nothing", "yellow" if refused else "green"))
    if told["clock_steps"]:
        parts.append(Text(f"a sender's clock was set anew {told['clock_steps']} times", "yellow"))
    senders = Table(
        "sender", "taken for", "plots", "reports", "signs of life", "clock ahead", "drift", "silent", box=None
    )
    for each in told["senders"][:MOST_SENDERS]:
        senders.add_row(
            each["name"],
            each["radar"] or ("aircraft reports" if each["reports"] else "no radar of the site"),
            str(each["plots"]),
            str(each["reports"]),
            str(each["signs_of_life"]),
            _seconds(each["clock_ahead_s"]),
            _seconds(each["clock_drift_s"]),
            f"{each['silent_s'] or 0.0:.0f} s",
        )
    parts.append(senders)
    if len(told["senders"]) > MOST_SENDERS:
        parts.append(Text(f"and {len(told['senders']) - MOST_SENDERS} senders more"))
    if told["aircraft"]:
        names = "  ".join(
            f"{each['address']} {each['callsign']}".strip()
            + ("" if each["height_m"] is None else f" {each['height_m']:.0f} m")
            for each in told["aircraft_heard"][:MOST_AIRCRAFT]
        )
        parts.append(Text(f"aircraft {told['aircraft']}: {names}"))
    if told["places"]:
        parts.append(Text(picture([(float(a), float(r)) for a, r in told["places"]])))
    if not told["messages"] and now - begin > 3.0:
        parts.append(Text(_nothing(probe, source), "yellow"))
    return Group(*parts)


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{value:+.2f} s"


def picture(places: list[tuple[float, float]]) -> str:
    """A polar picture in characters, north up.

    places  azimuth [degrees] and range [m] of each place

    A ring stands at half and at the whole of the scale that is told beneath.
    """
    far = max((distance for _, distance in places), default=1.0)
    power = 10.0 ** math.floor(math.log10(max(far, 1.0)))
    scale = next((step * power for step in (*RINGS, 10.0) if step * power >= far), 10.0 * power)
    rows = [[" "] * WIDE for _ in range(HIGH)]

    def put(azimuth: float, share: float, mark: str) -> None:
        column = round((WIDE - 1) / 2 * (1.0 + share * math.sin(azimuth)))
        row = round((HIGH - 1) / 2 * (1.0 - share * math.cos(azimuth)))
        if 0 <= row < HIGH and 0 <= column < WIDE:
            rows[row][column] = mark

    for share in (0.5, 1.0):
        for k in range(180):
            put(math.radians(2.0 * k), share, "·")
    put(0.0, 1.0, "N")
    put(0.0, 0.0, "+")
    for azimuth, distance in places:
        put(math.radians(azimuth), distance / scale, "o")
    drawn = "\n".join("".join(row).rstrip() for row in rows)
    return f"{drawn}\nrings at {scale / 2000:g} and {scale / 1000:g} km"
