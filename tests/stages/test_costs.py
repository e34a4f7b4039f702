"""What a warning saves and costs, as the people who state it would check it; who hears which siren."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import a_frame, a_site, a_zone, some_impacts, some_threats

from skywarden.defence import loss, prealert, warning
from skywarden.messages.commands import Command
from skywarden.messages.picture import (
    CLEAR,
    COMING,
    COSTLY,
    FIRED,
    FORETOLD_THERE,
    IMPACTS_OVER,
    NARROWED,
    NOBODY_TO_WARN,
    OPERATOR,
    OUTAGE,
    RAISE,
    UNKNOWN_DIRECTION,
    UNSETTLED,
    WARNED,
    WORTH,
    Impacts,
    Inbound,
    Threats,
)
from skywarden.site.hearing import hearing
from skywarden.site.load import faults_of
from skywarden.site.model import Costs, Siren

STEP = 0.25


class Watch:
    """Frames one after another through `decide`; `seen` is what the last told."""

    def __init__(self, *zones: Any, costs: Costs | None = None, sirens: tuple[Siren, ...] = (), **policy: Any) -> None:
        plain = a_site(zones=zones or (a_zone(),))
        self.site = replace(plain, policy=replace(plain.policy, **policy), costs=costs or Costs(), sirens=sirens)
        self.state, self.t = warning.start(self.site), 0.0
        self.raised: dict[int, float] = {}
        self.cleared: dict[int, float] = {}

    def frame(self, *rows: tuple[int, int, float, float], sigma: float = 10.0, say: Any = (), **around: Any) -> Any:
        """One frame on. Rows as (track, zone, probability, time of impact)."""
        tracks = sorted({row[0] for row in rows})
        at = {row[0]: row[3] for row in rows}
        made = some_impacts(*[(1.0, at.get(k, 0.0), 0.0, 0.0) for k in range(1, max([0, *tracks]) + 1)], sigma=sigma)
        impacts = Impacts(*(column[np.isin(made.track, tracks)] for column in made))
        threats = some_threats(*[row for row in rows if row[2] > 0.0]) if any(r[2] > 0.0 for r in rows) else None
        self.state, self.seen = warning.decide(
            self.state,
            impacts,
            threats if threats is not None else Threats.empty(),
            a_frame(self.t)._replace(commands=tuple(say)),
            self.site,
            warning.Around(**around),
        )
        for zone, action in zip(self.seen.warnings.zone.tolist(), self.seen.warnings.action.tolist(), strict=True):
            if action == RAISE:
                self.raised[zone] = self.t
            elif action == CLEAR:
                self.cleared[zone] = self.t
        self.t += STEP
        return self.seen

    def frames(self, seconds: float, *rows: tuple[int, int, float, float], **how: Any) -> Any:
        for _ in range(round(seconds / STEP)):
            self.frame(*rows, **how)
        return self.seen

    def why(self, zone: int = 0) -> int:
        losses = self.seen.losses
        return int(losses.why[losses.zone == zone][0])

    def reason(self, zone: int = 0) -> int:
        losses = self.seen.losses
        return int(losses.reason[losses.zone == zone][0])

    def threshold(self, zone: int = 0) -> float:
        losses = self.seen.losses
        return float(losses.threshold[losses.zone == zone][0])


def test_the_probability_asked_for_falls_as_time_runs_out() -> None:
    asked = []
    for left in (60.0, 20.0, 12.0, 8.0):
        watch = Watch(a_zone(shelter_s=8.0), costs=Costs(stated=True, least_lead=0.0))
        watch.frame((1, 0, 0.1, left), sigma=150.0)
        asked.append(watch.threshold())
    assert asked == sorted(asked, reverse=True)
    assert asked[0] > 0.9 > 0.5 > asked[-1]


def test_what_is_told_is_what_costs_least() -> None:
    """Whatever the threshold says must agree with the three losses shown beside it."""
    draw = np.random.default_rng(3)
    for _ in range(200):
        watch = Watch(a_zone(shelter_s=float(draw.uniform(2.0, 15.0))), costs=Costs(stated=True))
        p, left, sigma = draw.uniform(0.01, 1.0), draw.uniform(0.5, 40.0), draw.uniform(5.0, 400.0)
        losses = watch.frame((1, 0, float(p), float(left)), sigma=float(sigma)).losses
        least = losses.warned[0] <= min(losses.unwarned[0], losses.waited[0]) + 1e-9
        assert (losses.probability[0] >= losses.threshold[0] - 1e-9) == least


def test_dear_warnings_are_given_less_often_and_say_that_they_cost_more_than_they_save() -> None:
    cheap, dear = (
        Watch(costs=Costs(stated=True, false_alarm=share, hurt_running=running)) for share, running in ((0.0, 0.0),
            (0.9, 0.02))
    )
    for watch in (cheap, dear):
        watch.frames(9.0, (1, 0, 0.3, 10.0))
    assert cheap.raised
    assert not dear.raised
    assert dear.why() == COSTLY
    assert cheap.reason() == WORTH


def test_a_broad_place_waits_and_says_so_and_a_site_without_costs_keeps_its_probability() -> None:
    watch = Watch(costs=Costs(stated=True, least_lead=0.0))
    watch.frames(3.0, (1, 0, 0.3, 40.0), sigma=300.0)
    assert watch.why() == UNSETTLED
    plain = Watch(warn_probability=0.25)
    plain.frames(3.0, (1, 0, 0.3, 40.0))
    assert plain.why() == WARNED
    assert plain.threshold() == 0.25


def test_waiting_leaves_the_share_of_the_lead_that_the_site_asks_for() -> None:
    def raised_at(least: float) -> float:
        watch = Watch(costs=Costs(stated=True, least_lead=least))
        while not watch.raised:
            watch.frame((1, 0, 0.4, 40.0), sigma=400.0 * math.exp(-0.1 * watch.t))
        return watch.raised[0]

    assert 40.0 - raised_at(0.75) >= 0.75 * 40.0
    assert raised_at(0.0) > raised_at(0.75)


def test_the_number_of_people_does_not_decide() -> None:
    few, many = (Watch(a_zone(people=people), costs=Costs(stated=True)) for people in (0.0, 5000.0))
    for watch in (few, many):
        watch.frames(30.0, (1, 0, 0.6, 30.0), sigma=100.0)
    assert few.raised == many.raised


def test_those_in_shelter_are_hurt_least_and_more_time_never_hurts() -> None:
    costs, left = Costs(), np.linspace(-5.0, 120.0, 400)
    share = loss.hurt(left, np.full(400, 0.5), np.full(400, 8.0), costs)
    assert (np.diff(share) <= 1e-12).all()
    assert share[0] == pytest.approx(costs.hurt_open, rel=1e-3)
    assert share[-1] == pytest.approx(
        costs.compliance * costs.hurt_sheltered + (1.0 - costs.compliance) * costs.hurt_open, rel=0.02
    )


def test_a_zone_whose_followed_round_misses_is_released_sooner_once_and_says_why() -> None:
    watch = Watch(all_clear_s=10.0, narrow_s=5.0)
    watch.frames(2.0, (1, 0, 0.9, 60.0))
    watch.frames(20.0, (1, 0, 0.0, 60.0))
    assert watch.cleared[0] < 20.0
    lost = Watch(all_clear_s=10.0, narrow_s=5.0)
    lost.frames(2.0, (1, 0, 0.9, 60.0))
    lost.frames(60.0)
    assert not lost.cleared  # out of sight is not stopped
    slow = Watch(all_clear_s=30.0, narrow_s=5.0)
    slow.frames(2.0, (1, 0, 0.9, 60.0))
    slow.frames(6.0, (1, 0, 0.0, 60.0))
    assert slow.reason() == NARROWED
    assert slow.seen.warnings.stage.tolist() == [IMPACTS_OVER]


def test_an_outage_freezes_the_stage_and_says_so_and_its_end_gives_a_dwell() -> None:
    watch = Watch(all_clear_s=10.0)
    watch.frames(10.0, (1, 0, 0.9, 9.0))
    watch.frames(60.0, healthy=False)
    assert watch.reason() == OUTAGE
    assert not watch.cleared
    back = watch.t
    watch.frames(10.0)
    assert back + watch.site.policy.dwell_s <= watch.cleared[0] <= back + watch.site.policy.dwell_s + 1.0


def test_a_tentative_track_on_its_way_keeps_the_impacts_from_being_over() -> None:
    watch, coming = Watch(all_clear_s=10.0), np.array([True])
    watch.frames(10.0, (1, 0, 0.9, 9.0))
    watch.frames(30.0, tentative=coming)
    assert not watch.cleared
    assert watch.seen.warnings.stage.tolist() != [IMPACTS_OVER]
    watch.frames(2.0)
    assert watch.cleared


def test_where_an_operator_gives_the_all_clear_nothing_else_does() -> None:
    watch = Watch(all_clear="operator", all_clear_s=5.0)
    watch.frames(6.0, (1, 0, 0.9, 5.0))
    watch.frame(say=[Command(watch.t, "all-clear", "apron", "Ann", "")])
    assert not watch.cleared  # the impacts are not over yet
    watch.frames(120.0)
    assert not watch.cleared
    assert watch.reason() == OPERATOR
    watch.frame(say=[Command(watch.t, "all-clear", "apron", "Ann", "")])
    assert watch.cleared


def test_a_zone_raised_twice_in_a_raid_stands_until_the_raid_is_over() -> None:
    watch = Watch(all_clear_s=5.0, raid_gap_s=60.0)
    watch.frames(6.0, (1, 0, 0.9, 5.0))
    watch.frames(20.0)
    assert watch.cleared.pop(0)
    second = watch.t + 5.0
    watch.frames(6.0, (2, 0, 0.9, second))
    watch.frames(40.0)
    assert not watch.cleared
    watch.frames(60.0)
    assert second + 60.0 <= watch.cleared[0] <= second + 75.0


def test_pre_alerts_are_no_warnings_and_say_their_cause() -> None:
    watch = Watch(pre_alert_probability=0.05)
    watch.frames(1.0, (1, 0, 0.1, 30.0))
    assert watch.seen.pre_alerts.cause.tolist() == [FIRED]
    assert watch.seen.warnings.zone.size == 0
    watch.frames(2.0, (1, 0, 0.9, 30.0))
    assert watch.seen.pre_alerts.zone.size == 0
    assert watch.raised
    comes = Inbound(np.array([7]), np.array([0], np.int32), *(np.array([x]) for x in (0.9, 40.0, 0.0, 0.0)))
    other = Watch()
    assert other.frame(coming=comes).pre_alerts.cause.tolist() == [COMING]
    told = Watch(all_clear_s=10.0)
    told.frame(say=[Command(0.0, "foretold", "20 apron", "region", "")])
    assert told.seen.pre_alerts.cause.tolist() == [FORETOLD_THERE]
    told.frames(25.0)
    assert told.seen.pre_alerts.zone.size == 1
    told.frames(20.0)
    assert told.seen.pre_alerts.zone.size == 0


def test_rounds_from_a_direction_not_to_be_believed_pre_alert_everybody_and_warn_nobody() -> None:
    watch = Watch(a_zone("a"), a_zone("b", 2_000.0))
    watch.frames(5.0, (1, 0, 0.9, 20.0), adrift=np.array([1]))
    assert not watch.raised
    assert watch.seen.pre_alerts.zone.tolist() == [0, 1]
    assert watch.seen.pre_alerts.cause.tolist()[1] == UNKNOWN_DIRECTION
    watch.frames(3.0, (1, 0, 0.9, 20.0), (2, 0, 0.9, 20.0), adrift=np.array([1]))
    assert watch.raised.keys() == {0}


def test_a_word_of_another_base_that_makes_no_sense_changes_nothing() -> None:
    watch = Watch()
    for subject in ("x apron", "nan apron", "-3 apron", "1e9 apron", "5 moon", ""):
        watch.frame(say=[Command(0.0, "foretold", subject, "region", "")])
    assert watch.seen.pre_alerts.zone.size == 0
    assert prealert.start(1).foretold.tolist() == [-math.inf]


def test_zones_that_cannot_be_warned_say_so() -> None:
    watch = Watch(a_zone(warn=False))
    watch.frames(2.0, (1, 0, 0.9, 20.0))
    assert watch.why() == NOBODY_TO_WARN


def test_sound_takes_its_time_and_the_nearest_loud_siren_counts() -> None:
    sirens = (Siren("far", np.array([3_000.0, 0.0, 10.0]), 135.0), Siren("weak", np.array([100.0, 0.0, 10.0]), 60.0))
    watch = Watch(a_zone(half=20.0, ambient_db=55.0), sirens=sirens)
    heard = hearing(watch.site)
    assert heard.siren.tolist() == [0]
    assert heard.delay[0] == pytest.approx(3_000.0 / 335.0, rel=0.02)
    assert heard.level[0] == pytest.approx(135.0 - 10.0 * math.log2(3_000.0 / 30.0), abs=0.3)
    near = Watch(a_zone(half=20.0))
    for each in (watch, near):
        each.frames(35.0, (1, 0, 0.5, 40.0), sigma=150.0)
    assert near.raised[0] - watch.raised[0] == pytest.approx(float(heard.delay[0]), abs=2.0 * STEP)


def test_a_zone_out_of_earshot_is_heard_by_nobody() -> None:
    watch = Watch(a_zone(), sirens=(Siren("far", np.array([20_000.0, 0.0, 10.0]), 100.0),))
    assert hearing(watch.site).siren.tolist() == [-1]
    assert hearing(watch.site).delay.tolist() == [0.0]


def test_costs_and_sirens_are_read_and_their_faults_named(tmp_path: Any) -> None:
    from skywarden.site.load import load

    folder = tmp_path / "base"
    folder.mkdir()
    shipped = load("kabul").sources
    (folder / "zones.geojson").write_bytes(shipped["zones.geojson"])
    toml = shipped["site.toml"].decode()
    (folder / "site.toml").write_text(
        toml + '\n[costs]\nfalse_alarm_percent = 20.0\n[[sirens]]\nname = "s1"\nlevel_db = 120.0\neast_m = 10.0\n'
    )
    site = load(folder)
    assert site.costs.stated
    assert site.costs.false_alarm == pytest.approx(0.2)
    assert site.sirens[0].level_db == 120.0
    (folder / "site.toml").write_text(toml + "\n[costs]\nhurt_lying_percent = 90.0\n[[sirens]]\nlevel_db = 500.0\n")
    said = "\n".join(str(fault) for fault in faults_of(folder))
    assert "hurt least in shelter" in said
    assert '"level_db" is 500.0' in said
    assert not load("kabul").costs.stated
