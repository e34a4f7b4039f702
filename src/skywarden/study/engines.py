"""What runs jobs side by side: on this machine, or on a cluster (`cluster.py`), behind one small
shape.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from skywarden.errors import SkywardenError

Job = TypeVar("Job")
THREADS = ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS")
GARBAGE = 50_000, 20, 20  # objects made before a worker looks for circles among them, and for older ones how often
MOST_ATTEMPTS = 3  # workers that may die over one job before it is given up
SURE_S = 2.0  # s that a worker is given to end


class EngineError(SkywardenError):
    """Runs could not be made: a job that ends its worker each time, or a cluster that cannot be
    reached.
    """


class Done(NamedTuple):
    """A job that has come back: what it gave, or the sentence of its error, and how many workers it
    took.
    """

    number: int
    result: Any
    error: str
    attempts: int


class Engine(Protocol):
    """Takes jobs, gives back what becomes of them in whatever order."""

    workers: int

    def submit(self, number: int, job: Any) -> None:
        """Take one more job.

        number  number of the job
        """
        ...

    def next(self) -> Done | None:
        """Wait for a job to come back; None where none is out."""
        ...

    @property
    def room(self) -> int:
        """How many more jobs it is good to hand over now."""
        ...

    def close(self) -> None:
        """End every worker; what is out is lost, and no part of it is a result."""
        ...


@dataclass
class _Worker(Generic[Job]):
    process: Any
    pipe: Connection
    number: int | None = None  # of the job it is at


class LocalPool:
    """Processes of this machine, each started afresh and handed one job at a time.

    run      module-level function of a job
    ready    called once in each worker, before its first job
    workers  processes

    A worker that dies, killed or out of memory, costs its own job alone, which another one is
    given: `attempts` counts.
    """

    def __init__(self, run: Callable[[Any], Any], workers: int, ready: Callable[[], None] | None = None) -> None:
        self.workers = workers
        self._run, self._ready, self._context = run, ready, multiprocessing.get_context("spawn")
        self._staff: list[_Worker[Any]] = []
        self._jobs: dict[int, Any] = {}
        self._attempts: dict[int, int] = {}
        self._waiting: deque[int] = deque()
        self._failed: deque[Done] = deque()

    @property
    def room(self) -> int:
        """As many as there are workers may wait beside those at work."""
        return max(0, 2 * self.workers - len(self._jobs))

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.process.pid for worker in self._staff]

    def submit(self, number: int, job: Any) -> None:
        """Take one more job.

        number  number of the job
        """
        self._jobs[number], self._attempts[number] = job, 0
        self._waiting.append(number)
        self._hand_out()

    def next(self) -> Done | None:
        """Wait for a job to come back."""
        while self._jobs or self._failed:
            if self._failed:
                return self._failed.popleft()
            self._hand_out()
            for pipe in wait([worker.pipe for worker in self._staff if worker.number is not None]):
                worker = next(w for w in self._staff if w.pipe is pipe)
                done = self._received(worker)
                if done is not None:
                    return done
        return None

    def close(self) -> None:
        """End every worker."""
        for worker in self._staff:
            worker.pipe.close()
            worker.process.terminate()
        for worker in self._staff:
            worker.process.join(SURE_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._staff.clear()
        self._jobs.clear()
        self._waiting.clear()

    def _hand_out(self) -> None:
        idle = [worker for worker in self._staff if worker.number is None]
        while self._waiting:
            if not idle:
                if len(self._staff) >= self.workers:
                    return
                idle.append(self._hired())
            worker, number = idle.pop(), self._waiting.popleft()
            worker.number = number
            self._attempts[number] += 1
            try:
                worker.pipe.send(self._jobs[number])
            except OSError:
                self._lost(worker)
                idle = [worker for worker in self._staff if worker.number is None]

    def _hired(self) -> _Worker[Any]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._run, self._ready), daemon=True)
        with _one_thread():
            process.start()
        theirs.close()
        worker: _Worker[Any] = _Worker(process, ours)
        self._staff.append(worker)
        return worker

    def _received(self, worker: _Worker[Any]) -> Done | None:
        """What a worker sends; None where it has died, and its job waits again."""
        number = worker.number
        assert number is not None
        try:
            error, result = worker.pipe.recv()
        except (EOFError, OSError):
            self._lost(worker)
            return None
        worker.number = None
        del self._jobs[number]
        return Done(number, result, error, self._attempts.pop(number))

    def _lost(self, worker: _Worker[Any]) -> None:
        number = worker.number
        self._staff.remove(worker)
        worker.pipe.close()
        worker.process.join(SURE_S)
        worker.process.kill()
        if number is None:
            return
        if self._attempts[number] < MOST_ATTEMPTS:
            self._waiting.appendleft(number)
            return
        del self._jobs[number]
        code = worker.process.exitcode
        self._failed.append(
            Done(number, None, f"its worker died {MOST_ATTEMPTS} times (exit {code})", self._attempts.pop(number))
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    """What a worker begins with: its libraries use one thread, as there are as many workers as
    asked for.
    """
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update((name, "1") for name in THREADS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _work(pipe: Connection, run: Callable[[Any], Any], ready: Callable[[], None] | None) -> None:
    """One worker's life: jobs in, results out, until nobody is at the other end."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is the driver's; SIGTERM ends a worker as it ends any process
    if ready is not None:
        ready()
    # what is loaded stays, and runs leave few circles: looking for garbage less often saves a twentieth
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer = "", run(job)
        except SkywardenError as error:
            answer = str(error), None
        except Exception as error:
            answer = f"a fault of Skywarden itself: {type(error).__name__}: {error}", None
        try:
            pipe.send(answer)
        except OSError:
            return
