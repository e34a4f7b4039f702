"""Opens live channels. Imported by the live session and by nothing else: tests/test_house.py reads
the imports to keep it so.
"""

from __future__ import annotations

from pathlib import Path

from skywarden.alerts.alert import LiveAlert as LiveAlert
from skywarden.alerts.opening import open_alerts
from skywarden.alerts.sink import Alerts
from skywarden.site.model import Site


def open_live(
    site: Site, epoch_ns: int, state: Path | None = None, folder: Path | None = None
) -> Alerts[LiveAlert] | None:
    """The sink that tells people what is real; None where the site declares no live channel.

    epoch_ns  the record's epoch, ns since 1970
    state     folder of the outbox, None for the service's own
    folder    folder of the site, to which secrets are relative; None without one
    """
    return open_alerts(site, epoch_ns, LiveAlert, state=state, folder=folder, wall=True)
