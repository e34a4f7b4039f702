"""Read a recorded radar and print, each ten seconds, what it saw; nothing is believed or warned
here.

    python examples/read_a_radar.py recording.pcap kabul
"""

from __future__ import annotations

import sys

from skywarden.feeds.merge import Merged
from skywarden.feeds.opening import open_source
from skywarden.messages.frame import NO_ADDRESS
from skywarden.site.load import load


def main(path: str, site_name: str = "kabul") -> None:
    site = load(site_name)
    feed = Merged([open_source(path if "+" in path else f"asterix+file:{path}", site)], site)
    addresses: set[int] = set()
    detections = reports = 0
    for frame, _ in feed:
        detections += len(frame.detections.t)
        reports += len(frame.aircraft.t)
        addresses |= set(frame.detections.address.tolist()) | set(frame.aircraft.address.tolist())
        if frame.t % 10.0 == 0.0:
            print(f"{frame.t:6.0f} s  {detections:5d} detections  {reports:5d} reports  "
                f"{len(addresses - {NO_ADDRESS}):4d} aircraft")
    for row in zip(*(column.tolist() for column in frame.inputs), strict=True):
        print("{}: {} messages, {} bytes undecodable, {} messages rejected".format(row[0].decode(), *row[1:4]))
    feed.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:3])
