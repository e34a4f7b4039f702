"""Aircraft that say who they are: tracks kept by address, from position reports and transponder
replies, each claim weighed before it is used.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from skywarden.messages.frame import NO_ADDRESS, Frame
from skywarden.messages.picture import AIRCRAFT, OTHER, PROJECTILE, Tracks
from skywarden.messages.tables import Array, among, join, take
from skywarden.site.model import Site

MANOEUVRE = 4.0             # m²/s³, process noise of an airliner or helicopter between reports
UNSEEN = 25.0               # s until a silent aircraft's track ends: five turns of a 5 s radar
GATE = 36.0                 # squared normalised distance from which a position is not believed
STRIKES = 4                 # positions in a row not believed, until the track is started afresh from them
NEEDED = 2                  # positions until a track is shown
HEIGHT_SIGMA = 150.0        # m, of height above the site from pressure altitude
# m, m, m, m/s: what no aircraft's honest report exceeds
FARTHEST, HIGHEST, LOWEST, FASTEST = 600_000.0, 30_000.0, -1_500.0, 750.0
REPORT_SIGMA = 60.0         # m, of a position of unknown accuracy, its unknown age of some tenths of a second included
EARTH_DIAMETER = 2.0 * 6_371_000.0  # m
# m, m/s: what parts a radar's track from the report of the same aircraft at most, beyond errors
SAME_DISTANCE, SAME_SPEED = 350.0, 60.0
ANONYMOUS = 2_000.0         # m: how far a report without address may be from the track it continues


class Known(NamedTuple):
    """All aircraft known by address, rows rising by address. Below NO_ADDRESS: pseudo-addresses of
    reports that carry none.
    """

    address: Array      # (n,) int64
    number: Array       # (n,) int64    0 until shown
    time: Array         # (n,) float64  of the state [s]
    seen: Array         # (n,)
    born: Array         # (n,)
    hits: Array         # (n,) int32
    strikes: Array      # (n,) int32    positions in a row not believed
    x: Array            # (n, 6)
    p: Array            # (n, 6, 6)


class State(NamedTuple):
    """What is known of cooperative aircraft."""

    known: Known
    rejected: int       # reports not believed since the start


class Reports(NamedTuple):
    """Claims about positions, one row each."""

    t: Array            # (k,)
    address: Array      # (k,) int64
    position: Array     # (k, 3)
    variance: Array     # (k, 3, 3)
    velocity: Array     # (k, 3) nan unknown


def start() -> State:
    """None known."""
    i4 = np.zeros(0, np.int32)
    z = np.zeros(0)
    return State(Known(np.zeros(0, np.int64), np.zeros(0, np.int64), z, z, z, i4, i4, np.zeros((0, 6)),
        np.zeros((0, 6, 6))), 0)


def track(state: State, frame: Frame, site: Site, next_number: int) -> tuple[State, Tracks, int]:
    """One frame on: every believable claim improves its aircraft's track. Returns the shown tracks
    at the frame's time.

    state        the cooperative tracks before this frame
    site         the site as its defender declared it
    next_number  next free number of a track
    """
    old = state.known
    if old.address.shape[0] == 0 and frame.aircraft.t.shape[0] == 0 and (frame.detections.address == NO_ADDRESS).all():
        return state, Tracks.empty(), next_number
    claims, refused = _gather(old, frame, site)
    known = take(old, np.flatnonzero(frame.t - old.seen <= UNSEEN))
    fresh = np.unique(claims.address[~among(claims.address, known.address)])
    if fresh.shape[0]:
        known = _widened(known, fresh)
    claims = take(claims, np.lexsort((claims.position[:, 1], claims.position[:, 0], claims.address, claims.t)))
    refused += _absorb(known, np.searchsorted(known.address, claims.address), claims)
    known = take(known, np.flatnonzero(known.hits > 0))
    newly = np.flatnonzero((known.number == 0) & (known.hits >= NEEDED))
    known.number[newly] = next_number + np.arange(newly.shape[0])
    return State(known, state.rejected + refused), _shown(known, frame.t), next_number + int(newly.shape[0])


def correlate(tracks: Tracks, others: Tracks) -> Array:
    """For each row of the radar's own `tracks`, the row of the cooperative `others` that is the
    same aircraft, -1 none.
    """
    out = np.full(tracks.number.shape[0], -1, np.int64)
    if tracks.number.shape[0] == 0 or others.number.shape[0] == 0:
        return out
    gap = np.linalg.norm(tracks.state[:, None, :3] - others.state[None, :, :3], axis=2)
    apart = np.linalg.norm(tracks.state[:, None, 3:6] - others.state[None, :, 3:6], axis=2)
    spread = np.sqrt(np.trace(tracks.covariance[:, :3, :3], axis1=1, axis2=2)[:, None] + np.trace(others.covariance[:,
        :3, :3], axis1=1, axis2=2))
    blur = np.sqrt(np.trace(tracks.covariance[:, 3:6, 3:6], axis1=1, axis2=2)[:, None]
                   + np.trace(others.covariance[:, 3:6, 3:6], axis1=1, axis2=2))
    cost = np.where((gap < SAME_DISTANCE + 2.0 * np.minimum(spread, 500.0))
        & (apart < SAME_SPEED + 2.0 * np.minimum(blur, 100.0)), gap, np.inf)
    for i in np.argsort(cost.min(1), kind="stable"):
        j = int(cost[i].argmin())
        if np.isfinite(cost[i, j]):
            out[i] = j
            cost[:, j] = np.inf
    return out


def merged(tracks: Tracks, others: Tracks, same: Array) -> Tracks:
    """Radar's and cooperative tracks in one table; the same aircraft in one row. What flies like a
    projectile keeps its own row whatever is said.

    others  the cooperative tracks
    """
    if others.number.shape[0] == 0:
        return tracks
    address = tracks.address.copy()
    honest = (same >= 0) & (tracks.kind[:, PROJECTILE] < 0.5)
    address[honest] = others.address[same[honest]]
    alone = np.ones(others.number.shape[0], np.bool_)
    alone[same[honest]] = False
    return join(tracks._replace(address=address), take(others, alone))


def _widened(known: Known, fresh: Array) -> Known:
    """`known` with blank rows for the addresses `fresh`, rising by address."""
    n = fresh.shape[0]
    i4 = np.zeros(n, np.int32)
    blank = Known(fresh.astype(np.int64), np.zeros(n, np.int64), np.zeros(n), np.full(n, -np.inf), np.zeros(n), i4, i4,
        np.zeros((n, 6)),
                  np.zeros((n, 6, 6)))
    both = join(known, blank)
    return take(both, np.argsort(both.address, kind="stable"))


def _gather(state: Known, frame: Frame, site: Site) -> tuple[Reports, int]:
    """Everything in the frame that claims where an aircraft is, and how many claims were
    impossible.
    """
    a, d = frame.aircraft, frame.detections
    position = np.array(a.position, np.float64).reshape(-1, 3)
    height = a.pressure_altitude - site.origin.elevation - (position[:, :2] ** 2).sum(1) / EARTH_DIAMETER
    by_pressure = ~np.isfinite(position[:, 2])
    position[:, 2] = np.where(by_pressure, height, position[:, 2])
    sigma = np.where(a.nacp >= 8, 40.0, REPORT_SIGMA)
    variance = np.zeros((position.shape[0], 3, 3))
    variance[:, 0, 0] = variance[:, 1, 1] = sigma**2
    variance[:, 2, 2] = np.where(by_pressure, HEIGHT_SIGMA, 2.0 * sigma) ** 2
    address = np.array(a.address, np.int64)
    reported = Reports(np.asarray(a.t, np.float64), address, position, variance, np.asarray(a.velocity,
        np.float64).reshape(-1, 3))
    plots = np.flatnonzero((d.address != NO_ADDRESS) & np.isfinite(d.t) & (d.sensor >= 0)
        & (d.sensor < len(site.radars)))
    claims = join(reported, _replies(frame, plots, state, site)) if plots.shape[0] else reported
    claims = claims._replace(address=_named(claims, state))
    p = claims.position
    speed = np.sqrt((np.nan_to_num(claims.velocity) ** 2).sum(1))
    sound = np.isfinite(claims.t) & np.isfinite(p).all(1) & (np.hypot(p[:, 0], p[:, 1]) < FARTHEST)
    sound &= (p[:, 2] < HIGHEST) & (p[:, 2] > LOWEST - (p[:, :2] ** 2).sum(1) / EARTH_DIAMETER) & (speed < FASTEST)
    sound &= claims.t <= frame.t + 5.0
    return take(claims, np.flatnonzero(sound)), int((~sound).sum())


def _replies(frame: Frame, plots: Array, state: Known, site: Site) -> Reports:
    """Positions from transponder plots: range, azimuth, and height from pressure altitude (or
    elevation, or what is known already).
    """
    d = take(frame.detections, plots)
    place = np.array([r.place for r in site.radars])[d.sensor]
    sigma = np.array([(r.range_sigma, r.azimuth_sigma) for r in site.radars])[d.sensor]
    spot = np.minimum(np.searchsorted(state.address, d.address), max(state.address.shape[0] - 1, 0))
    before = np.full(plots.shape[0], 4000.0)
    if state.address.shape[0]:
        before = np.where(state.address[spot] == d.address, state.x[spot, 2], before)
    level = d.pressure_altitude - site.origin.elevation - d.range**2 / EARTH_DIAMETER
    up = np.where(np.isfinite(level), level, np.where(np.isfinite(d.elevation),
        place[:, 2] + d.range * np.sin(d.elevation), before))
    rise = np.clip(up - place[:, 2], -0.95 * d.range, 0.95 * d.range)
    flat = np.sqrt(d.range**2 - rise**2)
    s, c = np.sin(d.azimuth), np.cos(d.azimuth)
    position = place + np.stack((flat * s, flat * c, rise), 1)
    along, across = sigma[:, 0] ** 2, (flat * sigma[:, 1]) ** 2 + 400.0
    tall = np.where(np.isfinite(level), HEIGHT_SIGMA, np.where(np.isfinite(d.elevation), 300.0, 2500.0)) ** 2
    along = along + (rise / np.maximum(flat, 1.0)) ** 2 * tall
    variance = np.zeros((plots.shape[0], 3, 3))
    variance[:, 0, 0], variance[:, 1, 1] = along * s * s + across * c * c, along * c * c + across * s * s
    variance[:, 0, 1] = variance[:, 1, 0] = (along - across) * s * c
    variance[:, 2, 2] = tall
    return Reports(d.t, d.address, position, variance, np.full((plots.shape[0], 3), np.nan))


def _named(claims: Reports, state: Known) -> Array:
    """Addresses, with a pseudo-address for claims that have none: that of the nearest nameless
    track, else a new one.
    """
    address = claims.address.copy()
    nameless = np.flatnonzero(address == NO_ADDRESS)
    if nameless.shape[0] == 0:
        return address
    old = np.flatnonzero(state.address < NO_ADDRESS)
    following = min(int(state.address[0]) if state.address.shape[0] else NO_ADDRESS, NO_ADDRESS) - 1
    free = np.ones(old.shape[0], np.bool_)
    for i in nameless[np.lexsort(claims.position[nameless].T)]:
        guess = state.x[old, :3] + state.x[old, 3:] * (claims.t[i] - state.time[old])[:, None]
        gap = np.where(free, np.linalg.norm(guess - claims.position[i], axis=1), np.inf)
        if gap.shape[0] and gap.min() < ANONYMOUS:
            free[gap.argmin()] = False
            address[i] = state.address[old[gap.argmin()]]
        else:
            address[i] = following
            following -= 1
    return address


def _shown(known: Known, t: float) -> Tracks:
    """The tracks with enough positions, moved to time `t`."""
    c = take(known, np.flatnonzero(known.number > 0))
    n = c.number.shape[0]
    if n == 0:
        return Tracks.empty()
    x, p = c.x.copy(), c.p.copy()
    _carry(x, p, t - c.time)
    state, covariance, kind = np.zeros((n, 7)), np.zeros((n, 7, 7)), np.zeros((n, 3))
    state[:, :6], covariance[:, :6, :6] = x, p
    covariance[:, 6, 6] = 1e-12
    kind[:, AIRCRAFT], kind[:, OTHER] = 0.99, 0.01
    address = np.where(c.address < NO_ADDRESS, NO_ADDRESS, c.address)
    return Tracks(c.number, state, covariance, c.seen, c.born, c.hits, kind, np.zeros(n, np.int32), address)


@njit(cache=True, error_model="numpy")
def _carry(x: Array, p: Array, dt: Array) -> None:
    """Straight flight of states `x` (n, 6) and covariances `p` (n, 6, 6) over `dt` (n,), in place."""
    for i in range(dt.shape[0]):
        h = dt[i]
        a = abs(h)
        for r in range(3):
            x[i, r] += h * x[i, 3 + r]
        F = np.eye(6)
        for r in range(3):
            F[r, 3 + r] = h
        moved = F @ p[i] @ F.T
        for r in range(3):
            moved[r, r] += MANOEUVRE * a * a * a / 3.0
            moved[r, 3 + r] += MANOEUVRE * a * a / 2.0
            moved[3 + r, r] += MANOEUVRE * a * a / 2.0
            moved[3 + r, 3 + r] += MANOEUVRE * a
        p[i] = 0.5 * (moved + moved.T)


@njit(cache=True, error_model="numpy")
def _begin(s: Known, i: int, t: float, z: Array, R: Array, velocity: Array) -> None:
    """Row `i` begins, or begins anew, with one report: place `z` (3,) of covariance `R`, velocity
    (3,).
    """
    if s.hits[i] == 0:
        s.born[i] = t
    s.x[i, :3] = z
    s.x[i, 3:] = 0.0
    s.p[i] = 0.0
    s.p[i, :3, :3] = R
    for r in range(3):
        s.p[i, 3 + r, 3 + r] = 200.0**2 if r < 2 else 20.0**2
    if math.isfinite(velocity[0]) and math.isfinite(velocity[1]):
        s.x[i, 3], s.x[i, 4] = velocity[0], velocity[1]
        s.p[i, 3, 3] = s.p[i, 4, 4] = 100.0
        if math.isfinite(velocity[2]):
            s.x[i, 5] = velocity[2]
            s.p[i, 5, 5] = 25.0
    s.time[i] = t
    s.seen[i] = t
    s.hits[i] += 1
    s.strikes[i] = 0


@njit(cache=True, error_model="numpy")
def _absorb(s: Known, rows: Array, claims: Reports) -> int:
    """Takes the claims, in time order, each into its row of `s`, in place. Returns how many were
    not believed.
    """
    refused = 0
    for k in range(rows.shape[0]):
        i = rows[k]
        z, R = claims.position[k], claims.variance[k]
        velocity = claims.velocity[k]
        dt = claims.t[k] - s.time[i]
        if s.hits[i] == 0 or s.strikes[i] >= STRIKES:
            _begin(s, i, claims.t[k], z, R, velocity)
            continue
        if dt < -10.0:
            refused += 1
            continue
        x, p = s.x[i : i + 1].copy(), s.p[i : i + 1].copy()
        _carry(x, p, np.array([max(dt, 0.0)]))
        S = np.ascontiguousarray(p[0, :3, :3]) + R
        v = z - x[0, :3]
        inverse = np.linalg.inv(S)
        if v @ inverse @ v > GATE:
            s.strikes[i] += 1
            refused += 1
            continue
        K = np.ascontiguousarray(p[0, :, :3]) @ inverse
        x[0] += K @ v
        q = p[0] - K @ S @ K.T
        for r in range(3):
            sigma2 = 64.0 if r < 2 else 16.0
            if not math.isfinite(velocity[r]):
                continue
            gain = q[:, 3 + r] / (q[3 + r, 3 + r] + sigma2)
            e = velocity[r] - x[0, 3 + r]
            if e * e > GATE * (q[3 + r, 3 + r] + sigma2):
                continue
            column = q[:, 3 + r].copy()
            x[0] += gain * e
            for a in range(6):
                for c in range(6):
                    q[a, c] -= gain[a] * column[c]
        s.x[i], s.p[i] = x[0], 0.5 * (q + q.T)
        s.time[i] = max(s.time[i], claims.t[k])
        s.seen[i] = max(s.seen[i], claims.t[k])
        s.hits[i] += 1
        s.strikes[i] = 0
    return refused
