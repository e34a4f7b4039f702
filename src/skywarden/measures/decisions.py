"""Why each zone was told what it was told, and why the others were not warned: from pictures
alone.
"""

from __future__ import annotations

from typing import NamedTuple

from skywarden.messages.picture import (
    CLEAR,
    NO_REASON,
    PRE_ALERT,
    RAISE,
    REASONS,
    STAGE_NAMES,
    WARNED,
    Losses,
    Picture,
)

WORTH_TELLING = 0.01  # probability a zone must have had for its not being warned to be told
MOST = 2000  # changes kept of one run


class Change(NamedTuple):
    """One change of what a zone is told."""

    t: float  # [s]
    zone: int
    told: str
    reason: str
    probability: float  # that at least one projectile endangers it
    threshold: float  # from which it would be told to take cover
    unwarned: float  # expected loss if nobody is told, in people hurt or their equal
    warned: float  # the same if told now


class Spared(NamedTuple):
    """A zone that was endangered and not warned: the moment when that was likeliest."""

    t: float  # [s]
    probability: float
    threshold: float
    unwarned: float
    warned: float
    reason: str


class Decisions:
    """Fed each picture in order.

    changes  what zones were told, in order
    spared   by zone, of those never warned when they were likeliest endangered
    """

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.spared: dict[int, Spared] = {}
        self.more = 0  # changes not kept
        self._now: dict[int, tuple[int, int]] = {}
        self._warned: set[int] = set()

    def take(self, picture: Picture) -> None:
        """One picture on."""
        w, losses = picture.warnings, picture.losses
        row = {zone: k for k, zone in enumerate(losses.zone.tolist())}
        now: dict[int, tuple[int, int]] = {}
        for zone, action, stage in zip(w.zone.tolist(), w.action.tolist(), w.stage.tolist(), strict=True):
            k = row.get(zone)
            reason = int(losses.reason[k]) if k is not None else NO_REASON
            if action != CLEAR:
                now[zone] = (stage, reason)
            if action in (RAISE, CLEAR) or self._now.get(zone) != (stage, reason):
                self._note(picture.t, zone, stage, reason, losses, k)
            self._warned.add(zone)
            self.spared.pop(zone, None)
        p = picture.pre_alerts
        for zone, since, cause in zip(p.zone.tolist(), p.since.tolist(), p.cause.tolist(), strict=True):
            if since == picture.t:
                self._note(picture.t, zone, PRE_ALERT, cause, losses, row.get(zone))
        self._now = now
        for zone, k in row.items():
            self._spare(picture.t, zone, losses, k)

    def _note(self, t: float, zone: int, stage: int, reason: int, losses: Losses, k: int | None) -> None:
        if len(self.changes) >= MOST:
            self.more += 1
            return
        columns = (losses.probability, losses.threshold, losses.unwarned, losses.warned)
        figures = [float("nan")] * 4 if k is None else [float(column[k]) for column in columns]
        self.changes.append(Change(t, zone, STAGE_NAMES[stage], REASONS[reason], *figures))

    def _spare(self, t: float, zone: int, losses: Losses, k: int) -> None:
        p = float(losses.probability[k])
        before = self.spared.get(zone)
        if zone in self._warned or int(losses.why[k]) == WARNED or p < WORTH_TELLING:
            return
        if before is None or p > before.probability:
            self.spared[zone] = Spared(
                t,
                p,
                float(losses.threshold[k]),
                float(losses.unwarned[k]),
                float(losses.warned[k]),
                REASONS[int(losses.why[k])],
            )
