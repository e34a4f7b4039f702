"""How files that people write are read: what their first bytes are, as text, as tables; every
reader asks here.
"""
