"""How near protected volumes come to the corridor of an engagement, and what the evidence says of
that.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skywarden.messages.drill import Clearance
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.site.model import Effector, Site
from skywarden.verification.aircraft import Volume
from skywarden.verification.fallout import circles_of, meets_fragments
from skywarden.verification.ledger import Ledger
from skywarden.verification.limits import (
    BLIND,
    DEVIATIONS,
    FAST,
    GLANCE,
    LEAVES,
    METRE,
    NEWS_S,
    RISK,
    TARDY,
    TOP_SPEED,
    TURN,
    Array,
)
from skywarden.verification.path import alike, between_lines, reach_of_effect


def near_aircraft(
    volumes: list[Volume], clearance: Clearance, hit: Array, row: int, effector: Effector, frame: Frame,
    picture: Picture, site: Site, ledger: Ledger,
) -> list[tuple[str, str]]:
    """Aircraft, and what may be one, that come too near; tubes of the evidence that are not theirs;
    a bound that is not the sum of its parts.

    volumes    protected volumes, one for each aircraft and what may be one
    clearance  the clearance, given or refused
    hit        (3,) where the effect meets the round, east north up [m]
    row        row of the track in the picture
    effector   the simulated effector, as declared
    frame      what came in at this frame
    picture    what is believed at this frame
    site       the site as its defender declared it
    ledger     what the checker has noted of the record so far
    """
    e, safety, wrong = clearance.evidence, site.policy.safety_distance, []
    tubes = e.tubes
    left = list(range(tubes.number.size))
    found: list[tuple[int, float]] = []
    risks = 0.0
    for volume in volumes:
        name = (f"track {volume.number}" if volume.number >= 0 else f"address {volume.address:06X}" if volume.address
            >= 0 else "a nameless report")
        quick, fine = _nearest(volume, clearance, effector, safety, exact=False), 1
        row_of = [k for k in left if _same_volume(volume, tubes, k)]
        if row_of and quick[0] > 4.0 * safety and abs(float(tubes.gap[row_of[0]]) - quick[0]) <= 0.5:
            gap, reach, when, risk = quick
        else:
            gap, reach, when, risk = _nearest(volume, clearance, effector, safety, exact=True)
            fine = 16 if gap < safety else 1
            if fine > 1:
                gap, reach, when, risk = _nearest(volume, clearance, effector, safety, exact=True, fine=fine)
        if not gap >= safety:
            wrong.append(("aircraft", f"{name} may come within {gap:.0f} m"))
        if not row_of:
            wrong.append(("evidence", f"{name} is not among the tubes, or not as it was known"))
            continue
        k = row_of[0]
        left.remove(k)
        told = (float(tubes.gap[k]), float(tubes.reach[k]), float(tubes.when[k]), float(tubes.risk[k]))
        honest = (gap, reach, when, risk)
        # of several moments equally near any may be named; what is then said must be true of that moment
        near = abs(told[0] - honest[0]) <= METRE and abs(told[1] - honest[1]) <= 0.02 * abs(honest[1]) + 5.0
        moment = abs(told[2] - honest[2]) <= GLANCE + 1e-6 or abs(_gap_at(volume, clearance, effector, told[2],
            fine) - told[0]) <= METRE
        if not (near and moment and alike(told[3], honest[3])):
            wrong.append(("evidence", f"the tube of {name} is said to come within {told[0]:.0f} m, it comes within "
                f"{honest[0]:.0f} m"))
        risks += honest[3]
        found.append((volume.number, told[0]))
    if left:
        wrong.append(("evidence", f"{len(left)} tubes belong to nothing that flies"))
    wrong += _closest_faults(found, clearance)
    wrong += _bound_faults(volumes, risks, clearance, hit, row, effector, frame, picture, site, ledger,
        too_near=any(rule == "aircraft" for rule, _ in wrong))
    return wrong


def _closest_faults(found: list[tuple[int, float]], clearance: Clearance) -> list[tuple[str, str]]:
    """What is wrong with the clearance's own closest aircraft, where `found` holds (number, gap
    [m]) of all that fly.
    """
    if not found:
        if clearance.aircraft == -1 and clearance.distance == math.inf:
            return []
        return [("evidence", f"nothing flies, yet the closest is {clearance.aircraft} at {clearance.distance:.0f} m")]
    nearest = min(found, key=lambda pair: pair[1])
    equally_near = {number for number, gap in found if gap <= nearest[1] + METRE}
    if abs(clearance.distance - nearest[1]) <= METRE and clearance.aircraft in equally_near:
        return []
    return [("evidence", f"the closest is {nearest[0]} at {nearest[1]:.0f} m, not {clearance.aircraft} at "
        f"{clearance.distance:.0f} m")]


def _bound_faults(
    volumes: list[Volume], risks: float, clearance: Clearance, hit: Array, row: int, effector: Effector, frame: Frame,
    picture: Picture, site: Site, ledger: Ledger, too_near: bool,
) -> list[tuple[str, str]]:
    """What is wrong with the bound on the probability of touching an aircraft, and with its four
    parts; `risks` is the part of aircraft outside their containment, `too_near` whether one was
    found to come too near anyhow.
    """
    e, wrong = clearance.evidence, []
    far = reach_of_effect(effector)
    safety = site.policy.safety_distance
    wide = safety + e.spread * far
    unseen = 1e-17 * (far + 2.0 * safety) * 2.0 * wide * (2.0 * wide + float(np.linalg.norm(e.ends[-1] - e.ends[0])))
    unseen += sum({id(shot): shot.bound for shot in ledger.pieces.values()}.values())
    claims = 1e-5 / 3_600.0 * sum(
        clearance.t_to - frame.t + (volume.trusted if volume.backed else NEWS_S) for volume in volumes
        if not volume.backed or volume.trusted < math.inf)
    circles = circles_of(hit, row, clearance, effector, picture, site)
    fragments = meets_fragments(volumes, circles, hit, clearance, effector, row, frame, picture)
    for part, own in (("unseen", unseen), ("outside", risks), ("claims", claims), ("fragments", fragments)):
        report = float(getattr(e, part))
        if not alike(report, own):
            wrong.append(("evidence", f"the part {part} of the bound is {report:.2g}, not {own:.2g}"))
    total = unseen + risks + claims + fragments
    if not total <= RISK * 1.1 and not too_near:
        wrong.append(("risk", f"the bound is {total:.2g}"))
    return wrong


def _same_volume(volume: Volume, tubes: Any, k: int) -> bool:
    flags = (int(tubes.number[k]), int(tubes.address[k]), bool(tubes.unknown[k]), bool(tubes.backed[k]))
    if flags != (volume.number, volume.address, volume.unknown, volume.backed) or abs(tubes.seen[k]
            - volume.seen) + abs(tubes.t[k] - volume.t) > 1e-9:
        return False
    told, own = (np.append(a, b) for a, b in ((tubes.position[k], tubes.velocity[k]),
        (volume.position, volume.velocity)))
    return bool(np.allclose(told, own, rtol=0.0, atol=0.01, equal_nan=True))


def _reach_of(volume: Volume, since: float, dt: float, speed: float) -> float:
    """How far it can be from its dead reckoning for what it may have done [m]."""
    if volume.blind:
        return BLIND * dt
    return min(0.5 * TURN * since**2, (TOP_SPEED + speed) * max(since, dt))


def _nearest(
    volume: Volume, clearance: Clearance, effector: Effector, safety: float, exact: bool, fine: int = 1
) -> tuple[float, float, float, float]:
    """Least distance of a volume's tube from the corridor, how far it reaches, when, and the risk
    that it is nearer than `safety` after all.

    exact  False: the plain bound by which far ones are told
    fine   so many looks for one where GLANCE is too coarse to tell
    """
    e = clearance.evidence
    ticks = min(max(math.ceil((clearance.t_to - clearance.t_from) / GLANCE), 1), 2000) * fine
    step = (clearance.t_to - clearance.t_from) / ticks
    speed = float(np.linalg.norm(volume.velocity))
    if not exact:
        far = float(np.linalg.norm(e.ends - e.place, axis=1).max())
        late = max(clearance.t_to - volume.t, volume.t - clearance.t_from, 0.0)
        widest = float(np.trace(volume.covariance[:3, :3]) + late**2 * np.trace(volume.covariance[3:, 3:]))
        most = DEVIATIONS * math.sqrt(2.0 * max(widest, 0.0)) + volume.more
        most += _reach_of(volume, max(clearance.t_to - volume.seen, 0.0) + step, late + step, speed)
        away = volume.position - e.place
        least = math.sqrt(float(np.nansum(away**2))) - speed * (late + step) - far * (1.0 + e.spread) - most
        return least, most, clearance.t_from, 0.0
    when = clearance.t_from + step * np.arange(ticks + 1)
    gap, reach, risk = _gaps_at(volume, clearance, effector, when, step, safety)
    k = int(np.argmin(np.where(np.isnan(gap), -math.inf, gap)))
    return float(gap[k]), float(reach[k]), float(when[k]), float(risk[k])


def _gap_at(volume: Volume, clearance: Clearance, effector: Effector, when: float, fine: int) -> float:
    ticks = min(max(math.ceil((clearance.t_to - clearance.t_from) / GLANCE), 1), 2000) * fine
    if not clearance.t_from - 1e-6 <= when <= clearance.t_to + 1e-6:
        return math.nan
    return float(_gaps_at(volume, clearance, effector, np.array([when]), (clearance.t_to - clearance.t_from) / ticks,
        0.0)[0][0])


def _gaps_at(
    volume: Volume, clearance: Clearance, effector: Effector, when: Array, step: float, safety: float
) -> tuple[Array, Array, Array]:
    """(k,) distance of the tube from the cones at each moment, how far it reaches, and the risk.
    Half a step of motion belongs to the tube.
    """
    e = clearance.evidence
    axes = 3 if np.isfinite(volume.position[2]) else 2
    dt, speed = when - volume.t, float(np.linalg.norm(volume.velocity))
    grown = volume.more + 0.5 * step * speed + np.array([
        _reach_of(volume, max(at - volume.seen, 0.0) + 0.5 * step, abs(at - volume.t) + 0.5 * step, speed)
        for at in when.tolist()])
    place = (volume.position + volume.velocity * dt[:, None] - e.place)[:, None, None, :axes]
    # what is between two lines is as good as lines close together
    apart = float(np.linalg.norm(np.diff(e.ends, axis=0), axis=1).max())
    fan = between_lines(e.ends, min(max(math.ceil(apart / 100.0), LEAVES), 64))
    lines = (fan - e.place)[None, :, None, :axes]
    opening = e.spread * float(np.linalg.norm(e.ends - e.place, axis=1).max())
    # the nearest of each cone's spheres, by looking ever closer
    first, last = np.zeros(when.size), np.ones(when.size)
    if math.isfinite(effector.speed):
        pace, dwell = effector.speed / reach_of_effect(
            effector), 0.0 if effector.kind == "interceptor" else effector.engagement_s
        last = np.clip(FAST * pace * (when + 0.5 * step - clearance.t_from), 0.0, 1.0)
        first = np.minimum(np.clip(TARDY * pace * (when - 0.5 * step - clearance.t_from - dwell), 0.0, 1.0), last)
    least, most = (np.repeat(edge[:, None, None], len(fan), axis=1) for edge in (first, last))
    low, high = least, most
    for _ in range(5):
        share = low + (high - low) * np.linspace(0.0, 1.0, 13)
        off = np.sqrt(((place - share[..., None] * lines) ** 2).sum(axis=3)) - opening * share
        best = np.argmin(off, axis=2)[..., None]
        here, width = np.take_along_axis(share, best, 2), 1.2 * (high - low) / 12.0
        low, high = np.maximum(here - width, least), np.minimum(here + width, most)
    off = np.take_along_axis(off, best, 2)[..., 0]
    away = (place - here[..., None] * lines)[:, :, 0]
    length = np.sqrt((away**2).sum(axis=2))
    way = np.where(length[..., None] > 0.0, away / np.maximum(length, 1e-12)[..., None], np.eye(axes)[0])
    c, late = volume.covariance, dt[:, None, None]
    spread = (c[:3, :3] + late * (c[:3, 3:] + c[3:, :3]) + late * late * c[3:, 3:])[:, :axes, :axes]
    sigma = np.sqrt(np.maximum(np.einsum("tla,tab,tlb->tl", way, spread, way), 0.0))
    gap = off - DEVIATIONS * sigma - grown[:, None]
    line = np.argmin(gap, axis=1)
    row = np.arange(when.size)
    gap, sigma = gap[row, line], sigma[row, line]
    spare = gap - safety + DEVIATIONS * sigma
    risk = np.array([0.5 * math.erfc(a / b / math.sqrt(2.0)) if b > 0.0 else float(a < 0.0) for a,
        b in zip(spare.tolist(), sigma.tolist(), strict=True)])
    return gap, DEVIATIONS * sigma + grown, risk
