"""Step the tracker on arrays of your own: here a round that comes down on a zone, seen four times a second.

python examples/my_own_detections.py
"""

from __future__ import annotations

import numpy as np

from skywarden import api

STEP = 0.25
FLIGHT = 18.0


def main(site: str = "kabul") -> int:
    declared = api.site(site)
    watcher = api.Watcher(declared)
    radar = declared.radars[0].place
    zone = max((zone for zone in declared.zones if zone.warn), key=lambda zone: zone.people)
    noise = np.random.default_rng(1)
    raised = 0
    for k, (place, velocity) in enumerate(path(np.append(zone.polygon.mean(axis=0), 0.0))):
        off = place - radar
        distance = float(np.linalg.norm(off))
        seen = np.array([distance, np.arctan2(off[0], off[1]), np.arcsin(off[2] / distance), off @ velocity / distance])
        seen += noise.normal(0.0, [10.0, 2e-3, 2e-3, 1.0])
        picture = watcher.step(k * STEP, range=seen[:1], azimuth=seen[1:2], elevation=seen[2:3], range_rate=seen[3:])
        for at, where in zip(picture.impacts.t, picture.impacts.place, strict=True):
            print(f"{k * STEP:5.2f} s  falls at {at:.1f} s, {where[0]:.0f} m east, {where[1]:.0f} m north")
        for zone_row in picture.warnings.zone:
            print(f"{k * STEP:5.2f} s  {declared.zones[zone_row].name} is under warning")
        raised += len(picture.warnings.zone)
    return raised


def path(end, velocity=(190.0, 0.0, -170.0), drag=1.5e-4):
    """States from FLIGHT seconds before a place until STEP before it, of a point mass with drag, run backwards."""
    place, speed, states = np.array(end, float), np.array(velocity), []
    for _ in range(int(FLIGHT / STEP)):
        for _ in range(25):
            speed = speed - STEP / 25 * (np.array([0.0, 0.0, -9.81]) - drag * np.linalg.norm(speed) * speed)
            place = place - STEP / 25 * speed
        states.append((place, speed))
    return states[::-1]


if __name__ == "__main__":
    main()
