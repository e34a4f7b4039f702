"""The verbs of `skywarden exercise`: run one, score it, keep the standing of those who did."""

from __future__ import annotations

import typer

from skywarden.exercise import verbs

exercise_app = typer.Typer(no_args_is_help=True,
    help="Exercises: score them from their records, keep everybody's standing, certify.")
verbs.add(exercise_app)
