"""A second opinion on a drill: every clearance given, all of its evidence and every simulated order
checked again, from the record alone.

Shares no code with what gave them: its own physics, protected volumes, footprint and ledger of
commands (`tests/test_house.py` keeps it so). Source of the rules: docs/models/airspace.md
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from skywarden.messages.drill import Clearance, Drill
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.site.model import Site
from skywarden.verification.aircraft import volumes_of
from skywarden.verification.evidence import approaches_wrong, corridor_wrong, frame_wrong
from skywarden.verification.fallout import on_people
from skywarden.verification.ledger import Ledger, shots_of
from skywarden.verification.limits import FAN
from skywarden.verification.orders import unlawful
from skywarden.verification.path import between_lines, meeting, path_of, reach_of_effect
from skywarden.verification.separation import near_aircraft


class Violation(NamedTuple):
    """One thing that should not have been."""

    t: float
    # one word: aircraft, evidence, risk, projectile, threat, sensors, hold, consent, sector, reach, fallout, magazine,
    # busy, …
    rule: str
    track: int
    effector: int
    what: str           # with the values found


def violations(site: Site, moments: Iterable[tuple[Frame, Picture, Drill | None]]) -> list[Violation]:
    """Everything in the drills of a record, from its beginning, that breaks a rule; empty where all
    is well.

    site     the site as its defender declared it
    moments  frame, picture and drill of each moment, in order
    """
    ledger, found = Ledger(site.policy.weapons), []
    for frame, picture, drill in moments:
        ledger.read(frame)
        ledger.look(frame, picture, site)
        if drill is None:
            continue
        for clearance in drill.clearances:
            if clearance.cleared:
                wrong = _unsafe(clearance, frame, picture, site, ledger)
                found += [Violation(picture.t, rule, clearance.track, clearance.effector, what) for rule, what in wrong]
        for order in drill.orders:
            found += [Violation(picture.t, rule, order.track, order.effector, what) for rule, what in unlawful(order,
                drill, frame, site, ledger)]
            ledger.orders.append((frame.t, order))
            ledger.shots += shots_of(order, frame, picture, site)
    return found


def _unsafe(clearance: Clearance, frame: Frame, picture: Picture, site: Site, ledger: Ledger) -> list[tuple[str, str]]:
    """What is wrong with a clearance that was given."""
    rows = np.flatnonzero(picture.tracks.number == clearance.track)
    if rows.size != 1 or not 0 <= clearance.effector < len(site.effectors):
        return [("unknown", f"track {clearance.track} or effector {clearance.effector} is not there")]
    row, effector, policy = int(rows[0]), site.effectors[clearance.effector], site.policy
    wrong = []
    sure = float(picture.tracks.kind[row, 0])
    if not sure >= policy.projectile_probability or int(picture.tracks.address[row]) >= 0:
        wrong.append(("projectile", f"a projectile with probability {sure:.3f} and address "
            f"{int(picture.tracks.address[row])}"))
    danger = float(picture.threats.probability[picture.threats.track == clearance.track].max(initial=0.0))
    if not danger >= policy.engage_probability:
        wrong.append(("threat", f"endangers a zone with probability {danger:.3f} at most"))
    if picture.health.radars.any():
        wrong.append(("sensors", "a radar is silent or doubtful"))
    if not frame.t - 1e-9 <= clearance.t_from <= clearance.t_to:
        return [*wrong, ("clearance", f"window {clearance.t_from:.2f} to {clearance.t_to:.2f} s was given at "
            f"{frame.t:.2f} s")]
    path, height = path_of(row, frame, picture, site)
    met = meeting(path, height, clearance, effector, frame)
    if isinstance(met, str):
        return [*wrong, ("reach", met)]
    evidence = clearance.evidence
    wrong += [("evidence", what) for what in (
        *corridor_wrong(path, height, met, row, clearance, effector, frame, picture, site), *frame_wrong(clearance,
            effector, frame, picture))]
    if evidence.ends.shape != (FAN, 3):
        return wrong
    plan = (between_lines(evidence.ends, 64) - effector.place)[:, :2]
    level = np.hypot(*plan.T)
    bearing = np.arctan2(*plan.T)
    broad = evidence.spread * reach_of_effect(effector)
    opening = np.where(level > broad, np.arcsin(np.minimum(broad / np.maximum(level, 1e-9), 1.0)), math.pi)
    closed = [("points into a no-fire arc", arc) for arc in effector.no_fire]
    if effector.azimuth_width < 2.0 * math.pi - 1e-9:
        closed.append(("leaves the effector's sector", (effector.azimuth_from + effector.azimuth_width,
            2.0 * math.pi - effector.azimuth_width)))
    for what, (begin, width) in closed:
        middle = begin + 0.5 * width
        off = np.angle(np.exp(1j * (bearing - middle)))     # from the arc's middle, the short way round
        crossed = (np.sign(off[1:]) != np.sign(off[:-1])) & (np.abs(off[1:] - off[:-1]) < math.pi)
        if not (np.abs(off) > 0.5 * width + opening).all() or crossed.any():
            wrong.append(("sector", f"bearing {math.degrees(bearing[0]) % 360.0:.0f}° {what}"))
    volumes = volumes_of(frame, picture, site, ledger)
    wrong += near_aircraft(volumes, clearance, met, row, effector, frame, picture, site, ledger)
    wrong += [("evidence", what) for what in approaches_wrong(volumes, evidence, frame, site, ledger)]
    return wrong + on_people(clearance, met, row, effector, picture, site)
