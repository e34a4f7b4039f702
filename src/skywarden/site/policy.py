"""What a site's owners decided: [policy], when to warn and until when, and [costs], what a warning
saves and what it costs.
"""

from __future__ import annotations

from skywarden.files.toml import Table
from skywarden.site.model import Costs, Policy

PERCENT, THOUSANDTH = 0.01, 0.001


def read_policy(root: Table) -> Policy:
    """The [policy] of site.toml; faults are noted in the document.

    root  the whole document
    """
    table = root.table("policy")
    policy = Policy(
        frame_s=table.number("frame_s", 0.25, 0.05, 10.0),
        warn_probability=table.number("warn_probability", 0.25, 0.001, 0.999),
        clear_probability=table.number("clear_probability", 0.02, 0.0, 0.999),
        warn_margin_s=table.number("warn_margin_s", 4.0, 0.0, 120.0),
        all_clear_s=table.number("all_clear_s", 30.0, 0.0, 3600.0),
        hazard_radius=table.number("hazard_radius_m", 40.0, 0.0, 1000.0),
        raid_gap_s=table.number("raid_gap_s", 120.0, 0.0, 86_400.0),
        engage_probability=table.number("engage_probability", 0.2, 0.0, 1.0),
        projectile_probability=table.number("projectile_probability", 0.95, 0.5, 1.0),
        safety_distance=table.number("safety_distance_m", 300.0, 0.0, 20_000.0),
        consent=table.text("consent", "one", ("none", "one", "two")),
        weapons=table.text("weapons", "tight", ("hold", "tight", "free")),
        look_s=table.number("look_s", 1.0, 0.0, 30.0),
        reserve=table.number("reserve_people", 0.0, 0.0, 1e4),
        shared_error=table.number("shared_error", Policy.shared_error, 0.0, 0.95),
        pre_alert_probability=table.number("pre_alert_probability", Policy.pre_alert_probability, 0.001, 1.0),
        fallout_s=table.number("fallout_s", Policy.fallout_s, 0.0, 600.0),
        dwell_s=table.number("dwell_s", Policy.dwell_s, 0.0, 600.0),
        narrow_s=table.number("narrow_s", Policy.narrow_s, 1.0, 3600.0),
        all_clear=table.text("all_clear", "automatic", ("automatic", "operator")),
    )
    if policy.clear_probability > policy.warn_probability:
        table.fault(
            "clear_probability",
            "clear_probability is above warn_probability",
            "A warning that is raised would be cleared at once: lower it.",
        )
    table.finish()
    return policy


def read_costs(root: Table) -> Costs:
    """The [costs] of site.toml; the usual ones, not stated, where there is no such table.

    root  the whole document
    """
    stated = root.has("costs")
    table = root.table("costs")
    costs = Costs(
        hurt_open=table.number("hurt_in_the_open_percent", Costs.hurt_open, 0.01, 100.0, PERCENT),
        hurt_lying=table.number("hurt_lying_percent", Costs.hurt_lying, 0.0, 100.0, PERCENT),
        hurt_sheltered=table.number("hurt_sheltered_percent", Costs.hurt_sheltered, 0.0, 100.0, PERCENT),
        compliance=table.number("compliance_percent", Costs.compliance, 1.0, 100.0, PERCENT),
        reaction_s=table.number("reaction_s", Costs.reaction_s, 0.0, 60.0),
        hurt_running=table.number("hurt_running_per_1000", Costs.hurt_running, 0.0, 1000.0, THOUSANDTH),
        hours_per_casualty=table.number("hours_per_casualty", Costs.hours_per_casualty, 1.0, 1e9),
        false_alarm=table.number("false_alarm_percent", Costs.false_alarm, 0.0, 100.0, PERCENT),
        least_lead=table.number("least_lead_percent", Costs.least_lead, 0.0, 95.0, PERCENT),
        stated=stated,
    )
    if not costs.hurt_sheltered <= costs.hurt_lying <= costs.hurt_open:
        table.fault(
            "hurt_lying_percent",
            "people are hurt least in shelter and most in the open: these three percentages do not fall so",
            "Order hurt_sheltered_percent, hurt_lying_percent and hurt_in_the_open_percent upwards.",
        )
    table.finish()
    return costs
