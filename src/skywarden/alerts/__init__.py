"""Channels that carry a warning to people and to other systems: what each zone is told, an outbox
that survives a crash, one file a channel.
"""
