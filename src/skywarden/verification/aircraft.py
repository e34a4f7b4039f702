"""Protected volumes: everything in a picture that is, or may be, an aircraft, and how far it may
have come.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.site.model import Site
from skywarden.verification.ledger import Ledger, LostTrack, answered, landing, placed
from skywarden.verification.limits import (
    ABSENT_S,
    BRAKING,
    DISC,
    DISCS,
    DOUBT,
    DOWN,
    DOWN_FOR,
    FINAL,
    FOUND_S,
    JUST_S,
    METRES_95,
    METRES_NIC,
    NEAR,
    NEAR_GROUND,
    NORTH,
    QUICKER,
    SAME,
    SHUT_DOWN_S,
    SOFT,
    STAYS_S,
    STILL,
    TURN,
    UNBACKED,
    UNSAID,
    Array,
)
from skywarden.verification.path import far_off, farthest_radar, ground_at, in_view


class Volume(NamedTuple):
    """An aircraft, or what may be one, as known now."""

    number: int
    address: int
    unknown: bool
    backed: bool
    seen: float
    t: float
    position: Array     # (3,)
    velocity: Array     # (3,)
    covariance: Array   # (6, 6)
    more: float         # beyond DEVIATIONS of that [m]
    blind: bool
    trusted: float = math.inf   # s since a radar agreed with this report, where it is backed by that alone


def volumes_of(frame: Frame, picture: Picture, site: Site, ledger: Ledger) -> list[Volume]:
    """Everything that is, or may be, an aircraft.

    frame    what came in at this frame
    picture  what is believed at this frame
    site     the site as its defender declared it
    ledger   what the checker has noted of the record so far
    """
    tracks, made, words = picture.tracks, [], []
    followed, backed_addresses, certain = set[int](), set[int](), dict[int, int]()
    for k in range(tracks.number.size):
        address, number = int(tracks.address[k]), int(tracks.number[k])
        if (float(tracks.kind[k, 0]) >= site.policy.projectile_probability and address < 0) or number in ledger.pieces:
            continue
        own = address < 0 or float(tracks.covariance[k, 6, 6]) > 1e-11
        if own and address >= 0:
            backed_addresses.add(address)
        if address >= 0 and ledger.replaced(k, picture):
            continue
        followed.add(address)
        if address >= 0 and own and float(tracks.seen[k]) >= picture.t - JUST_S:
            certain.setdefault(address, k)
        place, pace = tracks.state[k, :3], tracks.state[k, 3:6]
        backed = own or answered(address, picture.t, place, pace, site, ledger)
        ago = math.inf if backed else ledger.trusted(address, place, frame.t, site)
        more = NEAR + NORTH * farthest_radar(place, site) + (0.0 if backed or ago < math.inf else UNBACKED)
        made.append(Volume(number, address, not float(tracks.kind[k, 1]) >= 0.5, backed or ago < math.inf,
            float(tracks.seen[k]), picture.t, place, pace,
                         tracks.covariance[k, :6, :6], more, False, ago))
        words.append(False)
    for report in (*ledger.reports.values(), *ledger.nameless):
        if report.address >= 0 and report.address in followed and report.t < frame.t - site.policy.frame_s - 1e-9:
            continue
        known = bool(np.isfinite(report.velocity).all())
        if known and report.address in certain and report.t >= picture.t - JUST_S:
            k = certain[report.address]
            off = far_off(placed(report, frame, site) + (picture.t - report.t) * report.velocity - tracks.state[k, :3])
            if off <= SAME + 3.0 * math.sqrt(float(np.trace(tracks.covariance[k, :3, :3]))):
                continue
        pace, place = report.velocity if known else np.zeros(3), placed(report, frame, site)
        sigma = METRES_95.get(report.nacp, UNSAID) / 2.4477
        covariance = np.diag([sigma**2] * 3 + [DOUBT**2] * 3)
        if math.isnan(report.position[2]) and math.isfinite(report.pressure):
            covariance[2, 2] = (40.0 + 0.02 * abs(report.pressure)) ** 2
        backed = report.address >= 0 and (report.address in backed_addresses or answered(report.address, report.t,
            place, pace, site, ledger))
        ago = math.inf if backed or report.address < 0 else ledger.trusted(report.address, place, frame.t, site)
        more = METRES_NIC.get(report.nic, UNSAID) + (0.0 if backed or ago < math.inf else UNBACKED)
        made.append(Volume(-1, report.address, False, backed or ago < math.inf, report.t, report.t, place, pace,
            covariance, more, not known, ago))
        words.append(report.grounded)
    rolling = [_rolls(volume, volume.number >= 0, made, says, picture, site) for volume, says in zip(made, words,
        strict=True)]
    made = [volume for them, rolls in zip(made, rolling, strict=True) for volume in _hidden(_slowly(them, picture.t)
        if rolls else them, picture.t, site)]
    return made + [volume for them in ledger.gone.values() for volume in _where_gone(them, picture.t, site)]


def _rolls(volume: Volume, tracked: bool, volumes: list[Volume], says: bool, picture: Picture, site: Site) -> bool:
    """Whether it is an aircraft on the ground: a track by its height, a report by its word or as a
    track of its address is.

    says  what the report says
    """
    above = float(volume.position[2]) - ground_at(site, float(volume.position[0]), float(volume.position[1]))
    if not volume.backed or volume.unknown or math.isnan(above) or picture.t - volume.seen > FOUND_S:
        return False
    if tracked:
        return above + 3.0 * math.sqrt(max(float(volume.covariance[2, 2]), 0.0)) <= DOWN
    if says and above <= NEAR_GROUND:
        return True
    for other in volumes:
        if other.number >= 0 and other.address == volume.address >= 0 and not volume.blind:
            off = far_off(volume.position + (picture.t - volume.t) * volume.velocity - other.position)
            near = off <= SAME + 3.0 * math.sqrt(float(np.trace(other.covariance[:3, :3])))
            if near and _rolls(other._replace(seen=picture.t), True, [], False, picture, site):
                return True
    return False


def _slowly(volume: Volume, now: float) -> Volume:
    """The same with SOFT in place of TURN for DOWN_FOR seconds: the parabola of TURN that touches
    that motion from above.
    """
    late = DOWN_FOR * (TURN - SOFT) / TURN
    return volume._replace(more=volume.more + 0.5 * SOFT * DOWN_FOR * late, seen=volume.seen + late)


def _hidden(volume: Volume, now: float, site: Site) -> list[Volume]:
    """The same, with the reach of what is not seen any more and flies, if it flies, low and below
    every radar; nothing where it has come to stand.
    """
    ago = now - volume.seen
    if not ago > FOUND_S or math.isnan(volume.position[2]):
        return [volume]
    for when in (volume.seen, now):
        there = volume.position + (when - volume.t) * volume.velocity
        if there[2] - ground_at(site, float(there[0]), float(there[1])) > NEAR_GROUND or in_view(there, 0.0, site,
                with_transponders=False):
            return [volume]
    counts = SHUT_DOWN_S if float(np.linalg.norm(volume.velocity)) <= STILL else ABSENT_S
    return [volume._replace(more=volume.more + 0.5 * SOFT * ago**2, seen=now - FOUND_S)] if ago <= counts else []


def _where_gone(them: LostTrack, now: float, site: Site) -> Iterator[Volume]:
    """Where what was lost low may be."""
    ago = now - them.seen
    if ago <= ABSENT_S:
        more = NEAR + NORTH * farthest_radar(them.state[:3], site)
        yield from _hidden(
            Volume(them.number, them.address, them.unknown, True, them.seen, them.t, them.state[:3], them.state[3:6],
                them.covariance, more, False), now, site)
    runway = landing(them, site)
    if runway is None:
        return
    begin, along, length = runway
    s, pace = float((them.state[:2] - begin) @ along), float(them.state[3:5] @ along)
    stopping = min(ago, pace / BRAKING)
    nearest = max(s + pace * stopping - 0.5 * BRAKING * stopping**2, -FINAL)
    farthest = min(max(s + (pace + QUICKER) * ago, nearest), length + DISCS)
    nearest = min(nearest, farthest)
    pieces = max(math.ceil((farthest - nearest) / DISCS), 1)
    for k in range(pieces + 1):
        east, north = begin + (nearest + (farthest - nearest) * k / pieces) * along
        place = np.array([east, north, ground_at(site, float(east), float(north))])
        yield Volume(them.number, them.address, them.unknown, True, now + STAYS_S, now, place, np.zeros(3),
            np.zeros((6, 6)), DISC, False)
