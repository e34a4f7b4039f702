"""Verbs that need no session: track a table, fly rounds, allocate, check files, list what is
shipped.
"""
