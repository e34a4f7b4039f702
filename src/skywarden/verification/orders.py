"""Whether an order was lawful: its clearance, who held and who agreed, magazine and time."""

from __future__ import annotations

import math

from skywarden.messages.drill import Clearance, Drill, Order
from skywarden.messages.frame import Frame
from skywarden.site.model import Site
from skywarden.verification.ledger import Ledger
from skywarden.verification.limits import PEOPLE


def same_clearance(a: Clearance, b: Clearance) -> bool:
    """Whether two clearances are equal in every field, what is not a number included: read back
    from a file it is no longer itself.

    b  the other clearance
    """
    pairs = ((getattr(a, name), getattr(b, name)) for name in Clearance.__slots__)
    return all(x == y or (isinstance(x, float) and isinstance(y, float) and math.isnan(x) and math.isnan(y)) for x,
        y in pairs)


def unlawful(order: Order, drill: Drill, frame: Frame, site: Site, ledger: Ledger) -> list[tuple[str, str]]:
    """What is wrong with an order, beyond its clearance.

    drill   the simulated engagement at this frame
    frame   what came in at this frame
    site    the site as its defender declared it
    ledger  what the checker has noted of the record so far
    """
    wrong = []
    if not any(same_clearance(order.clearance, given) for given in drill.clearances):
        wrong.append(("clearance", "its clearance is not in the record"))
    if not 0 <= order.effector < len(site.effectors):
        return [*wrong, ("unknown", f"effector {order.effector} is not there")]
    effector = site.effectors[order.effector]
    held = ledger.holds & {"all", effector.name, str(order.track)}
    if ledger.status == "hold" or held:
        wrong.append(("hold", f"weapons {ledger.status}, holds {sorted(held)}"))
    people = {who for _, subject, who in ledger.consents if subject in ("any", str(order.track)) and who}
    if len(people) < PEOPLE[site.policy.consent]:
        wrong.append(("consent", f"{len(people)} agreed, policy asks for {site.policy.consent}"))
    mine = [t for t, earlier in ledger.orders if earlier.effector == order.effector]
    spent, full = ledger.spent.get(order.effector, (0, math.inf))
    if full <= frame.t + 1e-9:
        spent, full = 0, math.inf
    if spent >= effector.magazine:
        wrong.append(("magazine", f"order {spent + 1} of {effector.magazine}"))
    if mine and frame.t - mine[-1] < effector.engagement_s - 1e-9:
        wrong.append(("busy", f"ordered again after {frame.t - mine[-1]:.2f} s, an engagement takes "
            f"{effector.engagement_s} s"))
    if spent + 1 == effector.magazine:
        full = order.t_from + effector.engagement_s + effector.reload_s
    ledger.spent[order.effector] = (spent + 1, full)
    if any(earlier.track == order.track and earlier.t_to > order.t_from + 1e-9 for _, earlier in ledger.orders):
        wrong.append(("twice", "the track is still engaged"))
    return wrong
