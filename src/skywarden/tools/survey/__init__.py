"""What a radar's books should say: its errors, noise, detection probability, false alarms and blind
sectors, from a record.
"""
