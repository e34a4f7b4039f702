"""A pair of services under fire while one of the two, or what lies between them, is in trouble: nothing is lost."""

from __future__ import annotations

import random
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "stages"), str(ROOT / "tests" / "scenes")]

from evidence_store import EVIDENCE, state_of_sources  # noqa: E402 — found by the line above
from pair_disturbed import Base, lateness, own_priority, scenario_of, troubles  # noqa: E402

TIMES = {"kill -9": 200, "both ended and started again": 20, "a configuration taken up": 20,
    "SIGSTOP, SIGCONT": 40, "parted from the other and the brokers": 40, "a broker killed": 40}
P99_LATER, MOST_LATER = 0.75, 1.0   # s later than the undisturbed service


def disturbed(folder: Path, times: dict[str, int], seed: int) -> dict[str, list[float]]:
    """How much later than the undisturbed service the pair told each zone [s], by trouble; inf where never."""
    draw, later = random.Random(seed), {}
    own_priority()
    (folder / "raids.toml").write_text(scenario_of(300.0, seed))
    with ExitStack() as ending:
        base = Base(folder, str(folder / "raids.toml"), 0.0, ending)
        time.sleep(10.0)
        ways = troubles(base, draw)
        for trouble, count in times.items():
            begun = time.monotonic()
            for _ in range(count):
                time.sleep(draw.uniform(2.0, 10.0))
                ways[trouble]()
            time.sleep(12.0)
            later[trouble] = [late for _, at, late in lateness(base.theirs, base.reference, begun)
                if at < time.monotonic() - 8.0]
    return later


@pytest.mark.prove
@pytest.mark.timeout(4 * 3600)
def test_no_warning_is_lost_whatever_befalls_one_of_the_two(tmp_path):
    later = disturbed(tmp_path, TIMES, 19)
    rows = []
    for trouble, late in later.items():
        values = np.array(late)
        rows.append(f"| {trouble} | {TIMES[trouble]} | {values.size} | {int(np.isinf(values).sum())} | "
            f"{np.median(values):.2f} | {np.quantile(values, 0.99):.2f} | {values.max():.2f} |")
    (EVIDENCE / "pair.md").write_text(
        "# Two watchers under fire, one of them in trouble\n\n"
        "`pytest -m prove tests/scenes/test_pair_disturbed.py`: two services as processes, each with its own broker, "
        "real plots over loopback, a round every half a minute. Later: than a third service that nobody disturbs, from "
        "its word to take cover at a broker to the first of the two.\n\n"
        f"Sources: {state_of_sources()}\n\n"
        "| trouble | times | warnings | lost | median later [s] | p99 [s] | most [s] |\n|---|---|---|---|---|---|---|\n"
        + "\n".join(rows) + "\n")
    for trouble, late in later.items():
        assert late, trouble
        assert np.isfinite(late).all(), f"{trouble}: a warning was lost"
        assert np.quantile(late, 0.99) <= P99_LATER, trouble
        assert max(late) < MOST_LATER, trouble
