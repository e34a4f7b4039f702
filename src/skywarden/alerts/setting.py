"""What every transport is built from: the declaration of its channel, the site around it, its
secrets, and the words it says.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from skywarden.alerts.alert import Alert, Area, slug
from skywarden.alerts.secret import Secret
from skywarden.alerts.words import headline, say
from skywarden.errors import UsageError
from skywarden.site.model import Channel, Site


@dataclass(frozen=True, eq=False)
class Setting:
    """One channel as it is opened.

    made       the only type of alert it carries
    key        what its messages are signed with; None: not signed
    password   of the account on the other side; None: none
    folder     the site's own, which files of secrets are relative to; None: it has none
    """

    channel: Channel
    site: Site
    made: type[Alert]
    areas: Mapping[str, Area]
    key: Secret | None = None
    password: Secret | None = None
    folder: Path | None = None

    @property
    def url(self) -> SplitResult:
        """The channel's address, its scheme without what stands before the plus."""
        kept = self.channel.url.partition("+")
        return urlsplit(kept[2] if kept[1] and "://" in kept[2] and "://" not in kept[0] else self.channel.url)

    @property
    def told(self) -> tuple[str, ...]:
        """Names of the zones the channel tells, in the site's order."""
        chosen = self.channel.zones
        return tuple(zone.name for zone in self.site.zones if zone.warn and (not chosen or zone.name in chosen))

    @property
    def root(self) -> str:
        """What all topics begin with; live, exercise, simulation and test never share one."""
        return f"skywarden/{slug(self.site.name)}"

    def host_port(self, usual: int) -> tuple[str, int]:
        """Host and port of the address.

        usual  port where the address names none
        """
        try:
            host, port = self.url.hostname, self.url.port
        except ValueError:
            host, port = None, None
        if not host:
            raise UsageError(
                f'channel "{self.channel.name}": {self.channel.url} names no host: write it as scheme://HOST:PORT'
            )
        return host, port or usual

    def need_key(self) -> Secret:
        """The key; UsageError where the channel has none."""
        if self.key is None:
            raise UsageError(
                f'channel "{self.channel.name}": its messages must be signed: add secret = "file:NAME" with a key in '
                'that file'
            )
        return self.key

    def view(self, alert: Alert) -> dict[str, Any]:
        """The alert as JSON readers get it, with its words in every language of the channel."""
        own = self.site.wording
        area = self.areas.get(alert.zone)
        return {
            **alert.view(),
            "say": {language: say(alert, language, own) for language in self.channel.languages},
            "headline": {language: headline(alert, language, own) for language in self.channel.languages},
            "area": None
            if area is None
            else {"latitude": area.middle[0], "longitude": area.middle[1], "ring": area.ring},
            "hazard": None if alert.hazard is None else alert.hazard._asdict(),
        }


def tls(secure: bool) -> ssl.SSLContext | None:
    """The system's own trust, for a secure scheme."""
    return ssl.create_default_context() if secure else None


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
