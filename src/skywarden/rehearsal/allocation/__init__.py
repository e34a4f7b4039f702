"""Which simulated effector takes which round: values, prices, leakage."""
