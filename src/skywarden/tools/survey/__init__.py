"""What should be declared of a radar: its errors, noise, detection probability, false alarms and
blind sectors, from a record.
"""
