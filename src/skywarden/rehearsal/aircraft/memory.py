"""What the rehearsal goes on knowing of the air: claims that a radar once confirmed, aircraft lost
low, pieces of rounds it stopped itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.kernels.geometry.ground import ground_up
from skywarden.kernels.geometry.polygon import long_axis
from skywarden.messages.drill import Order
from skywarden.messages.frame import NO_ADDRESS, Aircraft, Frame
from skywarden.messages.picture import AIRCRAFT, Picture
from skywarden.messages.tables import among, join, take
from skywarden.rehearsal.aircraft.reports import BACKED_ANGLE, BACKED_WITHIN, Heard
from skywarden.rehearsal.space import MISALIGNED, STEP, look_ahead, radar_places, surely_projectiles
from skywarden.site.model import Site

Array = NDArray[Any]

SIGMAS = 5.0            # of an aircraft's position, within its reachable tube: 3e-7 beyond on the side that matters
# m/s², 1.5 g in any direction, speed changes included: harder than any civil aircraft turns, climbs or brakes
MANOEUVRE = 15.0
CLAIMED = 1e-11         # variance of the ballistic coefficient up to which a track is made of claims alone [m⁴/kg²]
RANGE_BIAS = 30.0       # m, that a radar's ranges may be off without its being doubted
# s for which a claim that a radar has confirmed needs no more of that, where no radar can see it
KEPT_S = 240.0
GAP_S = 5.0             # s without a claim after which it is one like any other
NEW_S = 2.0             # s: a claim no older than this says where an aircraft is now
SEEN_S = 0.6            # s: what a radar has seen since needs no claim
# m, beside three deviations: so near a radar's track that is not seen any more and a newer claim of its address are one
ALIKE = 60.0
NEAR_VIEW = 30.0        # m, beside five deviations, above which what a radar looks at is surely in its view
LOST_S = 20.0           # s for which what was lost low goes on counting
ROLLS_S = 75.0          # s likewise of one that was lost on its final: it lands, rolls out and turns off
GENTLE = 5.0            # m/s²: half a g, harder than anybody turns or brakes low above the ground or on it
LOW = 100.0             # m above the ground, that low
AT_REST, SHUT_S = 2.0, 5.0  # m/s, and s of silence: what stood still on the ground before it fell silent has shut down
# m above the ground, three deviations included, below which an aircraft rolls, hovers or touches down
ON_GROUND = 50.0
GENTLY_S = 4.0          # s for which it then goes on within GENTLE: it has to get up before it can do more
FOUND_S = 2.0           # s within which a radar finds it again, once it is in view
FINAL = 4_000.0         # m before a runway within which one that is lost low is on final
FINAL_PACE = 25.0       # m/s along the runway, at least, of a landing aeroplane
FASTER = 10.0           # m/s that it may be faster than it was
BRAKES = 4.0            # m/s² at most, rolling out
STRIP = 125.0           # m about places on the runway's axis, ...
APART = 150.0           # m apart: together they hold the runway and 100 m to either side of its axis
ON_STRIP_S = 6.0        # s for which one that has landed stays there
PIECES_S = 6.0          # s after an engagement within which its pieces show
FALLEN_S = 90.0         # s after it that they count as such
BEFORE = 0.5            # s before it that a track may have begun and yet be of a piece: radars measure times, too


class Checked(NamedTuple):
    """Claims by address, and when a radar last agreed."""

    address: Array      # (n,) rising
    agreed: Array       # (n,) when a radar last saw it where it said [s]; -inf never
    t: Array            # (n,) of the newest claim [s]
    position: Array     # (n, 3) it claimed [m]
    velocity: Array     # (n, 3) [m/s]


class Missing(NamedTuple):
    """Tracks that were, or might have been, of aircraft, as they were last known."""

    number: Array       # (n,)
    address: Array      # (n,)
    unknown: Array      # (n,) bool
    seen: Array         # (n,) last seen [s]
    t: Array            # (n,) of the state [s]
    state: Array        # (n, 6) [m, m/s]
    covariance: Array   # (n, 6, 6)


class Stopped(NamedTuple):
    """One simulated engagement, as far as it says where no aircraft was."""

    t: Array            # (k,) moments of it [s]
    place: Array        # (k, 3) where its effect was to meet the round then [m]
    free: Array         # (k,) about that place no aircraft was, but for `bound`, then [m]
    bound: float        # of its clearance
    track: int          # that was engaged


class Known(NamedTuple):
    """All of it."""

    checked: Checked
    low: Missing                        # as the last picture had them, out of the radars' view
    lost: Missing
    stopped: tuple[Stopped, ...]
    pieces: tuple[tuple[int, int], ...]     # (track number, row of `stopped`): a piece of that

    @classmethod
    def none(cls) -> Known:
        """Nothing yet."""
        return _NOTHING


def _no_missing() -> Missing:
    i, f = np.zeros(0, np.int64), np.zeros(0)
    return Missing(i, i, np.zeros(0, np.bool_), f, f, np.zeros((0, 6)), np.zeros((0, 6, 6)))


_NOTHING = Known(
    Checked(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros((0, 3)), np.zeros((0, 3))), _no_missing(),
    _no_missing(), (), ())


def remember(before: Known, heard: Heard, frame: Frame, picture: Picture, site: Site) -> Known:
    """What is known of the air once this frame, with what is heard in it, is over.

    before   the air-picture memory before this frame
    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    stopped, pieces = _settled(before, picture, site)
    maybe: Array = np.flatnonzero(~surely_projectiles(picture.tracks, site))
    if not maybe.size and not before.low.t.size and not before.lost.t.size and not heard.reports.t.size:
        return Known(_NOTHING.checked, before.low, before.lost, stopped, pieces)
    checked = _checked(before.checked, heard, frame, picture)
    low, lost = _missing(before, maybe, dict(pieces), heard.reports, picture, site)
    return Known(checked, low, lost, stopped, pieces)


