"""Figures of a run that a study can ask for, each a sum over a run divided by another."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One figure.

    parts, wholes   columns of a run's row whose sums are divided; no `wholes`: a mean of runs
    kind            share (of things that come in runs) | proportion (of runs) | mean | ratio
    better          less | more
    says            in words
    unit            of the value
    """

    parts: str
    wholes: str
    kind: str
    better: str
    says: str
    unit: str = ""


FIGURES: dict[str, Figure] = {
    "unwarned_share": Figure("unwarned", "due", "share", "less", "rounds due to be warned of that were not"),
    "in_time_share": Figure(
        "in_time", "due", "share", "more", "rounds due that were warned of with time to reach shelter"
    ),
    "reached_share": Figure(
        "people_reached",
        "people_due",
        "share",
        "more",
        "people of zones that rounds were due in who heard of it in time to reach shelter",
    ),
    "any_unwarned": Figure("any_unwarned", "", "proportion", "less", "runs with a round due that was not warned of"),
    "lead_time_s": Figure("lead_sum_s", "warned", "ratio", "more", "mean lead time of the rounds warned of", "s"),
    "false_warnings": Figure("false_warnings", "", "mean", "less", "false warnings a run"),
    "any_false_warning": Figure("any_false_warning", "", "proportion", "less", "runs with a false warning"),
    "leaked": Figure("leaked", "", "mean", "less", "rounds a run that fell into a zone with people"),
    "leaked_share": Figure(
        "leaked",
        "aimed",
        "share",
        "less",
        "rounds that fell into a zone with people, of those not stopped or stopped on their way there",
    ),
    "person_minutes": Figure("person_minutes", "", "mean", "less", "person-minutes under warning a run", "min"),
    "needless_person_minutes": Figure(
        "needless_person_minutes", "", "mean", "less", "person-minutes under false warnings a run", "min"
    ),
    "runway_minutes": Figure("runway_minutes", "", "mean", "less", "minutes a run that the runway was closed", "min"),
    "detected_share": Figure("detected", "rounds", "share", "more", "rounds detected"),
    "tracked_share": Figure("tracked", "rounds", "share", "more", "rounds tracked"),
    "impact_error_m": Figure(
        "error_sum_m", "predicted", "ratio", "less", "error of the first prediction of a round's impact", "m"
    ),
    "engaged": Figure("engaged", "", "mean", "more", "rounds engaged in the simulation a run"),
    "stopped": Figure("stopped", "", "mean", "more", "rounds stopped in the simulation a run"),
    "stopped_share": Figure(
        "stopped", "engaged", "share", "more", "rounds stopped of those engaged in the simulation"
    ),
    "aircraft_endangered": Figure(
        "aircraft_endangered", "", "mean", "less", "simulated engagements nearer to an aircraft than allowed, a run"
    ),
    "any_aircraft_endangered": Figure(
        "any_aircraft_endangered", "", "proportion", "less", "runs with such an engagement"
    ),
}

# Scores of a run for rare events: column, and whether small values are the rare ones
SCORES: dict[str, tuple[str, bool]] = {
    "least_lead_s": ("least_lead_s", True),
    "nearest_aircraft_m": ("nearest_aircraft_m", True),
    "leaked": ("leaked", False),
    "unwarned": ("unwarned", False),
    "false_warnings": ("false_warnings", False),
    "peak_unhit_probability": ("peak_unhit_probability", False),
}
