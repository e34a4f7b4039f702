"""Forms are as hard as one another, share no raid with the last two, and are scenarios that can be
flown.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from exercise_builders import a_told_moment
from typer.testing import CliRunner

from skywarden.cli import app
from skywarden.errors import UsageError
from skywarden.exercise import policies
from skywarden.exercise.examination import examine
from skywarden.exercise.forms import BLUEPRINTS, accepted, blueprint_of, draw, equivalence, planned, secret_of
from skywarden.exercise.reading import instants
from skywarden.exercise.sheet import read
from skywarden.exercise.stimulus import TRAPS
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.site.load import load as load_site

KEY = b"a secret that no trainee knows.."


@pytest.fixture(scope="module")
def kabul() -> object:
    return load_site("kabul")


@pytest.mark.parametrize("forms", [1, pytest.param(20, marks=pytest.mark.prove)])
def test_forms_of_unseen_seeds_are_as_hard_as_their_pool(forms: int, kabul: object) -> None:
    for number in range(1, forms + 1):
        form, _ = accepted(BLUEPRINTS["watch"], KEY, number, kabul)
        assert equivalence(form, kabul).accepted, number


@pytest.mark.parametrize("pairs", [30, pytest.param(300, marks=pytest.mark.prove)])
def test_two_forms_decide_alike(pairs: int, kabul: object) -> None:
    chance = np.random.default_rng(11)
    sheets = [planned(draw(BLUEPRINTS["watch"], KEY, number, kabul), kabul) for number in (1, 2)]
    told = []
    for pair in range(pairs):
        policy = policies.POLICIES[pair % len(policies.POLICIES)]
        told.append([examine(policies.trials(sheet, policy, chance)).passed for sheet in sheets])
    table = np.array(told)
    agreed, by_chance = np.mean(table[:, 0] == table[:, 1]), 0.0
    for answer in (True, False):
        by_chance += float(np.mean(table[:, 0] == answer) * np.mean(table[:, 1] == answer))
    assert agreed >= (0.9 if pairs >= 300 else 0.8)
    assert 0.0 < table.mean() < 1.0
    assert (agreed - by_chance) / (1.0 - by_chance) >= (0.75 if pairs >= 300 else 0.4)


def test_three_forms_in_a_row_share_no_raid_and_the_same_number_is_the_same_form(kabul: object) -> None:
    drawn = [draw(BLUEPRINTS["watch"], KEY, number, kabul) for number in range(1, 9)]
    for k, form in enumerate(drawn):
        assert all(not form.raids() & other.raids() for other in drawn[max(k - 2, 0):k])
        assert draw(BLUEPRINTS["watch"], KEY, k + 1, kabul) == form
    assert draw(BLUEPRINTS["watch"], b"another secret of the same size.", 1, kabul).items != drawn[0].items
    traps = {trap for stimulus in planned(drawn[0], kabul) for trap in stimulus.traps}
    assert traps == set(TRAPS)
    assert not any(s.traps for s in planned(draw(BLUEPRINTS["quiet"], KEY, 1, kabul), kabul))


def test_a_form_is_a_scenario_that_checks_and_its_secret_is_nobody_elses(tmp_path: Path) -> None:
    run, secret = CliRunner(), tmp_path / "form.secret"
    out = tmp_path / "watch.toml"
    asked = ["exercise", "form", "--site", "kabul", "--secret", str(secret), "--number", "1", "--out", str(out)]
    told = run.invoke(app, asked)
    assert told.exit_code == 0, told.output
    assert out.stat().st_mode & 0o777 == secret.stat().st_mode & 0o777 == 0o600
    assert len(load_scenario(str(out), load_site("kabul")).raids) >= 16
    assert secret.read_text().strip() not in out.read_text()
    assert isinstance(run.invoke(app, asked).exception, UsageError)      # nothing is overwritten


def test_a_blueprint_that_makes_no_sense_is_refused_with_a_sentence(tmp_path: Path) -> None:
    wrong = tmp_path / "mine.toml"
    wrong.write_text("minutes = 20\nspacing_s = [30, 50]\n[families]\nplain = 5\nmagic = 3\n")
    with pytest.raises(UsageError, match="families are plain"):
        blueprint_of(str(wrong))
    wrong.write_text("minutes = 20\nspacing_s = [30, 50]\n[families]\nplain = 5\nwrong = 3\n")
    assert blueprint_of(str(wrong)).counts == (("plain", 5), ("wrong", 3))
    (tmp_path / "short").write_text("abcd")
    with pytest.raises(UsageError, match="too short"):
        secret_of(tmp_path / "short")


def test_what_a_neighbour_says_of_a_zone_changes_what_could_be_known_of_it() -> None:
    site, told, untold = a_told_moment()
    for moments, best in ((untold, "warn"), (told, "spare")):
        alarm = next(s for s in read(instants(moments), site).stimuli if s.task == "alarm")
        assert alarm.best == best
