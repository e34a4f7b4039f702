"""A process that raises and clears warnings one after the other until it is killed: python
warnings_child.py FOLDER PORT HOW_MANY.

Which came last is read out of its own outbox, as a restarted service would: that one is raised
again, under the same id.

Most warnings are cleared at once, whether or not anybody has heard them. The first after each start
and every tenth stand, as the loop says them, until the relay has acknowledged them: so no more than
the warnings between two of those can go by while broker, process or relay are coming back.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "stages")]

from alert_builders import a_channel, a_told_moment, a_told_site, cleared, warned  # noqa: E402 — found by the line above

from skywarden.alerts.alert import LiveAlert, warning_id  # noqa: E402
from skywarden.alerts.opening import open_alerts, outbox_path  # noqa: E402
from skywarden.alerts.sink import Alerts  # noqa: E402
from skywarden.messages.receipts import DELIVERED  # noqa: E402

EPOCH = 1_700_000_000
ZONE = "zone 0"
MOST_WAITING = 50
STANDS = 10                     # of so many warnings, one stands until the relay has acknowledged it
SHORT_S, LONG_S = 3.0, 600.0    # seconds until the impact of one that is cleared at once, and of one that stands


def last(folder: Path) -> int:
    """The number of the newest warning in the outbox; 0 where there is none."""
    path = outbox_path("test", "live", folder)
    if not path.is_file():
        return 0
    with contextlib.closing(sqlite3.connect(path)) as base:
        ids = {message.rsplit(".take-cover", 1)[0] for message,
            in base.execute("SELECT message FROM messages WHERE stage=2")}
    numbers = {warning_id("test", ZONE, EPOCH + k): k for k in range(1, 20_001)}
    return max((numbers[i] for i in ids if i in numbers), default=0)


def acknowledged(alerts: Alerts[LiveAlert], k: int) -> bool:
    """Whether the relay has answered that it was told of warning `k`, since the last call."""
    _, heard = alerts.receipts()
    told = f"{warning_id('test', ZONE, EPOCH + k)}.take-cover".encode()
    pairs = zip(heard.message.tolist(), heard.outcome.tolist(), strict=True)
    return any(message.startswith(told) and outcome == DELIVERED for message, outcome in pairs)


def main(folder: Path, port: int, many: int) -> None:
    site = a_told_site(a_channel(f"siren+mqtt://127.0.0.1:{port}", relays=("north",)), zones=1)
    begin = max(last(folder), 1)
    alerts = open_alerts(site, EPOCH * 10**9, LiveAlert, state=folder, folder=folder, wall=True)
    assert alerts is not None
    for k in range(begin, many + 1):
        while any(courier.report().waiting > MOST_WAITING for courier in alerts.couriers):
            # no zone is raised and cleared hundreds of times a second: a queue that long would only run out
            time.sleep(0.005)
        t, stands = float(k), k == begin or k % STANDS == 0
        due = time.time() - EPOCH + (LONG_S if stands else SHORT_S)
        alerts.take(a_told_moment(t, warned(t, (0, t), due=due)))
        while stands and not acknowledged(alerts, k):
            time.sleep(0.02)
            alerts.take(a_told_moment(t, warned(t, (0, t), due=due)))
        time.sleep(0.001)
        alerts.take(a_told_moment(t + 0.5, cleared(t + 0.5, (0, t))))
        print(k, flush=True)
    while any(courier.report().waiting for courier in alerts.couriers):
        time.sleep(0.05)
    alerts.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
