"""Units at the doors: inside everything is SI and radians; degrees, feet, knots and hPa exist only
where data comes in or goes out.
"""

FOOT = 0.3048                   # m, international foot, 1959
KNOT = 1852.0 / 3600.0          # m/s, international knot
NAUTICAL_MILE = 1852.0          # m, First International Extraordinary Hydrographic Conference, 1929
HECTOPASCAL = 100.0             # Pa
