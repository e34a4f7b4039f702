"""What makes a live session a service: configuration, health, metrics, log lines, the watchdog and
the clock.
"""
