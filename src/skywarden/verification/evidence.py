"""Whether the evidence of a clearance is that of the frame, the track and the runways it was given
for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from skywarden.messages.drill import Clearance, Evidence
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.site.model import Effector, Site
from skywarden.verification.aircraft import Volume
from skywarden.verification.ledger import Ledger
from skywarden.verification.limits import DEVIATIONS, DISPERSION, FAN, METRE, NORTH, Array
from skywarden.verification.path import farthest_radar, reach_of_effect
from skywarden.verification.physics import TICK, acceleration, surroundings


def corridor_wrong(
    path: Array, height: Array, hit: Array, row: int, clearance: Clearance, effector: Effector, frame: Frame,
    picture: Picture, site: Site,
) -> Iterator[str]:
    """What is wrong with the corridor that the evidence says is occupied.

    path       (k, 3) where the track will be, every TICK [m]
    height     (k,) its height above the ground [m]
    hit        (3,) where the effect meets the round, east north up [m]
    row        row of the track in the picture
    clearance  the clearance, given or refused
    effector   the simulated effector, as declared
    frame      what came in at this frame
    picture    what is believed at this frame
    site       the site as its defender declared it
    """
    e = clearance.evidence
    if e.ends.shape != (FAN, 3) or e.place.shape != (3,) or not np.abs(e.place - effector.place).max() <= 1e-6:
        yield "the corridor does not begin at the effector"
        return
    far, now = reach_of_effect(effector), frame.t
    lines = e.ends - effector.place
    if not np.abs(np.linalg.norm(lines, axis=1) - far).max() <= 0.01:
        yield f"a line of the corridor is not {far:.0f} m long"
    first, last = (clearance.t_from, clearance.t_hit) if effector.kind == "interceptor" else (clearance.t_hit,
        clearance.t_hit + effector.engagement_s)
    index = np.clip(np.linspace(first - now, last - now, FAN) / TICK, 0.0, len(path) - 1)
    low = np.floor(index).astype(int)
    mine = path[low] + (index - low)[:, None] * (path[np.minimum(low + 1, len(path) - 1)] - path[low]) - effector.place
    away = np.linalg.norm(mine, axis=1)
    # a path that ends a step sooner or later for a metre of height is no lie
    slack = 2.0 * float(np.linalg.norm(path[-1] - path[-2])) if len(path) > 1 and (last - now) / TICK >= len(
        path) - 2 else 0.0
    off = np.linalg.norm(mine / away[:, None] * far - lines, axis=1)
    if not (off <= (METRE + slack) / away * far + 0.01).all():
        yield f"a line of the corridor passes {float((off * away / far).max()):.0f} m beside the track"
    state, c, here = picture.tracks.state[row], picture.tracks.covariance[row], surroundings(site, frame.weather)
    inverse = max(float(state[6]), 0.0)
    pull = [acceleration(state[:6], int(picture.tracks.law[row]), k, here) for k in (inverse,
        inverse + math.sqrt(max(float(c[6, 6]), 0.0)))]
    lost, beside = float(np.linalg.norm(pull[1] - pull[0])), []
    for after, where, off in zip(np.linspace(first - now, last - now, FAN).tolist(), mine, away.tolist(), strict=True):
        spread = c[:3, :3] + after * (c[:3, 3:6] + c[3:6, :3]) + after**2 * c[3:6, 3:6]
        doubt = DEVIATIONS * math.hypot(math.sqrt(float(np.abs(spread).sum(axis=1).max())), 0.5 * after**2 * lost)
        beside.append((doubt + NORTH * farthest_radar(where + effector.place, site)) / max(off, effector.reach_min,
            1.0))
    opening = DISPERSION + max(beside) + _bent(path - effector.place, index, mine, lines, far)
    if not abs(e.spread - opening) <= 0.01 * opening + 1e-4 + 2.0 * (METRE + slack) / float(away.min()) * (slack > 0.0):
        yield f"the lines open by {e.spread:.4f} rad, not {opening:.4f}"
    up = float(height[min(round((clearance.t_hit - now) / TICK), len(height) - 1)])
    if not abs(e.hit_height - up) <= METRE:
        yield f"the meeting is {up:.0f} m above the ground, not {e.hit_height:.0f}"


def _bent(path: Array, index: Array, mine: Array, lines: Array, far: float) -> float:
    """The widest angle by which what is between two lines leaves the triangle they span, and by how
    much its end is short of the arc [rad].

    path, mine  (k, 3) and (FAN, 3) a track's way and its places on the lines, from the effector;
                index  (FAN,) where on that way these are
    """
    worst = 0.0
    for j in range(FAN - 1):
        chord = mine[j + 1] - mine[j]
        between = path[math.ceil(index[j]) : math.floor(index[j + 1]) + 1]
        share = np.clip((between - mine[j]) @ chord / max(float(chord @ chord), 1e-12), 0.0, 1.0)
        off = np.linalg.norm(between - mine[j] - share[:, None] * chord, axis=1) / np.maximum(np.linalg.norm(between,
            axis=1), 1.0)
        short = 1.0 - float(np.linalg.norm(lines[j] + lines[j + 1])) / (2.0 * far)
        worst = max(worst, short + float(off.max(initial=0.0)))
    return worst


def frame_wrong(clearance: Clearance, effector: Effector, frame: Frame, picture: Picture) -> Iterator[str]:
    """What is wrong with the evidence that is merely copied.

    clearance  the clearance, given or refused
    effector   the simulated effector, as declared
    frame      what came in at this frame
    picture    what is believed at this frame
    """
    e = clearance.evidence
    if not abs(e.t - frame.t) <= 1e-9:
        yield f"it was worked out at {e.t:.2f} s"
    if e.arc != (effector.azimuth_from, effector.azimuth_width, *np.ravel(effector.no_fire).tolist()):
        yield "the no-fire arc is not the effector's"
    if not np.array_equal(e.radars, picture.health.radars):
        yield "the state of the radars is not the picture's"
    if not math.isnan(clearance.until):
        yield f"it is given, yet names {clearance.until:.2f} s for asking again"


def approaches_wrong(volumes: list[Volume], e: Evidence, frame: Frame, site: Site, ledger: Ledger) -> Iterator[str]:
    """What is wrong with the runways' approach and departure sectors in use.

    volumes  protected volumes, one for each aircraft and what may be one
    e        the evidence of the clearance
    frame    what came in at this frame
    site     the site as its defender declared it
    ledger   what the checker has noted of the record so far
    """
    own = []
    for k, zone in enumerate(site.zones):
        if zone.kind == "runway":
            middle = zone.polygon.mean(axis=0)
            _, _, axes = np.linalg.svd(zone.polygon - middle)
            half = float(np.abs((zone.polygon - middle) @ axes[0]).max())
            own += [(k, middle + side * half * axes[0], side * axes[0], 2.0 * half) for side in (1.0, -1.0)]
    a = e.approaches
    if a.zone.size != len(own):
        yield f"{a.zone.size} approach sectors, not {len(own)}"
        return
    for row in range(a.zone.size):
        same = [o for o in own if o[0] == a.zone[row] and float(np.hypot(*(a.place[row] - o[1]))) <= METRE]
        if not same or not abs((a.bearing[row] - math.atan2(same[0][2][0], same[0][2][1]) + math.pi) % (2.0 * math.pi)
                - math.pi) <= 0.01:
            yield "an approach sector is not at its runway's end"
            continue
        _, place, way, length = same[0]
        counts, lost = [0, 0], (set[int](), set[int]())
        for volume in volumes:
            there = volume.position + volume.velocity * (frame.t - volume.t)
            along, across = float((there[:2] - place) @ way), abs(float((there[0] - place[0]) * way[1]
                - (there[1] - place[1]) * way[0]))
            out = max(along, 0.0)
            for number, slack in enumerate((-0.5, 0.5)):
                inside = -length - slack <= along <= 10_000.0 + slack and across <= 150.0 + math.tan(
                    math.radians(3.0)) * out + slack
                if not volume.unknown and inside and not there[2] > 300.0 + math.tan(math.radians(6.0)) * out + slack:
                    # one that was lost may be in several places, and is one
                    counts[number] += volume.number not in ledger.gone or volume.number not in lost[number]
                    lost[number].add(volume.number)
        if not counts[0] <= a.aircraft[row] <= counts[1]:
            yield f"{int(a.aircraft[row])} aircraft are said to be in an approach sector, {counts[1]} are"
