"""Jobs side by side: a worker's death costs its own job a second attempt, and what was kept is never made again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import polars as pl
import pytest

from skywarden.errors import UsageError
from skywarden.study.engines import LocalPool
from skywarden.study.store import Row, Store


def double(job):
    """A job: twice a number; one that names a file first dies if it is the first to see it."""
    number, once = job
    if once is not None and not Path(once).exists():
        Path(once).write_text("seen")
        os.kill(os.getpid(), signal.SIGKILL)
    if number < 0:
        raise ValueError("below zero")
    return 2 * number


def deadly(job):
    os.kill(os.getpid(), signal.SIGKILL)


def all_of(pool):
    found = {}
    while (done := pool.next()) is not None:
        found[done.number] = done
    pool.close()
    return found


def test_a_worker_that_dies_costs_its_own_job_a_second_attempt(tmp_path):
    pool = LocalPool(double, 2)
    for k in range(6):
        pool.submit(k, (k, str(tmp_path / "once") if k == 2 else None))
    found = all_of(pool)
    assert {k: done.result for k, done in found.items()} == {k: 2 * k for k in range(6)}
    assert {k: done.attempts for k, done in found.items()} == {**dict.fromkeys(range(6), 1), 2: 2}


def test_a_job_that_always_kills_is_given_up_and_the_others_finish():
    pool = LocalPool(deadly, 1)
    pool.submit(0, None)
    done = all_of(pool)[0]
    assert "died" in done.error
    assert done.attempts == 3


def test_a_fault_in_a_job_is_a_sentence():
    pool = LocalPool(double, 1)
    pool.submit(0, (-1, None))
    pool.submit(1, (4, None))
    found = all_of(pool)
    assert "below zero" in found[0].error
    assert found[1].result == 8


def test_ray_is_said_how_to_get(monkeypatch):
    import sys

    from skywarden.study.cluster import RayEngine

    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "x")
    with pytest.raises(UsageError, match=r"pip install 'skywarden\[cluster\]'"):
        RayEngine(double, "127.0.0.1:1")
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    with pytest.raises(UsageError, match="token"):
        RayEngine(double, "127.0.0.1:1")


def row(key, value=1.5):
    rounds = [
        {
            "number": 0,
            "kind": "mortar",
            "zones": "apron",
            "t_impact_s": 20.0,
            "lead_s": None,
            "needed_s": 5.0,
            "engagements": 0,
            "outcome": "fell",
        }
    ]
    return Row(
        key,
        {"due": 1, "lead_sum_s": value, "nearest_aircraft_m": None},
        rounds,
        {"cpu_s": 1.0, "machine": "m", "versions": "v", "attempts": 1},
    )


def test_what_is_kept_outlives_the_program_and_a_torn_line(tmp_path):
    store = Store(tmp_path)
    store.put(row("a"))
    store.put(row("b"))
    journal = (tmp_path / "journal.jsonl").read_bytes()
    store._lock.close()  # as if it had been killed
    (tmp_path / "journal.jsonl").write_bytes(journal + journal[:40])
    again = Store(tmp_path)
    assert set(again.figures) == {"a", "b"}
    again.put(row("c"))
    again.put(row("a", 9.0))
    again.close()
    assert (tmp_path / "journal.jsonl").read_bytes() == b""
    last = Store(tmp_path)
    assert {key: figures["lead_sum_s"] for key, figures in last.figures.items()} == {"a": 1.5, "b": 1.5, "c": 1.5}
    assert last.rounds(["a", "c"])["key"].sort().to_list() == ["a", "c"]
    assert last.about().height == 3
    last.close()


def test_a_part_written_twice_holds_nothing_twice(tmp_path):
    """Killed between writing a part and beginning the journal anew."""
    store = Store(tmp_path)
    store.put(row("a"))
    journal = (tmp_path / "journal.jsonl").read_bytes()
    store.close()
    (tmp_path / "journal.jsonl").write_bytes(journal)
    again = Store(tmp_path)
    again.put(row("b"))
    again.close()
    parts = pl.concat([pl.read_parquet(path) for path in sorted(tmp_path.glob("runs-*.parquet"))])
    assert sorted(parts["key"].to_list()) == ["a", "b"]


def test_two_studies_do_not_share_a_folder(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(UsageError, match="at work there"):
        Store(tmp_path)
    store.close()


@pytest.mark.prove
def test_ray_gives_a_job_whose_worker_died_to_another(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="the extra skywarden[cluster] is not installed")
    from skywarden.study.cluster import RayEngine

    (tmp_path / "token").write_text("0" * 64)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    engine = RayEngine(double, "local")
    for k in range(6):
        engine.submit(k, (k, str(tmp_path / "once") if k == 2 else None))
    engine.submit(6, (-1, None))
    found = all_of(engine)
    assert {k: found[k].result for k in range(6)} == {k: 2 * k for k in range(6)}
    assert {k: done.attempts for k, done in found.items()} == {**dict.fromkeys(range(7), 1), 2: 2}
    assert "below zero" in found[6].error