def engaged(before: Known, orders: Sequence[Order], frame: Frame, picture: Picture, site: Site) -> Known:
    """The same with this frame's simulated orders: where they meet their rounds, and when, no
    aircraft is, but for the bound of their clearances.

    before   the air-picture memory before this frame
    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    if not orders:
        return before
    new = []
    for order in orders:
        effector, clearance = site.effectors[order.effector], order.clearance
        row = int(np.flatnonzero(picture.tracks.number == order.track)[0])
        path = look_ahead(row, picture, frame, site).path
        first = round((clearance.t_hit - frame.t) / STEP)
        # a burst goes on meeting it, one body does not
        last = first if effector.kind == "interceptor" else first + int(effector.engagement_s / STEP)
        k = np.arange(first, min(last, len(path) - 1) + 1)
        free = site.policy.safety_distance + clearance.evidence.spread * np.linalg.norm(path[k] - effector.place,
            axis=1)
        new.append(Stopped(frame.t + STEP * k, path[k], free, clearance.evidence.bound, order.track))
    return before._replace(stopped=(*before.stopped, *new))


def _settled(before: Known, picture: Picture, site: Site) -> tuple[tuple[Stopped, ...], tuple[tuple[int, int], ...]]:
    """Engagements that still matter, and which tracks are pieces of theirs.

    A track that began with or after an engagement, and that an aircraft could only fly if it had
    been nearer to the engagement than the clearance let any be, is none, or the clearance was
    wrong. All the ways an aircraft could have come are looked at: MANOEUVRE either way, SIGMAS, a
    radar's bias.
    """
    if not before.stopped:
        return (), ()
    t, tracks = picture.t, picture.tracks
    alive: Array = np.array([t - float(s.t[0]) <= FALLEN_S for s in before.stopped])
    row_of = {int(old): k for k, old in enumerate(np.flatnonzero(alive))}
    stopped = tuple(s for s, stays in zip(before.stopped, alive.tolist(), strict=True) if stays)
    pieces: dict[int, int] = {}
    if before.pieces:
        nameless = set(tracks.number[tracks.address == NO_ADDRESS].tolist())
        pieces = {n: row_of[k] for n, k in before.pieces if k in row_of and n in nameless}
    fresh = [k for k, s in enumerate(stopped) if float(s.t[0]) <= t <= float(s.t[-1]) + PIECES_S]
    if not fresh:
        return stopped, tuple(pieces.items())
    first, engaged_now = min(float(stopped[k].t[0]) for k in fresh), [stopped[k].track for k in fresh]
    young = (tracks.born >= first - BEFORE) | among(tracks.number, np.array(engaged_now, np.int64))
    for row in np.flatnonzero((tracks.address == NO_ADDRESS) & young & ~surely_projectiles(tracks, site)).tolist():
        number = int(tracks.number[row])
        if number in pieces:
            continue
        bias = float(bias_of(tracks.state[row : row + 1, :3], site)[0])
        for k in fresh:
            s = stopped[k]
            if (tracks.born[row] >= s.t[0] - BEFORE or number == s.track) and _was_there(tracks.state[row],
                    tracks.covariance[row], t, s, bias):
                pieces[number] = k
                break
    return stopped, tuple(pieces.items())


def _was_there(state: Array, covariance: Array, t: float, s: Stopped, bias: float) -> bool:
    """Whether an aircraft with this state at time t would surely have been where none was, at any
    moment of an engagement.
    """
    ago = t - s.t
    then = state[:3] - ago[:, None] * state[3:6]
    both = covariance[:3, 3:6] + covariance[3:6, :3]
    spread = covariance[None, :3, :3] - ago[:, None, None] * both + (ago * ago)[:, None, None] * covariance[None, 3:6,
        3:6]
    # the largest variance in any direction is no more than the largest row sum of the matrix
    sigma = np.sqrt(np.abs(spread).sum(axis=2).max(axis=1))
    off = np.sqrt(((then - s.place) ** 2).sum(axis=1)) + SIGMAS * sigma + 0.5 * MANOEUVRE * ago * ago + bias
    return bool(((ago >= 0.0) & (off <= s.free)).any())


def bias_of(place: Array, site: Site) -> Array:
    """(n,) how far a radar's track may be off for reasons that its covariance does not know [m].

    place  (n, 3) east north up [m]
    site   the site as its defender declared it
    """
    radars = radar_places(site)
    if not len(radars):
        return np.full(len(place), RANGE_BIAS)
    away = place[:, None, :] - radars[None, :, :]
    return np.asarray(RANGE_BIAS + MISALIGNED * np.sqrt((away * away).sum(axis=2).max(axis=1, initial=0.0)))


def _checked(before: Checked, heard: Heard, frame: Frame, picture: Picture) -> Checked:
    """Claims by address, and when a radar last agreed: with its own track of that address, or by an
    answer from there.
    """
    reports = heard.reports
    mine = np.flatnonzero((reports.address != NO_ADDRESS) & np.isfinite(reports.velocity).all(axis=1)
        & (reports.t >= frame.t - GAP_S))
    mine = mine[np.argsort(reports.address[mine], kind="stable")]
    address, t, position, velocity = reports.address[mine], reports.t[mine], reports.position[mine], reports.velocity[
        mine]
    agreed = heard.answered[mine]
    tracks = picture.tracks
    own = np.flatnonzero((tracks.address != NO_ADDRESS) & (tracks.covariance[:, 6, 6] > CLAIMED))
    if own.size and mine.size:
        order = own[np.argsort(tracks.address[own], kind="stable")]
        at = order[np.minimum(np.searchsorted(tracks.address[order], address), order.size - 1)]
        off = _apart(position + velocity * (picture.t - t)[:, None], tracks.state[at, :3])
        near = (tracks.address[at] == address) & (off <= BACKED_WITHIN + BACKED_ANGLE * np.sqrt((position[:,
            :2] ** 2).sum(axis=1)))
        agreed = np.where(near, np.maximum(agreed, tracks.seen[at]), agreed)
    if before.address.size and mine.size:
        at = np.minimum(np.searchsorted(before.address, address), before.address.size - 1)
        on = position - before.position[at] - before.velocity[at] * (t - before.t[at])[:, None]
        # one that leaps, or was silent, has to be confirmed again
        goes_on = (before.address[at] == address) & (t - before.t[at] <= GAP_S) & (_apart(on, 0.0 * on)
            <= BACKED_WITHIN)
        agreed = np.where(goes_on, np.maximum(agreed, before.agreed[at]), agreed)
    return Checked(address, np.where(agreed >= frame.t - KEPT_S, agreed, -math.inf), t, position, velocity)


def _apart(a: Array, b: Array) -> Array:
    """(n,) distance of places, heights that are not known left out [m]."""
    off = (a - b) ** 2
    return np.sqrt(np.where(np.isnan(off), 0.0, off).sum(axis=1))


def out_of_view(place: Array, sigma: Array, site: Site, secondary: bool) -> Array:
    """(n,) bool: below every radar's lowest elevation, or out of its range, so that no radar can be
    asked to see what is there.

    site  the site as its defender declared it

    place (n, 3) [m]; sigma (n,) of its height [m]; secondary: whether radars that hear transponders
    only count, too
    """
    out = np.ones(len(place), np.bool_)
    for radar in site.radars:
        if radar.mode_s and not secondary:
            continue
        away = place - radar.place
        flat = np.sqrt((away[:, :2] ** 2).sum(axis=1))
        floor = flat * math.tan(radar.elevation_min)
        out &= ~((away[:, 2] > floor + NEAR_VIEW + SIGMAS * sigma) & (flat < radar.range_max))
    return out


def kept(known: Known, address: Array, place: Array, t: float, site: Site) -> Array:
    """(n,) s since a radar agreed with each claim at `place` (n, 3), where none can see it any
    more; inf where that does not count.

    known    the air-picture memory
    address  (n,) ICAO 24-bit addresses
    t        time of the frame [s]
    site     the site as its defender declared it
    """
    c, out = known.checked, np.full(address.size, math.inf)
    if not c.address.size or not address.size:
        return out
    at = np.minimum(np.searchsorted(c.address, address), c.address.size - 1)
    good = np.flatnonzero((c.address[at] == address) & (c.agreed[at] > -math.inf) & np.isfinite(place[:, 2]))
    if good.size:
        hidden = good[out_of_view(place[good], np.zeros(good.size), site, secondary=True)]
        out[hidden] = t - c.agreed[at[hidden]]
    return out


def superseded(known: Known, rows: Array, picture: Picture) -> Array:
    """(k,) bool: radar's tracks (rows of the picture's tracks), not seen for a while, whose newer
    claim is where they would be: the claim counts.

    known  the air-picture memory
    """
    c, tracks = known.checked, picture.tracks
    out = np.zeros(rows.size, np.bool_)
    if not c.address.size:
        return out
    at = np.minimum(np.searchsorted(c.address, tracks.address[rows]), c.address.size - 1)
    good = np.flatnonzero(
        (c.address[at] == tracks.address[rows]) & (c.t[at] > tracks.seen[rows]) & (c.t[at] >= picture.t - NEW_S)
        & (c.agreed[at] > -math.inf))
    if good.size:
        row, at = rows[good], at[good]
        off = _apart(c.position[at] + c.velocity[at] * (picture.t - c.t[at])[:, None], tracks.state[row, :3])
        out[good] = off <= ALIKE + 3.0 * np.sqrt(tracks.covariance[row[:, None], np.arange(3),
            np.arange(3)].sum(axis=1))
    return out


def confirmed(told: Aircraft, rows: Array, picture: Picture) -> Array:
    """(m,) bool: reports that say no more than a radar's own track of that address (among `rows`)
    does, seen just now where they say it is.

    told     reports of aircraft in this frame
    picture  what is believed at this frame
    """
    tracks, out = picture.tracks, np.zeros(told.t.size, np.bool_)
    own = rows[(tracks.address[rows] != NO_ADDRESS) & (tracks.covariance[rows, 6, 6] > CLAIMED) & (tracks.seen[rows]
        >= picture.t - SEEN_S)]
    if not own.size or not out.size:
        return out
    order = own[np.argsort(tracks.address[own], kind="stable")]
    at = order[np.minimum(np.searchsorted(tracks.address[order], told.address), order.size - 1)]
    off = _apart(told.position + told.velocity * (picture.t - told.t)[:, None], tracks.state[at, :3])
    near = off <= ALIKE + 3.0 * np.sqrt(tracks.covariance[at[:, None], np.arange(3), np.arange(3)].sum(axis=1))
    return np.asarray((tracks.address[at] == told.address) & np.isfinite(told.velocity).all(axis=1)
        & (told.t >= picture.t - SEEN_S) & near)


def _missing(
    before: Known, maybe: Array, pieces: dict[int, int], reports: Aircraft, picture: Picture, site: Site,
) -> tuple[Missing, Missing]:
    """What is out of the radars' view now, and what was and is no track any more."""
    tracks, t = picture.tracks, picture.t
    # who says where it is goes on counting by that
    told = set(reports.address.tolist())
    told.discard(NO_ADDRESS)
    mine = zip(maybe.tolist(), tracks.address[maybe].tolist(), tracks.number[maybe].tolist(), strict=True)
    rows: Array = np.array([row for row, address, number in mine if address not in told and number not in pieces],
        np.int64)
    if rows.size:
        rows = rows[out_of_view(tracks.state[rows, :3], np.sqrt(np.maximum(tracks.covariance[rows, 2, 2], 0.0)), site,
            secondary=False)]
    low = _no_missing()
    if rows.size:
        low = Missing(
            tracks.number[rows], tracks.address[rows], ~(tracks.kind[rows, AIRCRAFT] >= 0.5), tracks.seen[rows],
            np.full(rows.size, t),
            tracks.state[rows, :6], tracks.covariance[rows, :6, :6])
    lost = before.lost
    if before.low.t.size:
        present = set(tracks.number.tolist())
        gone = np.array([number not in present for number in before.low.number.tolist()])
        if gone.any():
            new = take(before.low, gone)
            lost = join(lost, take(new, ~_came_down(new, site)))
    if lost.t.size:
        # seen again it is a track again
        keep = (t - lost.seen <= np.where(np.array([_final(s, site) is not None for s in lost.state]), ROLLS_S, LOST_S))
        lost = take(lost, keep & ~among(lost.number, tracks.number))
    return low, lost


