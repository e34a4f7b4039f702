"""One run without anybody to look at it, and a live session that stays one."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from rich.console import Console

from skywarden.errors import UsageError
from skywarden.record.reader import Record
from skywarden.session.once import Job, run
from skywarden.session.request import Request
from skywarden.session.starting import run_request


def test_a_run_alone_is_the_run_with_everything_around_it(tmp_path):
    asked = Job("mortar-raid", seed=3, duration=12.0, record=tmp_path / "once.rec")
    assert pickle.loads(pickle.dumps(asked)) == asked
    result = run(asked)
    assert pickle.loads(pickle.dumps(result)) == result
    alone = result.summary
    around = run_request(
        Request("mortar-raid", seed=3, duration=12.0, speed=None, console=False, record=tmp_path / "run.rec"),
        Console(quiet=True))
    assert alone == around
    with Record(tmp_path / "once.rec") as one, Record(tmp_path / "run.rec") as other:
        assert one.faults() == other.faults() == []
        assert [(row.picture, row.drill, row.truth) for row in one.rows()] == [(row.picture, row.drill, row.truth)
            for row in other.rows()]
        assert one.outcome == alone


def test_a_run_alone_loads_no_console():
    code = ("import sys; import skywarden.session.once; "
            "print(sorted(m for m in sys.modules if m.startswith(('skywarden.console', 'skywarden.alerts', "
            "'matplotlib', 'starlette', 'uvicorn'))))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"


def test_a_live_session_loads_neither_rehearsal_nor_world():
    code = ("import sys; import skywarden.session.live; "
            "print(sorted(m for m in sys.modules if m.startswith(('skywarden.rehearsal', 'skywarden.simulator.world', "
            "'skywarden.simulator.sensing'))))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"


def test_feeds_alone_need_a_site():
    with pytest.raises(UsageError, match="add --site"):
        run_request(Request(feeds=("table+file:nothing.csv",)), Console(quiet=True))
