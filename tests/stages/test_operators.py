"""What the report says of the people at the console: every act, when after the warning, and what nobody did."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from test_measures import NASTY, raid, site

from skywarden.measures.operators import track_of, zone_of
from skywarden.measures.tally import Measures
from skywarden.messages.commands import (
    ACKNOWLEDGE,
    CONSENT,
    CORRECT,
    HOLD,
    RECLASSIFY,
    RELEASE,
    SHELVE,
    UNMARKED,
    Command,
)
from skywarden.record.reader import Record
from skywarden.record.writer import Header, Recorder
from skywarden.review import report, story

TOLD = (        # A is warned at 6 s, B at 10 s
    Command(7.5, ACKNOWLEDGE, "A", "mira", ""), Command(9.0, ACKNOWLEDGE, "A", "tom", ""), Command(12.0, RECLASSIFY,
        "1 aircraft", "tom", "a balloon & <b>"),
    Command(12.5, RECLASSIFY, f"1 {UNMARKED}", "tom", "no balloon"), Command(13.0, SHELVE, f"60 {NASTY}", "mira",
        "exercise"),
    Command(14.0, HOLD, "all", "ines", "medevac"),
    Command(15.0, CONSENT, "2", "mira", ""), Command(16.0, RELEASE, "all", "ines", "landed"), Command(1.0, HOLD, "all",
        "", "before anything"),
)


def moments(live=False):
    for moment in raid(live):
        yield moment._replace(frame=moment.frame._replace(commands=tuple(c for c in TOLD if c.t == moment.frame.t)))


def raised_at(measures, name):
    zone = next(i for i, z in enumerate(site().zones) if z.name == name)
    return next(line.raised for line in measures.warnings() if line.zone == zone)


@pytest.mark.parametrize("live", [False, True])
def test_every_act_is_told_with_its_time_after_the_warning(live):
    measures = Measures(site(), not live)
    for moment in moments(live):
        measures.take(moment)
    acts = {(act.t, act.kind): act for act in measures.operators.acts}
    assert len(acts) == len(TOLD)
    a, b = raised_at(measures, "A"), raised_at(measures, NASTY)
    assert acts[7.5, ACKNOWLEDGE].after == 7.5 - a
    assert acts[13.0, SHELVE].after == 13.0 - b
    assert acts[14.0, HOLD].after == 14.0 - min(a, b)           # about no zone: since the first warning that stands
    assert math.isnan(acts[1.0, HOLD].after)                    # nothing was warned yet
    line = next(w for w in measures.warnings() if w.zone == 0)
    assert (line.seen_at, line.seen_by) == (7.5, "mira")        # the first to see it
    assert measures.operators.until_seen(measures.warnings()) == [7.5 - a]


def test_the_report_tells_who_did_what_and_what_nobody_saw(tmp_path):
    path = tmp_path / "raid.rec"
    header = Header("live", 0, "test", {}, None, {}, None, 40.0, ())
    recorder = Recorder(path, header)
    for moment in moments(True):
        recorder.take(moment)
    recorder.close()
    with Record(path) as record:
        measures = Measures(site(), False)
        for moment in record.moments():
            measures.take(moment)
        told = story.Story(record, site(), measures)
        page = report.page(told)
    said = re.sub(r"<[^>]+>", " ", page)
    a = raised_at(measures, "A")
    assert re.search(rf"7\.5\s*s\s+mira\s+acknowledged\s+A\s+{7.5 - a:.1f}\s*s", said)
    assert re.search(r"ines\s+held \(simulated\)\s+all", said)
    assert re.search(r"tom\s+reclassified\s+track 1: aircraft", said)
    assert "a balloon &amp; &lt;b&gt;" in page          # what people write is text
    assert "track 1: the mark taken back" in said
    assert f"mira, {7.5 - a:.1f}\N{NO-BREAK SPACE}s after" in said
    assert "Acknowledged by nobody: &lt;script&gt;" in page
    assert "1 of 3" in said                             # warnings acknowledged


def test_a_report_without_any_command_says_so():
    measures = Measures(site(), True)
    for moment in raid():
        measures.take(moment)
    assert measures.operators.acts == []
    assert measures.operators.until_seen(measures.warnings()) == []


@pytest.mark.parametrize(("command", "zone", "track"), [
    (Command(0.0, SHELVE, "60 apron north", "", ""), "apron north", None), (Command(0.0, CORRECT, "tower", "", ""),
        "tower", None),
    (Command(0.0, RECLASSIFY, "12 other", "", ""), "", 12), (Command(0.0, CONSENT, "any", "", ""), "", None),
    (Command(0.0, CONSENT, "7", "", ""), "", 7),
    (Command(0.0, RECLASSIFY, "9" * 5000, "", ""), "", None), (Command(0.0, CONSENT, "²", "", ""), "", None),
    (Command(0.0, HOLD, "12", "", ""), "", None)])
def test_what_a_command_is_about(command, zone, track):
    assert (zone_of(command), track_of(command)) == (zone, track)


def test_the_tracks_a_warning_was_raised_for_are_kept():
    measures = Measures(site(), True)
    for moment in raid():
        measures.take(moment)
    lines = measures.warnings()
    assert lines
    assert all(np.isfinite([p for _, p, _ in line.because]).all() for line in lines)