def _came_down(them: Missing, site: Site) -> Array:
    """(n,) bool: sinking so fast, so low, that no aircraft could have pulled out of it."""
    ground = np.array([ground_up(site.ground, east, north) for east, north in them.state[:, :2]])
    sinking = -them.state[:, 5] - 3.0 * np.sqrt(np.maximum(them.covariance[:, 5, 5], 0.0))
    above = them.state[:, 2] - them.state[:, 5] * (them.t - them.seen) - ground + 3.0 * np.sqrt(
        np.maximum(them.covariance[:, 2, 2], 0.0))
    return np.asarray((sinking > 0.0) & (sinking * sinking > 2.0 * MANOEUVRE * np.maximum(above, 0.0)))


def hidden(place: Array, velocity: Array, t: Array, seen: Array, now: float, site: Site) -> tuple[Array, Array]:
    """(n,) each: how much farther [m] than it is known to be what is not seen any more may have
    got, and since when [s] it may do anything.

    now   time of this frame [s]
    site  the site as its defender declared it

    place, velocity (n, 3) at times t (n,); seen (n,) [s]. What was and is low and out of every
    radar's view would be seen again if it rose: so far it was GENTLE. Where it has been so for
    longer than LOST_S, or SHUT_S if it stood, it stands, and its time is nan. For all else the time
    is `seen`.
    """
    farther, since = np.zeros(seen.size), np.array(seen)
    old = np.flatnonzero((now - seen > FOUND_S) & np.isfinite(place[:, 2]))
    for moment in (seen, np.full(seen.size, now)):
        there = place[old] + velocity[old] * (moment - t)[old, None]
        low = np.array([up - ground_up(site.ground, east, north) <= LOW for east, north, up in there], np.bool_)
        old = old[low & out_of_view(there, np.zeros(old.size), site, secondary=False)]
        if not old.size:
            return farther, since
    ago = now - seen[old]
    farther[old] = 0.5 * GENTLE * ago * ago
    stood = (velocity[old] ** 2).sum(axis=1) <= AT_REST**2
    since[old] = np.where(ago <= np.where(stood, SHUT_S, LOST_S), now - FOUND_S, math.nan)
    return farther, since


