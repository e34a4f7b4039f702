"""The sounds that the page plays: tone and words of each zone, stage and language, rendered when
first asked for.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from skywarden.alerts import sound
from skywarden.alerts.words import LANGUAGES
from skywarden.messages.picture import STAGE_NAMES
from skywarden.site.model import Site

KINDS = {"SIMULATION": "simulation", "LIVE": "live", "REPLAY": "simulation"}  # wording and tone, by the page's mode
MOST_KEPT = 120  # clips kept; one takes about 200 kB


class Clips:
    """Clips of one site and kind, one rendered at a time, beside the loop."""

    def __init__(self, site: Site, mode: str, exercise: bool) -> None:
        self._site, self._kind = site, "exercise" if exercise else KINDS[mode]
        self._kept: OrderedDict[tuple[int, int, str], bytes] = OrderedDict()
        self._turn = asyncio.Lock()

    async def clip(self, name: str) -> bytes | None:
        """The WAV file of "ZONE.STAGE.LANGUAGE", the zone by its number; None where there is none.

        name  name of the clip
        """
        asked = self._asked(name)
        if asked is None:
            return None
        async with self._turn:
            if asked not in self._kept:
                zone, stage, language = asked
                title = self._site.zones[zone].name
                self._kept[asked], _ = await asyncio.to_thread(
                    sound.clip, self._site, self._kind, title, stage, language
                )
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(asked)
            return self._kept[asked]

    def _asked(self, name: str) -> tuple[int, int, str] | None:
        """What a name means; None for one that no page of ours asks for."""
        zone, _, rest = name.partition(".")
        stage, _, language = rest.partition(".")
        known = {STAGE_NAMES[each]: each for each in sound.SAID}
        if not (zone.isascii() and zone.isdecimal() and len(zone) < 6 and int(zone) < len(self._site.zones)):
            return None
        if stage not in known or language not in (*LANGUAGES, *self._site.wording):
            return None
        return int(zone), known[stage], language
