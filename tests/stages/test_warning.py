"""Warning: whom, when, until when. Each claim is one a person under a siren would make."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import a_frame, a_site, a_zone, some_impacts, some_threats

from skywarden.defence import warning
from skywarden.messages.picture import CLEAR, HELD, RAISE, STAGE_NAMES, Impacts, Threats, Warnings

STEP = 0.25             # s between frames
well_known = 10.0       # m
broad = 400.0           # m, so that the zone hit is anyone's guess


class Watch:
    """Frames one after another through `decide`, and what came of them."""

    def __init__(self, *zones: Any, **policy: Any) -> None:
        plain = a_site(zones=zones or (a_zone(),))
        self.site = replace(plain, policy=replace(plain.policy, **policy))
        self.latches, self.t, self.seen = warning.start(self.site), 0.0, Warnings.empty()

    def frame(
        self, *threats: tuple[int, int, float, float], sigma: float = well_known, say: tuple[tuple[str, str, str],
            ...] = ()
    ) -> Warnings:
        """One frame on. Threats as (track, zone, probability, time of impact)."""
        tracks = max([0, *(row[0] for row in threats)])
        at = {row[0]: row[3] for row in threats}
        impacts = some_impacts(*[(1.0, at.get(k, 0.0), 0.0, 0.0) for k in range(1, tracks + 1)], sigma=sigma)
        kept = np.isin(impacts.track, list(at))
        impacts = Impacts(*(column[kept] for column in impacts))
        table = some_threats(*threats) if threats else Threats.empty()
        self.latches, told = warning.decide(self.latches, impacts, table, a_frame(self.t, *say), self.site)
        self.seen = told.warnings
        self.t += STEP
        return self.seen

    def frames(
        self, seconds: float, *threats: tuple[int, int, float, float], sigma: float = well_known
    ) -> list[tuple[int, str, float]]:
        """What was raised and cleared in so many seconds: zone, act, time."""
        acts = []
        for _ in range(round(seconds / STEP)):
            seen = self.frame(*threats, sigma=sigma)
            words = {RAISE: "raise", CLEAR: "clear"}
            acts += [(int(z), words[int(a)], self.t - STEP) for z, a in zip(seen.zone, seen.action, strict=True)
                if int(a) in words]
        return acts

    @property
    def standing(self) -> list[int]:
        return sorted(self.seen.zone[self.seen.action != CLEAR].tolist())


def test_nothing_under_the_threshold_is_warned() -> None:
    assert Watch(warn_probability=0.25).frames(30.0, (1, 0, 0.24, 40.0)) == []


def test_a_plain_danger_is_warned_once_within_a_second() -> None:
    acts = Watch().frames(10.0, (1, 0, 0.9, 40.0))
    assert [act[:2] for act in acts] == [(0, "raise")]
    assert acts[0][2] <= 1.0


def test_a_blip_of_one_frame_warns_nobody() -> None:
    watch = Watch()
    assert watch.frames(STEP, (1, 0, 0.9, 40.0)) == []
    assert watch.frames(30.0) == []


def test_with_no_time_left_one_frame_must_do() -> None:
    watch = Watch()
    watch.frame((1, 0, 0.9, 0.4))
    assert watch.standing == [0]


def test_a_broad_ellipse_waits_while_there_is_time() -> None:
    """Twenty seconds more than anybody needs: a smaller ellipse will name the right zone."""
    assert Watch().frames(5.0, (1, 0, 0.4, 40.0), sigma=broad) == []


def test_a_broad_ellipse_waits_no_longer_than_people_can_run() -> None:
    watch = Watch(a_zone(shelter_s=10.0))
    acts = watch.frames(19.0, (1, 0, 0.4, 20.0), sigma=broad)
    assert [act[:2] for act in acts] == [(0, "raise")]


def test_a_well_known_impact_does_not_wait() -> None:
    acts = Watch().frames(5.0, (1, 0, 0.4, 60.0))
    assert [act[:2] for act in acts] == [(0, "raise")]
    assert acts[0][2] <= 1.0


def test_zones_without_a_siren_are_never_warned() -> None:
    watch = Watch(a_zone("runway", warn=False), a_zone("apron"))
    assert {act[0] for act in watch.frames(5.0, (1, 0, 1.0, 30.0), (1, 1, 1.0, 30.0))} == {1}


def test_one_row_a_zone_however_many_rounds() -> None:
    watch = Watch(a_zone("a"), a_zone("b"), shared_error=0.0)
    watch.frames(2.0, *[(k, z, 0.6, 30.0 + k) for k in range(1, 9) for z in (0, 1)])
    assert sorted(watch.seen.zone.tolist()) == [0, 1]
    assert watch.seen.tracks.tolist() == [8, 8]
    assert watch.seen.probability == pytest.approx(1.0 - 0.4**8)
    assert watch.seen.t_impact == pytest.approx(31.0)       # the first of them


def test_the_most_urgent_zone_stands_first() -> None:
    watch = Watch(a_zone("late"), a_zone("soon"))
    watch.frames(2.0, (1, 0, 0.9, 50.0), (2, 1, 0.9, 25.0))
    assert watch.seen.zone.tolist() == [1, 0]


def test_a_warning_stands_until_the_all_clear_is_due() -> None:
    watch = Watch(all_clear_s=30.0)
    watch.frames(10.0, (1, 0, 0.9, 10.0))
    acts = watch.frames(60.0)
    assert [act[:2] for act in acts] == [(0, "clear")]
    assert acts[0][2] == pytest.approx(10.0 + 30.0, abs=STEP)


def test_a_warning_does_not_flicker_when_its_probability_does() -> None:
    watch = Watch()
    watch.frames(2.0, (1, 0, 0.9, 30.0))
    acts = []
    for k in range(80):
        acts += watch.frames(STEP, (1, 0, 0.9 if k % 2 else 0.05, 30.0))
    assert acts == []
    assert watch.standing == [0]


def test_danger_renewed_puts_the_all_clear_off() -> None:
    watch = Watch(all_clear_s=30.0)
    watch.frames(10.0, (1, 0, 0.9, 10.0))
    watch.frames(10.0, (2, 0, 0.9, 35.0))
    acts = watch.frames(60.0)
    assert [act[:2] for act in acts] == [(0, "clear")]
    assert acts[0][2] >= 65.0


def test_a_warning_is_not_cleared_while_danger_lasts() -> None:
    watch = Watch(all_clear_s=5.0)
    acts = watch.frames(60.0, (1, 0, 0.9, 10.0))        # an impact long due, of a track that will not go away
    assert [act[1] for act in acts] == ["raise"]


def test_raids_are_numbered_by_the_gap_between_them() -> None:
    watch = Watch(a_zone("a"), a_zone("b"), raid_gap_s=60.0, all_clear_s=10.0)
    watch.frames(10.0, (1, 0, 0.9, 10.0))
    assert watch.seen.raid.tolist() == [1]
    watch.frames(20.0)
    watch.frames(5.0, (2, 1, 0.9, 40.0))
    assert watch.seen.raid.tolist() == [1]
    watch.frames(200.0)
    watch.frames(5.0, (3, 0, 0.9, watch.t + 15.0))
    assert watch.seen.raid.tolist() == [2]


def test_an_alarm_by_hand_holds_until_it_is_taken_back() -> None:
    watch = Watch(all_clear_s=5.0)
    watch.frame(say=(("alarm", "apron", "Ann"),))
    assert watch.seen.action.tolist() == [RAISE]
    assert watch.seen.manual.tolist() == [True]
    assert watch.seen.raid.tolist() == [0]
    assert watch.frames(120.0) == []
    watch.frame(say=(("acknowledge", "apron", "Ann"),))
    assert watch.frames(10.0) == []
    assert watch.seen.action.tolist() == [HELD]
    watch.frame(say=(("cancel", "apron", "Ann"),))
    watch.frames(20.0)
    assert watch.standing == []


def test_cancelling_does_not_take_back_what_the_radar_raised() -> None:
    watch = Watch()
    watch.frames(2.0, (1, 0, 0.9, 30.0))
    watch.frame((1, 0, 0.9, 30.0), say=(("cancel", "apron", "Ann"),))
    watch.frames(5.0, (1, 0, 0.9, 30.0))
    assert watch.standing == [0]


def test_cancelling_an_alarm_leaves_the_danger_that_came_under_it() -> None:
    watch = Watch()
    watch.frame(say=(("alarm", "apron", "Ann"),))
    watch.frames(5.0, (1, 0, 0.9, 30.0))
    watch.frame((1, 0, 0.9, 30.0), say=(("cancel", "apron", "Ann"),))
    watch.frames(3.0, (1, 0, 0.9, 30.0))
    assert watch.standing == [0]


def test_correcting_clears_at_once_whoever_raised_it_and_a_danger_still_seen_raises_anew() -> None:
    watch = Watch()
    watch.frame(say=(("alarm", "apron", "Ann"),))
    watch.frame(say=(("correct", "apron", "Ann"),))
    assert watch.seen.action.tolist() == [CLEAR]
    assert watch.standing == []
    assert watch.frames(60.0) == []
    watch.frames(2.0, (1, 0, 0.9, watch.t + 30.0))
    assert watch.standing == [0]
    due = watch.t + 30.0
    watch.frame((1, 0, 0.9, due), say=(("correct", "apron", "Ann"),))
    assert watch.seen.action.tolist() == [CLEAR]
    assert watch.frames(2.0, (1, 0, 0.9, due))[0][:2] == (0, "raise")


def test_the_stage_is_cover_then_stay_then_impacts_over_then_all_clear() -> None:
    watch = Watch()
    stages: list[int] = []
    for k in range(300):
        seen = watch.frame(*(((1, 0, 0.9, 10.0),) if k < 40 else ()))
        stages += [stage for stage in seen.stage.tolist() if not stages or stages[-1] != stage]
    assert [STAGE_NAMES[stage] for stage in stages] == ["take-cover", "stay", "impacts-over", "all-clear"]


def test_an_acknowledgement_changes_nothing_but_the_screen() -> None:
    one, other = Watch(), Watch()
    for k in range(200):
        threats = ((1, 0, 0.9, 20.0),) if k < 40 else ()
        a = one.frame(*threats)
        b = other.frame(*threats, say=(("acknowledge", "apron", "Ann"),))
        assert all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def test_commands_about_zones_nobody_knows_warn_nobody() -> None:
    watch = Watch()
    for kind in ("alarm", "cancel", "acknowledge"):
        assert watch.frame(say=((kind, "moon", "Ann"),)).zone.size == 0


def test_the_latches_handed_in_are_not_changed() -> None:
    watch = Watch()
    watch.frames(2.0, (1, 0, 0.9, 30.0))
    before = watch.latches
    kept = copy.deepcopy(before)
    watch.frame((1, 0, 0.5, 31.0), say=(("alarm", "apron", "Ann"),))
    for a, b in zip(_leaves(before), _leaves(kept), strict=True):
        assert np.array_equal(a, b, equal_nan=True)


def _leaves(value: Any) -> list[np.ndarray]:
    return [leaf for part in value for leaf in _leaves(part)] if isinstance(value, tuple) else [np.asarray(value)]


def test_a_site_without_zones_warns_nobody() -> None:
    watch = Watch()
    watch.site = a_site()
    watch.latches = warning.start(watch.site)
    assert watch.frame((1, 0, 0.9, math.inf)).zone.size == 0