def grounded(
    told: Aircraft, rows: Array, backed: Array, position: Array, covariance: Array, picture: Picture, site: Site
) -> Array:
    """(n + m,) bool: aircraft, backed, that are on the ground or touch it, of tracks (n `rows` of
    the picture's) and then reports (m).

    told  reports of aircraft in this frame
    site  the site as its defender declared it

    position (n + m, 3), covariance (n + m, 6, 6). A report by its own word, or as a track of its
    address is where it says.
    """
    tracks, n, out = picture.tracks, rows.size, np.zeros(backed.size, np.bool_)
    near = np.flatnonzero(backed & (position[:, 2] - site.ground.highest <= LOW))
    if not near.size:
        return out
    above = np.array([up - ground_up(site.ground, east, north) for east, north, up in position[near]])
    out[near] = np.where(
        near < n, above + 3.0 * np.sqrt(np.maximum(covariance[near, 2, 2], 0.0)) <= ON_GROUND,
        (above <= LOW) & np.append(told.on_ground, False)[np.maximum(near - n, -1)])
    out[:n] &= tracks.kind[rows, AIRCRAFT] >= 0.5
    for k in np.flatnonzero(out[:n] & (tracks.address[rows] != NO_ADDRESS)).tolist():
        for j in np.flatnonzero((told.address == tracks.address[rows[k]]) & backed[n:]).tolist():
            off = _apart((told.position[j] + told.velocity[j] * (picture.t - told.t[j]))[None],
                tracks.state[rows[k] : rows[k] + 1, :3])[0]
            out[n + j] |= bool(off <= ALIKE + 3.0 * math.sqrt(float(np.trace(tracks.covariance[rows[k], :3, :3]))))
    return out


