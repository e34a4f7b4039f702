"""The least expected loss that anybody could have reached with what was known then. It knows no
truth, and no injects.

Source: docs/models/scoring.md, Oracle. Losses are in people: the expected number
hit, and warnings at the price at which the site's own policy buys them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from skywarden.exercise.reading import Told
from skywarden.messages.picture import KIND_NAMES, PROJECTILE, Picture
from skywarden.messages.tables import Array
from skywarden.site.model import Site

# share of what people say about a track that is right; one word moves the odds by TRUST / (1 - TRUST)
TRUST = 0.9
# Probability above which no track is taken for a round once somebody contradicts: a tracker's input can be made up
MOST_SURE = 0.99
NEAR = 0.05                 # loss per person within which two acts are worth the same
WARN, SPARE = "warn", "spare"
KEEP, DISMISS = "keep", "dismiss"
NO_TOLD: Mapping[int, float] = {}


class Danger(NamedTuple):
    """What threatens each zone as far as was known, one row a zone of the site."""

    probability: Array      # (zones,) that at least one projectile endangers it
    due: Array              # (zones,) earliest impact that counts [s]; nan none
    track: Array            # (zones,) int64 likeliest track; -1 none
    # (zones,) expected loss of not warning, and of warning now, where the site states its costs; else nan
    unwarned: Array
    warned: Array


def unsheltered(left: float, shelter: float) -> float:
    """Share of a zone's people still in the open when the impact comes `left` seconds after
    they were warned.

    shelter  time that people need to reach shelter [s]
    """
    if math.isnan(left):
        return 0.0
    return 1.0 if left <= 0.0 else max(0.0, 1.0 - left / shelter) if shelter > 0.0 else 0.0


def loss_of_sparing(probability: float, people: float) -> float:
    """Expected people hit where a zone is not warned.

    probability  probability that a round comes down in the zone
    """
    return probability * people


def loss_of_warning(probability: float, people: float, left: float, shelter: float, price: float) -> float:
    """Expected people hit in spite of a warning `left` seconds before the impact, and the
    warning's price.

    price        of a warning a person, in people hit: the policy's `warn_probability`, from which
                 it finds a warning worth it
    probability  probability that a round comes down in the zone
    shelter      time that people need to reach shelter [s]
    """
    return probability * people * unsheltered(left, shelter) + price * people


def loss_of_keeping(probability: float, stake: float, price: float) -> float:
    """Expected loss of taking a track for a round: people warned for nothing, if it is none.

    probability  probability that the track is a round
    stake        people expected to be hit by it, were it a round
    price        cost of a false warning, as a share of a hit
    """
    return (1.0 - probability) * price * stake


def loss_of_dismissing(probability: float, stake: float) -> float:
    """Expected loss of saying that a track is no round: people hit, if it is one.

    probability  probability that the track is a round
    stake        people expected to be hit by it, were it a round
    """
    return probability * stake


def said_of_tracks(told: Iterable[Told], picture: Picture, site: Site) -> dict[int, float]:
    """By track: the factor on its odds of being a projectile, from what people say it is, or
    what comes to a zone.

    told     what was said, oldest first
    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    factors: dict[int, float] = {}
    rows = {zone.name: row for row, zone in enumerate(site.zones)}
    for each in told:
        kind = each.fact("kind")
        if kind not in KIND_NAMES:
            continue
        odds = odds_of(each)
        factor = odds if kind == KIND_NAMES[PROJECTILE] else 1.0 / odds
        track, zone = each.fact("track"), each.fact("zone")
        named = {int(track)} if track is not None and track.isdecimal() and len(track) < 19 else set()
        if zone in rows:
            named |= set(picture.threats.track[picture.threats.zone == rows[zone]].tolist())
        for number in named:
            factors[number] = factors.get(number, 1.0) * factor
    return factors


def odds_of(told: Told) -> float:
    """Odds that a word is right: as its fact `sure` says, which the site's people know of its
    sender, else TRUST.

    told  what was said, with its facts
    """
    sure = min(max(_number(told.fact("sure"), TRUST), 0.5), 0.9999)
    return sure / (1.0 - sure)


