"""A survey measures a radar whose truth is known: its 90 % intervals hold it as often as they say."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from builders import a_radar, a_site
from traffic import frames, some_errors, some_traffic

from skywarden.messages.picture import Tracks
from skywarden.tools.survey import report
from skywarden.tools.survey.measure import Seen, survey

BOOKS = a_site(replace(a_radar(), false_alarms=2.0))
WORSE = 1.3         # noise of the true radar over that of its books
DETECTED = 0.85     # probability of detection of the true radar
FOUND = ("range error", "azimuth error", "elevation error", "time error", "range noise", "azimuth noise",
    "elevation noise", "detection", "false alarms")


def surveyed(seed, duration=60.0):
    """The survey of a radar of our own make, and the truth of each figure in FOUND."""
    rng = np.random.default_rng(seed)
    radar = BOOKS.radars[0]
    true = replace(radar, range_sigma=WORSE * radar.range_sigma, azimuth_sigma=WORSE * radar.azimuth_sigma,
        elevation_sigma=WORSE * radar.elevation_sigma, detection_probability=DETECTED)
    errors = some_errors(rng, 1)
    came = list(frames(replace(BOOKS, radars=(true,)), some_traffic(rng, 5), errors, rng, duration))

    def seen():
        for frame in came:
            yield Seen(frame, Tracks.empty(), np.zeros((1, 4)))

    [found] = survey(seen, BOOKS)
    truth = (*errors[0], true.range_sigma, true.azimuth_sigma, true.elevation_sigma, DETECTED, true.false_alarms)
    return found, truth


def held(seeds, duration=60.0):
    """Of each figure, in how many surveys its interval holds the truth."""
    count = np.zeros(len(FOUND), np.int64)
    for seed in seeds:
        found, truth = surveyed(seed, duration)
        figures = (*found.errors, *found.noise[:3], found.detection, found.false_alarms)
        count += [figure.low <= true <= figure.high for figure, true in zip(figures, truth, strict=True)]
    return count


def test_the_intervals_of_a_survey_hold_the_truth_about_as_often_as_they_say():
    count = held(range(16))
    # of 16 at 0.9: eleven or fewer happen once in 120 times, to nine figures about once in thirteen; nine once in 5,000
    assert (count >= 10).all(), dict(zip(FOUND, count.tolist(), strict=True))


def test_a_survey_is_told_in_words_as_json_and_as_a_page_without_other_files():
    found, truth = surveyed(3)
    told = json.loads(json.dumps(report.plain([found])))
    radar = told["radars"][0]
    assert radar["errors"]["azimuth_deg"]["low"] < np.degrees(truth[1]) + 0.1
    assert radar["noise"]["range_m"]["n"] > 50
    words = report.text([found])
    assert "error in azimuth" in words
    assert "detection probability" in words
    page = report.page([found], "a <record>")
    assert "a &lt;record&gt;" in page
    assert "http" not in page.replace('xmlns="http', "")


def test_a_radar_that_nobody_flew_before_is_said_to_be_unknown():
    rng = np.random.default_rng(1)
    came = list(frames(BOOKS, some_traffic(rng, 1), np.zeros((1, 4)), rng, 4.0))
    [found] = survey(lambda: iter(Seen(f, Tracks.empty(), np.zeros((1, 4))) for f in came), BOOKS)
    assert "unknown" in report.text([found]) or found.notes


@pytest.mark.prove
def test_the_intervals_hold_the_truth_in_nine_of_ten_surveys(evidence):
    seeds = 400
    count = held(range(1000, 1000 + seeds))
    evidence("survey", "90 % intervals that hold the truth", surveys=seeds,
        **{name.replace(" ", "_"): int(k) for name, k in zip(FOUND, count, strict=True)})
    # the middle 99.5 % of a binomial law of 400 at 0.9, as asked of each figure
    assert ((count >= 348) & (count <= 371)).all(), dict(zip(FOUND, count.tolist(), strict=True))
