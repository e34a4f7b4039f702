"""kill -9 at a random moment: the record opens, holds everything that was taken, replays, and
passes the check to its end.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builders import a_step

from skywarden.feeds.replay import Replay
from skywarden.record.reader import Record
from skywarden.verification.repeat import check_record

CHILD = Path(__file__).parent / "crash_child.py"


def kill_and_look(path: Path, seed: int) -> None:
    child = subprocess.Popen([sys.executable, str(CHILD), str(path), str(seed)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"1\n"
    time.sleep(random.Random(seed).uniform(0.0, 0.4))
    child.kill()
    said = int(([b"1"] + [line for line in child.stdout.read().split(b"\n") if line])[-1])
    child.wait()
    with Record(path) as record:
        assert len(record) in (said,
            said + 1), "killed between writing and saying so, one more is there; never one less"
        found = check_record(record, a_step)
        assert found.same, found.sentence
        assert found.frames == len(record)
        assert sum(1 for _ in Replay(record)) == len(record)


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_run_leaves_a_record_with_every_frame(tmp_path, seed):
    kill_and_look(tmp_path / "killed.rec", seed)


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_run_killed_ten_times_leaves_ten_whole_records(tmp_path, seed):
    kill_and_look(tmp_path / "killed.rec", seed)
