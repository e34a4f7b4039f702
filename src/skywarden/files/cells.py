"""Text as it goes into a cell of a CSV that people may open in a spreadsheet: what would be taken
for a formula there is only text.
"""

from __future__ import annotations

# a cell that begins with one of these may be computed (OWASP, CSV injection)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain_cell(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet would compute it, and without
    control characters.
    """
    shown = "".join(character for character in text if character.isprintable())
    return f"'{shown}" if text.startswith(FORMULA) or shown.startswith(FORMULA) else shown
