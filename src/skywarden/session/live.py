"""A live session: real feeds, warnings that people get, and no way to rehearsal or simulator.

tests/test_house.py keeps it so, and live channels to this file.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from skywarden.alerts.live import LiveAlert, open_live
from skywarden.alerts.sink import Alerts
from skywarden.errors import UsageError
from skywarden.feeds.merge import Merged
from skywarden.feeds.opening import open_source
from skywarden.measures.tally import Measures
from skywarden.pipeline.live import stepper
from skywarden.pipeline.warming import warm
from skywarden.record.header import Header
from skywarden.session.feeds import clock_of, is_live, say
from skywarden.session.request import Request, folder_of
from skywarden.session.resuming import header_of, link_of, take_up
from skywarden.session.running import Parts, run_parts
from skywarden.site.doubts import doubts
from skywarden.site.load import load as load_site
from skywarden.site.model import Site


def run_live(request: Request, talk: Console) -> dict[str, Any]:
    """Defend a site with what its feeds give, live or from files, until they end or it is
    interrupted, and return the summary.

    talk  where people are spoken to: standard error

    Raises UsageError where the request names no feed or no site.
    """
    if request.scenario is not None or not request.feeds:
        raise UsageError("a live session is of feeds alone: name them with --feed, and no scenario")
    if request.emits:
        raise UsageError(
            "only a simulation is shown to other systems: --emit goes with a scenario, never with feeds alone")
    if request.site is None:
        raise UsageError("feeds alone need a site: add --site kabul, or your own site's folder")
    site = load_site(request.site)

    def opened(ending: ExitStack) -> Parts:
        before = None if request.resume is None else header_of(request.resume, site, "live")
        epoch_ns = None if before is None else before.epoch_ns
        feed = Merged([open_source(url, site) for url in request.feeds], site, epoch_ns, duration=request.duration,
            say=lambda sentence: say(sentence, talk), aligned=before is not None)
        if before is not None and not is_live(feed):
            raise UsageError("--resume: a live run is taken up by live feeds; a recording is read from its beginning")
        link = None if request.resume is None else link_of(request.resume)
        header = Header("live", feed.epoch_ns, site.name, site.sources, duration=request.duration,
            feeds=tuple(request.feeds), follows=link)
        title = f"{site.title}: SIMULATED TARGETS ARE USED" if feed.simulated else site.title
        real = is_live(feed) and not feed.simulated
        steps = stepper(site)

        def ready() -> None:
            warm(site)
            if request.resume is not None:
                take_up(request.resume, steps)

        return Parts(
            site=site, feed=feed, header=header, title=title, duration=request.duration, steps=steps,
            measures=Measures(site, False, ()), direct=(), warm=ready,
            tell=lambda: open_told(request, site, feed.epoch_ns, real, talk), doubts=doubts(site))

    return run_parts(
        request, talk, opened, lambda parts, stop: clock_of(None if is_live(parts.feed) else request.speed, stop,
            changing=request.console))


def live_alerts(
    site: Site, epoch_ns: int, live: bool, state: Path | None, folder: Path | None
) -> Alerts[LiveAlert] | None:
    """The sink that tells people what is real; None where the site declares no live channel, or the
    feed is a recording.

    live      whether the feed keeps time itself: what is read from a file happened long ago, and no
              siren sounds for it
    epoch_ns  the record's epoch, ns since 1970
    state     folder of the outbox, None for the service's own
    folder    folder of the site, to which secrets are relative; None without one
    """
    return open_live(site, epoch_ns, state, folder) if live else None


def open_told(request: Request, site: Site, epoch_ns: int, live: bool, talk: Console) -> Alerts[LiveAlert] | None:
    """The sink that tells people; that none is opened for a recording is said.

    request   what was asked for on the command line
    site      the site as its defender declared it
    epoch_ns  the record's epoch, ns since 1970
    live      whether the run is live
    talk      where people are spoken to: standard error
    """
    if not live and any(channel.kind == "live" for channel in site.channels):
        talk.print(
            "the live warning channels stay silent: what is read from a file happened before, and what is simulated "
            "never did", highlight=False)
    alerts = live_alerts(site, epoch_ns, live, request.state, folder_of(request))
    if alerts is not None and request.resume is not None:
        alerts.resume()
    return alerts
