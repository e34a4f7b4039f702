"""What a live session does and no other one may: it tells people.

tests/test_house.py keeps live channels to this file.
"""

from __future__ import annotations

from pathlib import Path

from skywarden.alerts.live import LiveAlert, open_live
from skywarden.alerts.sink import Alerts
from skywarden.site.model import Site


def live_alerts(
    site: Site, epoch_ns: int, live: bool, state: Path | None, folder: Path | None
) -> Alerts[LiveAlert] | None:
    """The sink that tells people what is real; None where the site declares no live channel, or the
    feed is a recording.

    live   whether the feed keeps time itself: what is read from a file happened long ago, and no siren sounds for it
    """
    return open_live(site, epoch_ns, state, folder) if live else None
