"""Where a track goes, how high that is, and how an effector would meet it."""

from __future__ import annotations

import math

import numpy as np

from skywarden.messages.drill import Clearance
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.site.model import Effector, Site
from skywarden.verification.limits import ABOVE_VIEW, LIGHT_END, METRE, PATIENCE_S, SECOND, TOO_LOW, Array
from skywarden.verification.physics import TICK, flight, surroundings


def path_of(row: int, frame: Frame, picture: Picture, site: Site) -> tuple[Array, Array]:
    """(k, 3) where a track will be every TICK from now, as long as it is TOO_LOW above the ground,
    and its height above it (k,).

    row      row of the track in the picture
    frame    what came in at this frame
    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    path = flight(picture.tracks.state[row], int(picture.tracks.law[row]), surroundings(site, frame.weather), 180)
    height = path[:, 2] - np.array([ground_at(site, east, north) for east, north in path[:, :2]])
    below = np.flatnonzero(~(height >= TOO_LOW))
    end = int(below[0]) if below.size else len(path)
    return path[:end], height[:end]


def ground_at(site: Site, east: float, north: float) -> float:
    """Height of the ground [m], between the four nearest points of its grid.

    site   the site as its defender declared it
    east   towards east [m]
    north  towards north [m]
    """
    g = site.ground
    rows, columns = g.up.shape
    if rows == 1 or columns == 1:
        return float(g.up[0, 0])
    y, x = min(max((north - g.north0) / g.step, 0.0), rows - 1.0), min(max((east - g.east0) / g.step, 0.0),
        columns - 1.0)
    r, c = min(int(y), rows - 2), min(int(x), columns - 2)
    weights = np.outer([1.0 - (y - r), y - r], [1.0 - (x - c), x - c])
    return float((weights * g.up[r : r + 2, c : c + 2]).sum())


def meeting(path: Array, height: Array, clearance: Clearance, effector: Effector, frame: Frame) -> Array | str:
    """Where the effect would meet the track: (3,) [m]; or why it would not as the clearance says.

    path      (k, 3) where the track will be, every TICK [m]
    height    (k,) its height above the ground [m]
    effector  the simulated effector, as declared
    frame     what came in at this frame
    """
    index = (clearance.t_hit - frame.t) / TICK
    if not len(path) or not 0.0 <= index <= len(path) - 1 or abs(index - round(index)) > 1e-6:
        return f"the effect does not meet the track at {clearance.t_hit:.2f} s"
    hit, up = path[round(index)], float(height[round(index)])
    away = float(np.linalg.norm(hit - effector.place))
    far = reach_of_effect(effector)
    if not effector.reach_min - METRE <= away <= min(effector.reach_max,
            far) + METRE or up < effector.height_min - METRE:
        return f"the track is {away:.0f} m off and {up:.0f} m high, out of the effector's reach"
    if abs(clearance.t_hit - clearance.t_from - away / effector.speed) > SECOND + METRE / effector.speed:
        return (f"the effect needs {away / effector.speed:.2f} s to the track, not "
            f"{clearance.t_hit - clearance.t_from:.2f} s")
    turn = math.pi / effector.slew_rate
    if not effector.reaction_s - 1e-6 <= clearance.t_from - frame.t <= effector.reaction_s + turn + PATIENCE_S + 1e-6:
        return (f"the effect leaves {clearance.t_from - frame.t:.2f} s from now, the effector needs "
            f"{effector.reaction_s} s")
    dwell = 0.0 if effector.kind == "interceptor" else effector.engagement_s
    ends = max(clearance.t_from + far / effector.speed + dwell, clearance.t_hit, clearance.t_from + TICK)
    if abs(ends - clearance.t_to) > 1e-6:
        return f"the engagement lasts until {ends:.2f} s, not {clearance.t_to:.2f} s"
    return np.asarray(hit)


def reach_of_effect(effector: Effector) -> float:
    """How far an effect flies before it ends by itself [m].

    effector  the simulated effector, as declared
    """
    if math.isinf(effector.speed):
        return LIGHT_END
    return effector.reach_max if math.isinf(effector.self_destruct_s) else effector.speed * effector.self_destruct_s


def farthest_radar(place: Array, site: Site) -> float:
    """Distance from a place (3,) to the farthest radar that sees more than transponders [m]; 0 for
    none.

    site  the site as its defender declared it
    """
    return max((float(np.linalg.norm(place - radar.place)) for radar in site.radars if not radar.mode_s), default=0.0)


def in_view(place: Array, sigma: float, site: Site, with_transponders: bool) -> bool:
    """Whether a radar surely looks there.

    place              (3,) east north up [m]
    sigma              standard deviation of its height [m]
    site               the site as its defender declared it
    with_transponders  whether radars that hear transponders only count, too
    """
    for radar in site.radars:
        line = place - radar.place
        flat = float(np.hypot(line[0], line[1]))
        sees = with_transponders or not radar.mode_s
        if sees and flat < radar.range_max and line[2] - ABOVE_VIEW - 5.0 * sigma > math.tan(
                radar.elevation_min) * flat:
            return True
    return False


def far_off(line: Array) -> float:
    """Length of a line (3,), a height that is not known left out [m]."""
    return math.sqrt(float(np.nansum(line**2)))


def alike(a: float, b: float) -> bool:
    """Whether two probabilities are the same for all purposes.

    a  one probability
    b  the other probability
    """
    return max(a, b) < 1e-13 or (min(a, b) >= 0.0 and abs(a - b) <= 0.25 * max(a,
        b)) if math.isfinite(a) and math.isfinite(b) else False


def between_lines(ends: Array, parts: int) -> Array:
    """Ends of lines (k, 3) with so many more between each and the next.

    ends   (k, 3) ends of the lines of the engagement's corridor [m]
    parts  how many parts each gap is cut into
    """
    between = ends[:-1, None] + np.arange(parts)[:, None] / parts * (ends[1:] - ends[:-1])[:, None]
    return np.concatenate([between.reshape(-1, 3), ends[-1:]])
