"""A record shown again: in the terminal, or on the page."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from skywarden.console.server import Console as Page
from skywarden.console.terminal import Terminal
from skywarden.messages.moment import Moment
from skywarden.record.reader import Record, foreign
from skywarden.session.ending import stopping
from skywarden.session.feeds import clock_of
from skywarden.session.page import on_a_port
from skywarden.site.load import from_sources


def replay(path: Path, start: float, speed: float | None, talk: Console) -> int:
    """Show a record again from a moment on, in the live view; returns how many frames were shown.

    path   the record's file
    start  time to begin at [s]
    speed  seconds of the record a second, None for as fast as possible
    talk   where people are spoken to: standard error
    """
    frames = 0
    with stopping() as stop, foreign(path), Record(path) as record:
        site = from_sources(record.header.site_sources, record.header.site)
        terminal = Terminal(site, "REPLAY", f"{record.header.scenario or 'live data'} · {path.name}", talk)
        clock = clock_of(speed, stop)
        try:
            for moment in record.moments(start):
                clock.wait_until(moment.frame.t)
                if stop.is_set():
                    break
                terminal.take(Moment(moment.frame, moment.picture, moment.drill, None))
                frames += 1
        finally:
            terminal.close()
    return frames


def replay_page(path: Path, port: int | None, talk: Console, tiles: str | None = None) -> None:
    """Serve a record on the console's page until Ctrl-C; every page looks at its own time and
    speed.

    path   the record's file
    port   port of the page, None for the usual one
    talk   where people are spoken to: standard error
    tiles  URL of map tiles, None for none
    """
    with stopping() as stop, foreign(path), Record(path) as record:
        site = from_sources(record.header.site_sources, record.header.site)
        kind = "SIMULATION" if record.simulation else "LIVE"
        title = f"{record.header.scenario or 'live data'} · {path.name}"
        page = on_a_port(port, lambda at: Page(
            site, "REPLAY", title, port=at, epoch_ns=record.header.epoch_ns, moments=record.moments(), kind=kind,
            records=path.parent, tiles=tiles))
        talk.print(f"console: {page.url}  (Ctrl-C ends)", highlight=False)
        stop.wait()
        page.close()