def weighed(probability: float, factor: float) -> float:
    """A probability with its odds multiplied by `factor`, capped at MOST_SURE before where that
    lessens it.
    """
    if factor == 1.0:
        return probability
    probability = min(probability, MOST_SURE) if factor < 1.0 else probability
    return probability * factor / (1.0 - probability + probability * factor)


def danger(
    picture: Picture, site: Site, factors: Mapping[int, float] = NO_TOLD, told: Iterable[Told] = (),
) -> Danger:
    """Each zone's danger as the picture gives it, and as what people said changes it.

    factors  on the odds of tracks, see `said_of_tracks`
    told     what holds; its facts `danger=ZONE`, `due=TIME` speak of a round that nobody tracks
    site     the site as its defender declared it
    """
    zones, threats = len(site.zones), picture.threats
    safe, due, likeliest = np.ones(zones), np.full(zones, math.nan), np.zeros(zones)
    track = np.full(zones, -1, np.int64)
    sure = dict(zip(picture.impacts.track.tolist(), picture.impacts.p_projectile.tolist(),
        strict=True)) if factors else {}
    rows = zip(threats.track.tolist(), threats.zone.tolist(), threats.probability.tolist(), threats.t.tolist(),
        strict=True)
    for number, zone, probability, t in rows:
        if zone >= zones:
            continue
        factor, believed = factors.get(number, 1.0), sure.get(number, 1.0)
        p = probability * weighed(believed, factor) / believed if factor != 1.0 and believed > 0.0 else probability
        safe[zone] *= 1.0 - p
        if p >= site.policy.clear_probability and not due[zone] <= t:
            due[zone] = t
        if p > likeliest[zone]:
            likeliest[zone], track[zone] = p, number
    for each in told:
        name = each.fact("danger")
        row = next((k for k, zone in enumerate(site.zones) if zone.name == name), None)
        if row is not None:
            safe[row] /= 1.0 + odds_of(each)
            due[row] = np.fmin(due[row], _number(each.fact("due"), math.nan))
    probability = 1.0 - safe
    return Danger(probability, due, track, *_stated(picture, site, probability, due, bool(factors)))


def _stated(
    picture: Picture, site: Site, probability: Array, due: Array, changed: bool,
) -> tuple[Array, Array]:
    """The losses that the picture carries. Somebody's word scales what the danger costs, not
    what a warning does.
    """
    unwarned, warned = np.full(len(site.zones), math.nan), np.full(len(site.zones), math.nan)
    losses = picture.losses
    if not site.costs.stated or not losses.zone.size:
        return unwarned, warned
    before = danger(picture, site).probability if changed else probability
    for zone, bare, told in zip(losses.zone.tolist(), losses.unwarned.tolist(), losses.warned.tolist(), strict=True):
        if zone < len(site.zones):
            factor = float(probability[zone] / before[zone]) if changed and before[zone] > 0.0 else 1.0
            left = float(due[zone]) - picture.t
            in_spite = min(told, bare * unsheltered(left, site.zones[zone].shelter_s))
            unwarned[zone], warned[zone] = bare * factor, in_spite * factor + told - in_spite
    return unwarned, warned


def forbidding(told: Iterable[Told]) -> frozenset[str]:
    """Zones that somebody said an aircraft is over; "any": everywhere.

    told  what was said, oldest first
    """
    return frozenset(zone for each in told if (zone := each.fact("aircraft")) is not None)


def standing(told: Iterable[Told], t: float) -> tuple[Told, ...]:
    """What was said up to `t` [s] and holds: not yet ended by another message, or by its own
    time.

    told  what was said, oldest first
    """
    heard: dict[str, Told] = {}
    for each in told:
        if each.kind == "end":
            heard.pop(each.name, None)
        else:
            heard[each.name] = each
    return tuple(each for each in heard.values() if each.t <= t <= _until(each))


def _until(told: Told) -> float:
    return _number(told.fact("until"), math.inf)


def _number(text: str | None, otherwise: float) -> float:
    try:
        return float(text) if text else otherwise
    except ValueError:
        return otherwise
