"""Several bases in one picture: each says a lean one of itself each second; the region shows them,
and orders nothing.
"""
