"""Many runs side by side on this machine, in their own order."""

from __future__ import annotations

from collections.abc import Sequence

from skywarden.session import once
from skywarden.study.engines import Engine, LocalPool
from skywarden.study.running import RunsError


def results(jobs: Sequence[once.Job], workers: int) -> list[once.Result]:
    """The result of each job; one process flies them here. Raises RunsError where one has none.

    jobs     the runs, each with its scenario, site and seed
    workers  number of processes
    """
    if workers <= 1:
        return [once.run(job) for job in jobs]
    once.ready()
    pool = LocalPool(once.run, workers)
    try:
        return in_order(pool, jobs)
    finally:
        pool.close()


def in_order(engine: Engine, jobs: Sequence[once.Job]) -> list[once.Result]:
    """The results of some jobs in their own order. Raises RunsError where one has none.

    engine  where runs are flown
    """
    left, found = list(enumerate(jobs))[::-1], dict[int, once.Result]()
    while len(found) < len(jobs):
        while left and engine.room:
            engine.submit(*left.pop())
        done = engine.next()
        if done is None:
            break
        if done.error:
            raise RunsError(done.error)
        found[done.number] = done.result
    return [found[k] for k in range(len(jobs))]
