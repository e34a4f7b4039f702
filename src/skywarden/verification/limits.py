"""Limits that the checker holds a drill against: the rules of docs/models/airspace.md in numbers,
written down a second time.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

# Aircraft: what one may do, and how exactly it is known
GRAVITY = 9.80665           # m/s², standard gravity
TURN = 15.0                 # m/s², acceleration that an aircraft is taken to be capable of in any direction
TOP_SPEED = 350.0           # m/s, speed over the ground that no aircraft exceeds
DEVIATIONS = 5.0            # standard deviations that an aircraft's and a track's position are given
METRES_95 = {               # m, position error exceeded in 5 % of reports, by NACp (DO-260B)
    1: 18_520.0, 2: 7_408.0, 3: 3_704.0, 4: 1_852.0, 5: 926.0, 6: 555.6, 7: 185.2, 8: 92.6, 9: 30.0, 10: 10.0, 11: 3.0}
METRES_NIC = {              # m, radius of containment of a report, by NIC (DO-260B)
    1: 37_040.0, 2: 14_816.0, 3: 7_408.0, 4: 3_704.0, 5: 1_852.0, 6: 1_111.2, 7: 370.4, 8: 185.2, 9: 75.0, 10: 25.0,
    11: 7.5}
UNSAID = 200.0              # m, error of a report whose category names none
DOUBT = 2.0                 # m/s, standard deviation of a reported velocity
BLIND = 300.0               # m/s, speed that an aircraft without a reported velocity may have
UNBACKED = 1_000.0          # m, distance added to a report that no radar corroborates
NORTH = 0.009               # rad, misalignment that a radar may have without being doubted
NEAR = 30.0                 # m, offset that a radar may have without being doubted

# Time: how long what was said or seen counts
NEWS_S = 20.0               # seconds that a report counts
CONSENT_S = 30.0            # seconds that an operator's consent stands
SILENCE_S = 5.0             # seconds of silence that end the corroboration of an address
TRUST_S = 240.0             # seconds that corroboration counts out of every radar's view
NEWEST_S = 2.0              # seconds of age at most of a report that stands for a track not seen any more
JUST_S = 0.6                # seconds since a radar's detection within which its track stands for a report
ABSENT_S = 20.0             # seconds that an aircraft lost low goes on counting
ROLLING_S = 75.0            # seconds that an aircraft lost on its final approach goes on counting
SHUT_DOWN_S = 5.0           # seconds of silence after which a standing aircraft has shut down
FOUND_S = 2.0               # seconds within which an aircraft in view would be seen again
STAYS_S = 6.0               # seconds that a landed aircraft stays on the runway
DOWN_FOR = 4.0              # seconds for which a rolling aircraft is held to SOFT
SPLINTER_S = 6.0            # seconds after an engagement within which its fragments show
DOWN_S = 90.0               # seconds after an engagement for which its fragments count as fragments
EARLIER = 0.5               # seconds before an engagement at which a fragment's track may have begun

# Corroboration and sight
AGREE = 300.0               # m, distance within which a radar and a report agree, at no range
AGREE_SHARE = 0.02          # share of the range added to AGREE
SAME = 60.0                 # m, distance beyond three deviations within which a report is where its track would be
ABOVE_VIEW = 30.0           # m, margin beyond five deviations above a radar's lowest elevation: surely in view
SOFT = 5.0                  # m/s², acceleration of an aircraft low above the ground
BRAKING = 4.0               # m/s², deceleration of an aircraft rolling out
NEAR_GROUND = 100.0         # m, height above the ground that counts as low
DOWN = 50.0                 # m, height above the ground, three deviations included, that counts as rolling
STILL = 2.0                 # m/s, speed that counts as standing
FINAL = 4_000.0             # m, length of the final approach before a runway
LANDING = 25.0              # m/s, least speed along the runway of an aircraft on its final approach
QUICKER = 10.0              # m/s, speed that a lost aircraft may have gained
DISC, DISCS = 125.0, 150.0  # m, radius and distance of the discs laid along a runway

# Engagement: its corridor, its moments, its risk
GLANCE = 0.125              # seconds between the moments at which aircraft are looked at
FAST, TARDY = 1.05, 0.95    # ratios to its mean speed between which an effect goes along its lines
PATIENCE_S = 6.0            # seconds before an effector must react at which a clearance is worked out at the earliest
LIGHT_END = 20_000.0        # m, length of a line of light
DISPERSION = 0.005          # rad, dispersion of an effect about its line
FAN = 9                     # lines from the first to the last direction of an engagement
LEAVES = 8                  # places between one line and the next, at least
TOO_LOW = 30.0              # m, height above the ground at which a track's path ends
LOW = 250.0                 # m, height below which an interception near people is refused
SCATTER = 150.0             # m, distance from people within which LOW holds
RISK = 1e-5                 # probability that no clearance's bound exceeds
METRE, SECOND = 2.0, 0.02   # m and s, difference between two honest computations of a place and of a time
PEOPLE = {"none": 0, "one": 1, "two": 2}    # operators that must consent, by policy
