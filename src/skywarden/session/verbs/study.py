"""The verb `skywarden study`: many seeds and designs, answered with intervals."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from skywarden.session.verbs.speaking import example, talk

STUDY = example("skywarden study my-study.toml --out my-study --workers 2")


def study_command(
    file: Annotated[Path, typer.Argument(help="The study's file, TOML: scenarios, seeds, designs, measures.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of everything that is written. Default: the file's name.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Processes of this machine. Default: one a processor.")
    ] = None,
    engine: Annotated[str, typer.Option(help="local, or ray:HOST:PORT for a cluster.")] = "local",
    write: Annotated[
        Path | None, typer.Option(help="Write the design that a siting selects as a site folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON object.")] = False,
) -> None:
    """Fly designs of a site over many seeds, on this machine or a cluster, and say what differs,
    with intervals.

    Ended at any time, the same command goes on where it was: no run that was kept is made again.
    """
    from skywarden.session.study import Asked, run_study
    from skywarden.study import report

    asked = Asked(
        file, out if out is not None else Path(file.stem), engine, workers or len(os.sched_getaffinity(0)), write
    )
    ending = _Ending()
    with ending, talk.status("reading …") as status:

        def told(p: Any) -> None:
            left = f"{_span(p.left_s)} left" if p.wanted > p.made else "looking"
            status.update(
                f"{p.made + p.found} of {p.at_most} runs, {p.rate * 60.0:.0f} a minute, {left} until the next look"
            )

        made = run_study(asked, told, lambda: ending.asked, lambda sentence: status.update(sentence))
    summary = report.summary(made)
    if as_json:
        print(json.dumps(summary))
    else:
        print("\n".join(report.sentences(made)))
        print(asked.out / "study.html")
    if ending.asked:
        talk.print("ended early: what was flown is kept, and the same command goes on from there", highlight=False)
        raise typer.Exit(128 + ending.signal)


class _Ending:
    """Ctrl-C and SIGTERM ask the driver to end after the run that comes back next; a second time
    ends it at once.
    """

    def __init__(self) -> None:
        self.asked, self.signal = False, 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        self._before = {number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked, self.signal = True, number


def _span(seconds: float) -> str:
    if seconds >= 86_400.0 or seconds != seconds:
        return "days"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {rest:02d} s"
