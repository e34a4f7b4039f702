"""The URLs a simulation can be sent to: one list that the help, the errors and the documentation
are made from.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from skywarden.errors import UsageError


class Form(NamedTuple):
    """One way out.

    scheme   what stands before ://
    form     how it is written
    what     what is sent, one line
    module   of this package that does it, and its class
    options  what may stand behind the ?, each with what it does
    """

    scheme: str
    form: str
    what: str
    module: str
    maker: str
    options: dict[str, str]


SENDING = {
    "interface": "name or address of the interface a multicast group is sent on",
    "ttl": "routers that a multicast datagram may pass, 0 to 255; 1 where it is not given",
}
FORMS = (
    Form(
        "asterix+udp",
        "asterix+udp://HOST:PORT",
        "radars as CAT015, CAT048 and CAT034, tracks as CAT062, traffic as CAT021",
        "asterix",
        "AsterixOut",
        {"send": "radar, tracks, traffic: which of them, with commas between; all where it is not given", **SENDING},
    ),
    Form(
        "sbs+tcp",
        "sbs+tcp://127.0.0.1:PORT",
        "traffic as BaseStation text to whoever connects; loopback only, since it has no mark for simulated",
        "sbs",
        "SbsOut",
        {},
    ),
    Form(
        "dis+udp",
        "dis+udp://HOST:PORT",
        "what flies and where it ended as DIS Entity State and Detonation (IEEE 1278.1)",
        "dis",
        "DisOut",
        {"exercise": "exercise identifier, 1 to 255; 1 where it is not given", **SENDING},
    ),
)
HELP = ", ".join(form.form for form in FORMS) + "; simulations only, always marked as simulated; may be repeated."


class Target(NamedTuple):
    """A URL taken apart."""

    form: Form
    host: str
    port: int
    options: dict[str, str]


def target(url: str) -> Target:
    """What a URL means. Raises UsageError with a sentence and all forms.

    url  the URL, such as dis+udp://HOST:PORT
    """
    scheme, colon, rest = url.partition("://")
    form = next((each for each in FORMS if each.scheme == scheme), None)
    if form is None or not colon:
        raise _unknown(url, "is nothing that Skywarden can send to")
    where, _, behind = rest.partition("?")
    host, colon, port = where.rstrip("/").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise _unknown(url, "names no host and port")
    return Target(form, host, int(port), _options(form, behind, url))


def _options(form: Form, text: str, url: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split("&") if text else ():
        name, equals, value = part.partition("=")
        if name not in form.options or not equals or not value or name in found:
            known = " and ".join(f"{each}=" for each in form.options) or "nothing"
            raise UsageError(
                f'"{url}": "{part}" is no option of it; behind the ? may stand {known}, each once, with a value'
            )
        found[name] = unquote(value)
    return found


def _unknown(url: str, why: str) -> UsageError:
    width = max(len(form.form) for form in FORMS)
    return UsageError(
        f'"{url}" {why}; what --emit sends to is written\n'
        + "\n".join(f"    {f.form:{width}}  {f.what}" for f in FORMS)
    )