def gently(seen: Array, which: Array, now: float) -> tuple[Array, Array]:
    """(n,) each: how much farther [m], and since when it may do anything [s], of what goes on
    within GENTLE for GENTLY_S (`which`), and then does anything.

    seen  (n,) when each was last seen [s]
    now   time of this frame [s]

    A parabola for MANOEUVRE that touches that motion's from above:  GENTLE/2 · t² up to GENTLY_S,
      from then on MANOEUVRE/2 · t² more, and never below it.
    """
    slower = 1.0 - GENTLE / MANOEUVRE
    return np.where(which, 0.5 * GENTLE * slower * GENTLY_S**2, 0.0), np.where(which, seen + slower * GENTLY_S, seen)


class Shadow(NamedTuple):
    """Where what was lost may be: rows as tubes have them."""

    number: Array
    address: Array
    unknown: Array
    t: Array
    seen: Array
    position: Array
    velocity: Array
    covariance: Array
    extra: Array


def shadows(known: Known, now: float, site: Site) -> Shadow:
    """What was lost low, and where it may be now: within GENTLE of its dead reckoning, because it
    would be seen again if it rose; or on the runway.

    known  the air-picture memory
    site   the site as its defender declared it
    """
    rows: list[tuple[int, int, bool, float, float, Array, Array, Array, float]] = []
    lost = known.lost
    for k in range(lost.t.size):
        name = (int(lost.number[k]), int(lost.address[k]), bool(lost.unknown[k]))
        state, since = lost.state[k], now - float(lost.seen[k])
        if since <= LOST_S:
            one = slice(k, k + 1)
            farther, free = hidden(lost.state[one, :3], lost.state[one, 3:], lost.t[one], lost.seen[one], now, site)
            extra = float(bias_of(state[None, :3], site)[0]) + float(farther[0])
            if not math.isnan(free[0]):
                rows.append((*name, float(lost.t[k]), float(free[0]), state[:3], state[3:6], lost.covariance[k], extra))
        landing = _final(state, site)
        if landing is not None:
            end, way, length, gone, pace = landing
            braking = min(since, pace / BRAKES)
            begin = max(gone + pace * braking - 0.5 * BRAKES * braking * braking, -FINAL)
            last = min(max(gone + (pace + FASTER) * since, begin), length + APART)
            for s in np.linspace(min(begin, last), last, max(math.ceil((last - begin) / APART), 1) + 1).tolist():
                spot = end + s * way
                place = np.array([*spot, ground_up(site.ground, float(spot[0]), float(spot[1]))])
                rows.append((*name, now, now + ON_STRIP_S, place, np.zeros(3), np.zeros((6, 6)), STRIP))
    if not rows:
        return _NO_SHADOW
    return Shadow(*(np.array(column) for column in zip(*rows, strict=True)))


_NO_SHADOW = Shadow(
    np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0), np.zeros(0), np.zeros((0, 3)),
    np.zeros((0, 3)), np.zeros((0, 6, 6)),
    np.zeros(0))


def _final(state: Array, site: Site) -> tuple[Array, Array, float, float, float] | None:
    """The runway that something is landing on: its end (2,), the way along it (2,), its length, how
    far along it it is, and how fast; None where none is.
    """
    for end, way, length in _runways(site):
        off = state[:2] - end
        gone, across, pace = float(off @ way), abs(float(off[0] * way[1] - off[1] * way[0])), float(state[3:5] @ way)
        if -FINAL <= gone <= length and across <= 150.0 + 0.05 * max(-gone, 0.0) and pace >= FINAL_PACE:
            return end, way, length, gone, pace
    return None


@lru_cache(maxsize=8)
def _runways(site: Site) -> tuple[tuple[Array, Array, float], ...]:
    """Every runway, both ways."""
    found = []
    for zone in site.zones:
        if zone.kind == "runway":
            middle, axis, half = long_axis(zone.polygon)
            found += [(middle - way * half, way, 2.0 * half) for way in (axis, -axis)]
    return tuple(found)
