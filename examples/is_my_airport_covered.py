"""Is my airport covered? What the radars see around each zone, and how a hundred raids would have gone, with intervals.

python examples/is_my_airport_covered.py kabul kabul-2021-08-30 100
"""

from __future__ import annotations

import sys

from skywarden import api
from skywarden.study.statistics import Interval, ratio, share


def main(
    site: str = "kabul", scenario: str = "kabul-2021-08-30", raids: int = 20, duration: float | None = None
) -> None:
    declared = api.site(site)
    print(f"{declared.title}: of the ground within 3 km, seen 500 m above it")
    for zone, part in api.covered(declared).items():
        print(f"  {zone:30s} {100 * part:5.1f} %")
    rows = api.many(scenario, range(1, int(raids) + 1), site=site, duration=duration)
    unwarned = share(rows["unwarned"].to_numpy(), rows["due"].to_numpy(), 0.95)
    lead = ratio(rows["lead_sum_s"].to_numpy(), rows["warned"].to_numpy(), 0.95)
    print(f"over {rows.height} raids, seeds 1 to {rows.height}, {rows['due'].sum()} rounds due to be warned of:")
    print(f"  not warned of      {said(unwarned, 100.0)} %")
    print(f"  mean lead time     {said(lead)} s")
    print(f"  false warnings     {rows['false_warnings'].sum()}")


def said(figure: Interval, times: float = 1.0) -> str:
    """A figure with its interval."""
    return f"{times * figure.value:.1f} ({times * figure.low:.1f} to {times * figure.high:.1f})"


if __name__ == "__main__":
    main(*sys.argv[1:4])
