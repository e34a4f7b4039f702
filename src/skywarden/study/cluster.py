"""Runs on a Ray cluster, where the extra `skywarden[cluster]` is installed. Nothing else imports
it.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable
from typing import Any

from skywarden.errors import SkywardenError, UsageError
from skywarden.study.engines import MOST_ATTEMPTS, Done, EngineError

IN_FLIGHT = 4  # jobs out a processor of the cluster
HOW_TO_GET = (
    "Ray is not installed: pip install 'skywarden[cluster]' on every machine of the cluster gives it; "
    "without it --engine local does all."
)


class RayEngine:
    """Jobs on a Ray cluster that is already up, reached with its token.

    run      module-level function of a job; the same release of Skywarden, Python and Ray is on
             every node
    address  HOST:PORT of its head
    """

    def __init__(self, run: Callable[[Any], Any], address: str) -> None:
        if not any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
            raise UsageError(
                "a cluster is reached with its token only: start its nodes and this command with "
                "RAY_AUTH_MODE=token and "
                "RAY_AUTH_TOKEN_PATH=FILE (or RAY_AUTH_TOKEN) in the environment"
            )
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        try:
            ray = importlib.import_module("ray")
        except ImportError:
            raise UsageError(HOW_TO_GET) from None
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # of many kinds, some of them Ray's own
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise EngineError(f"the cluster at {address} does not answer: {why}") from None
        self._ray = ray
        self.workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
        # Ray's own retries are not told of: those here are, and count as attempts
        self._remote = ray.remote(max_retries=0, num_cpus=1)(_guarded)
        self._run = run
        self._out: dict[Any, int] = {}
        self._jobs: dict[int, Any] = {}
        self._attempts: dict[int, int] = {}

    @property
    def room(self) -> int:
        """Some jobs a processor, so that none waits for another."""
        return max(0, IN_FLIGHT * self.workers - len(self._out))

    def submit(self, number: int, job: Any) -> None:
        """Take one more job.

        number  number of the job
        """
        self._jobs[number] = job
        self._attempts[number] = self._attempts.get(number, 0) + 1
        self._out[self._remote.remote(self._run, job)] = number

    def next(self) -> Done | None:
        """Wait for a job to come back; one whose worker or node was lost is handed out again."""
        while self._out:
            ready, _ = self._ray.wait(list(self._out), num_returns=1)
            number = self._out.pop(ready[0])
            try:
                error, result = self._ray.get(ready[0])
            except self._ray.exceptions.RayError as lost:
                if self._attempts[number] < MOST_ATTEMPTS:
                    self.submit(number, self._jobs[number])
                    continue
                error, result = f"lost on the cluster {MOST_ATTEMPTS} times: {type(lost).__name__}", None
            del self._jobs[number]
            return Done(number, result, error, self._attempts.pop(number))
        return None

    def close(self) -> None:
        """Leave the cluster; what is out is cancelled."""
        self._out.clear()
        self._ray.shutdown()


def _guarded(run: Callable[[Any], Any], job: Any) -> tuple[str, Any]:
    """A job on a node: its error as a sentence, and its result."""
    try:
        return "", run(job)
    except SkywardenError as error:
        return str(error), None
    except Exception as error:
        return f"a fault of Skywarden itself: {type(error).__name__}: {error}", None
