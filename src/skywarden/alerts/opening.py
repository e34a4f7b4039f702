"""From the site's [[channels]] to open channels: one line a URL scheme.

Which kind of alert they carry is the session's to say.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from skywarden.alerts.alert import A, LiveAlert, areas
from skywarden.alerts.courier import Courier
from skywarden.alerts.outbox import Outbox
from skywarden.alerts.secret import read_key, read_secret
from skywarden.alerts.setting import Setting
from skywarden.alerts.sink import Alerts
from skywarden.alerts.teller import Teller
from skywarden.alerts.transport import Transport
from skywarden.errors import UsageError
from skywarden.site.model import Channel, Site

# scheme: module, class, what it is; modules are imported when a channel needs them, so that a run without channels pays
# for none
SCHEMES: dict[str, tuple[str, str, str]] = {
    "webhook+http": ("webhook", "WebhookTransport", "signed JSON by POST"),
    "webhook+https": ("webhook", "WebhookTransport", "signed JSON by POST"),
    "mqtt": ("mqtt", "MqttTransport", "a retained message a zone, MQTT 5"),
    "mqtts": ("mqtt", "MqttTransport", "the same with TLS"),
    "siren+http": ("siren", "SirenHttp", "signed lines to one siren relay"),
    "siren+https": ("siren", "SirenHttp", "the same with TLS"),
    "siren+mqtt": ("siren", "SirenMqtt", "signed lines to siren relays behind a broker"),
    "siren+mqtts": ("siren", "SirenMqtt", "the same with TLS"),
    "cap+http": ("cap", "CapHttp", "CAP 1.2 by POST"),
    "cap+https": ("cap", "CapHttp", "the same with TLS"),
    "cap+file": ("cap", "CapFolder", "CAP 1.2, a file a message, into a folder"),
    "cot+tcp": ("cot", "CotStream", "Cursor on Target over TCP"),
    "cot+tls": ("cot", "CotStream", "the same with TLS"),
    "cot+udp": ("cot", "CotDatagram", "Cursor on Target over UDP, multicast too"),
    "sapient+tcp": ("sapient", "SapientTransport", "SAPIENT (BSI Flex 335 v2) to a fusion node"),
}


def open_alerts(
    site: Site,
    epoch_ns: int,
    made: type[A],
    *,
    state: Path | None = None,
    folder: Path | None = None,
    wall: bool = False,
) -> Alerts[A] | None:
    """The sink that tells people, with every channel the site declares for alerts of the type
    `made`; None where it declares none.

    state     folder of the outbox; None: the service's own, see `state_folder`
    folder    the site's own, which secrets are relative to
    wall      whether times of the picture are the wall's
    epoch_ns  the record's epoch, ns since 1970

    Raises UsageError for a channel that cannot be opened as declared. Live channels are opened by
    `live.py` alone.
    """
    if made is LiveAlert and not wall:
        raise TypeError("live alerts keep the wall's time")
    declared = [channel for channel in site.channels if channel.kind == made.kind]
    if not declared:
        return None
    named = areas(site)
    settings = [_setting(channel, site, made, named, folder) for channel in declared]
    transports = [cast(Transport, maker_of(setting.channel)(setting)) for setting in settings]
    outbox = Outbox(outbox_path(site.name, made.kind, state))
    teller = Teller(site, epoch_ns, made, wall, outbox.left_standing() if wall else {})
    couriers = [
        Courier(setting.channel.name, made, frozenset(setting.told), transport, outbox, setting.channel.monthly_test)
        for setting, transport in zip(settings, transports, strict=True)
    ]
    return Alerts(teller, couriers, outbox, made)


def maker_of(channel: Channel) -> Callable[[Setting], Any]:
    """What opens the channel's scheme; UsageError for one nobody knows."""
    scheme = channel.url.partition(":")[0].lower()
    if scheme not in SCHEMES:
        raise UsageError(f'channel "{channel.name}": nothing sends to {scheme}:…; use one of {", ".join(SCHEMES)}')
    module, name, _ = SCHEMES[scheme]
    return cast(Callable[[Setting], Any], getattr(importlib.import_module(f"skywarden.alerts.{module}"), name))


def outbox_path(site: str, kind: str, state: Path | None = None) -> Path:
    """The outbox of a site's channels of one kind.

    state  folder of the outbox, None for the service's own
    """
    return (state or state_folder()) / f"alerts-{site}-{kind}.outbox"


def state_folder() -> Path:
    """Where a service keeps what must survive it: systemd's StateDirectory, else the user's own
    state folder.
    """
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0] or os.environ.get("XDG_STATE_HOME", "")
    if given:
        return Path(given) / ("" if os.environ.get("STATE_DIRECTORY") else "skywarden")
    try:
        return Path.home() / ".local" / "state" / "skywarden"
    except RuntimeError:
        raise UsageError(
            "this user has no home to keep the outbox of the warning channels in: name a folder with --state"
        ) from None


def _setting(channel: Channel, site: Site, made: type[A], named: Any, folder: Path | None) -> Setting:
    key = read_key(channel.secret, folder, channel.name) if channel.secret else None
    password = read_secret(channel.password, folder, channel.name) if channel.password else None
    setting = Setting(channel, site, made, named, key, password, folder)
    if not setting.told:
        raise UsageError(
            f'channel "{channel.name}": none of its zones can be warned: set "warn" of one to yes, or leave "zones" out'
        )
    return setting
