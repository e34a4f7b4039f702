"""The air-picture memory of the rehearsal: reports that a radar once corroborated, aircraft lost
low, fragments of rounds it stopped itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.kernels.geometry.ground import ground_up
from skywarden.messages.drill import Order
from skywarden.messages.frame import NO_ADDRESS, Aircraft, Frame
from skywarden.messages.picture import AIRCRAFT, Picture
from skywarden.messages.tables import among, join, take
from skywarden.rehearsal.aircraft.lost import (
    LOST_S,
    LOW,
    MANOEUVRE,
    ROLLS_S,
    SIGMAS,
    Missing,
    bias_of,
    came_down,
    final_of,
    no_missing,
    out_of_view,
)
from skywarden.rehearsal.aircraft.reports import BACKED_ANGLE, BACKED_WITHIN, Heard
from skywarden.rehearsal.corridor import STEP, look_ahead, surely_projectiles
from skywarden.site.model import Site

Array = NDArray[Any]

# variance of the ballistic coefficient up to which a track is made of aircraft's own reports alone [m⁴/kg²]
REPORTED_ONLY = 1e-11
# s for which a report that a radar has corroborated needs no more of that, where no radar can see the aircraft
KEPT_S = 240.0
GAP_S = 5.0             # s without a report after which an address has to be corroborated again
NEW_S = 2.0             # s: a report no older than this says where an aircraft is now
SEEN_S = 0.6            # s: what a radar has seen since needs no report
# m, beside three deviations, within which a track not seen any more and a newer report of its address are one aircraft
ALIKE = 60.0
# m above the ground, three deviations included, below which an aircraft rolls, hovers or touches down
ON_GROUND = 50.0
FRAGMENTS_S = 6.0       # s after an engagement within which its fragments show
FALLEN_S = 90.0         # s after an engagement for which tracks of its fragments count as such
BEFORE = 0.5            # s before an engagement that a fragment's track may have begun: radars measure times, too


class Checked(NamedTuple):
    """The newest report of each address, and when a radar last corroborated it."""

    address: Array      # (n,) rising
    agreed: Array       # (n,) when a radar last saw it where it said [s]; -inf never
    t: Array            # (n,) of the newest report [s]
    position: Array     # (n, 3) reported [m]
    velocity: Array     # (n, 3) [m/s]


class Stopped(NamedTuple):
    """One simulated engagement, as far as it says where no aircraft was."""

    t: Array            # (k,) moments of it [s]
    place: Array        # (k, 3) where its effect was to meet the round then [m]
    free: Array         # (k,) about that place no aircraft was, but for `bound`, then [m]
    bound: float        # of its clearance
    track: int          # that was engaged


class AirMemory(NamedTuple):
    """Everything the rehearsal goes on knowing of the air from one frame to the next."""

    checked: Checked
    low: Missing                        # as the last picture had them, out of the radars' view
    lost: Missing
    stopped: tuple[Stopped, ...]
    fragments: tuple[tuple[int, int], ...]  # (track number, row of `stopped`): a fragment of that round

    @classmethod
    def none(cls) -> AirMemory:
        """Nothing yet."""
        return _NOTHING


_NOTHING = AirMemory(
    Checked(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros((0, 3)), np.zeros((0, 3))), no_missing(),
    no_missing(), (), ())


def remember(before: AirMemory, heard: Heard, frame: Frame, picture: Picture, site: Site) -> AirMemory:
    """What is known of the air once this frame, with what is heard in it, is over.

    before   the air-picture memory before this frame
    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    stopped, fragments = _settled(before, picture, site)
    maybe: Array = np.flatnonzero(~surely_projectiles(picture.tracks, site))
    if not maybe.size and not before.low.t.size and not before.lost.t.size and not heard.reports.t.size:
        return AirMemory(_NOTHING.checked, before.low, before.lost, stopped, fragments)
    checked = _checked(before.checked, heard, frame, picture)
    low, lost = _missing(before, maybe, dict(fragments), heard.reports, picture, site)
    return AirMemory(checked, low, lost, stopped, fragments)


def engaged(before: AirMemory, orders: Sequence[Order], frame: Frame, picture: Picture, site: Site) -> AirMemory:
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


def _settled(
    before: AirMemory, picture: Picture, site: Site
) -> tuple[tuple[Stopped, ...], tuple[tuple[int, int], ...]]:
    """Engagements that still matter, and which tracks are fragments of theirs.

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
    fragments: dict[int, int] = {}
    if before.fragments:
        nameless = set(tracks.number[tracks.address == NO_ADDRESS].tolist())
        fragments = {n: row_of[k] for n, k in before.fragments if k in row_of and n in nameless}
    fresh = [k for k, s in enumerate(stopped) if float(s.t[0]) <= t <= float(s.t[-1]) + FRAGMENTS_S]
    if not fresh:
        return stopped, tuple(fragments.items())
    first, engaged_now = min(float(stopped[k].t[0]) for k in fresh), [stopped[k].track for k in fresh]
    young = (tracks.born >= first - BEFORE) | among(tracks.number, np.array(engaged_now, np.int64))
    for row in np.flatnonzero((tracks.address == NO_ADDRESS) & young & ~surely_projectiles(tracks, site)).tolist():
        number = int(tracks.number[row])
        if number in fragments:
            continue
        bias = float(bias_of(tracks.state[row : row + 1, :3], site)[0])
        for k in fresh:
            s = stopped[k]
            if (tracks.born[row] >= s.t[0] - BEFORE or number == s.track) and _was_there(tracks.state[row],
                    tracks.covariance[row], t, s, bias):
                fragments[number] = k
                break
    return stopped, tuple(fragments.items())


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
    own = np.flatnonzero((tracks.address != NO_ADDRESS) & (tracks.covariance[:, 6, 6] > REPORTED_ONLY))
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


def corroboration_age(known: AirMemory, address: Array, place: Array, t: float, site: Site) -> Array:
    """(n,) s since a radar agreed with each report at `place` (n, 3), where none can see it any
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


def superseded(known: AirMemory, rows: Array, picture: Picture) -> Array:
    """(k,) bool: radar's tracks (rows of the picture's tracks), not seen for a while, whose newer
    report is where they would be: the report counts.

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
    own = rows[
        (tracks.address[rows] != NO_ADDRESS) & (tracks.covariance[rows, 6, 6] > REPORTED_ONLY)
        & (tracks.seen[rows] >= picture.t - SEEN_S)]
    if not own.size or not out.size:
        return out
    order = own[np.argsort(tracks.address[own], kind="stable")]
    at = order[np.minimum(np.searchsorted(tracks.address[order], told.address), order.size - 1)]
    off = _apart(told.position + told.velocity * (picture.t - told.t)[:, None], tracks.state[at, :3])
    near = off <= ALIKE + 3.0 * np.sqrt(tracks.covariance[at[:, None], np.arange(3), np.arange(3)].sum(axis=1))
    return np.asarray((tracks.address[at] == told.address) & np.isfinite(told.velocity).all(axis=1)
        & (told.t >= picture.t - SEEN_S) & near)


def _missing(
    before: AirMemory, maybe: Array, fragments: dict[int, int], reports: Aircraft, picture: Picture, site: Site,
) -> tuple[Missing, Missing]:
    """What is out of the radars' view now, and what was and is no track any more."""
    tracks, t = picture.tracks, picture.t
    # who says where it is goes on counting by that
    told = set(reports.address.tolist())
    told.discard(NO_ADDRESS)
    mine = zip(maybe.tolist(), tracks.address[maybe].tolist(), tracks.number[maybe].tolist(), strict=True)
    rows: Array = np.array([row for row, address, number in mine if address not in told and number not in fragments],
        np.int64)
    if rows.size:
        rows = rows[out_of_view(tracks.state[rows, :3], np.sqrt(np.maximum(tracks.covariance[rows, 2, 2], 0.0)), site,
            secondary=False)]
    low = no_missing()
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
            lost = join(lost, take(new, ~came_down(new, site)))
    if lost.t.size:
        # seen again it is a track again
        landing = np.array([final_of(s, site) is not None for s in lost.state])
        keep = t - lost.seen <= np.where(landing, ROLLS_S, LOST_S)
        lost = take(lost, keep & ~among(lost.number, tracks.number))
    return low, lost


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
