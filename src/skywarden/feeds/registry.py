"""The URLs that a feed may have: one list that the help of --feed, the parser's errors and the
documentation's table are made from.

It imports nothing, so that --help stays quick; what a scheme needs is imported when it is opened.
"""

from __future__ import annotations

from typing import NamedTuple

FILE, SOCKET, ADDRESS = (
    "file",
    "socket",
    "address",
)  # what stands behind the scheme: a path, a host and port, a web address


class Scheme(NamedTuple):
    """One way in.

    name     what stands before the colon
    form     how it is written
    what     what comes along it, one line
    kind     FILE, SOCKET or ADDRESS
    module   of this package that reads it, and its class
    options  what may stand behind the ?, each with what it does
    """

    name: str
    form: str
    what: str
    kind: str
    module: str
    maker: str
    options: dict[str, str]


SIMULATED = {"simulated": "yes: what its sender marks as simulated is used too; no live warning channel is opened then"}
SCHEMES = (
    Scheme(
        "asterix+file",
        "asterix+file:PATH",
        "ASTERIX from a pcap, pcapng, raw or framed file",
        FILE,
        "asterix",
        "AsterixFile",
        {},
    ),
    Scheme(
        "asterix+udp",
        "asterix+udp://HOST:PORT",
        "ASTERIX datagrams to an address of this machine, or to a multicast group, which is joined",
        SOCKET,
        "asterix",
        "AsterixUdp",
        {
            "interface": "name or address of the interface a group is joined on",
            "source": "take what this address sends, and no other",
            **SIMULATED,
        },
    ),
    Scheme("sbs+file", "sbs+file:PATH", "BaseStation text", FILE, "sbs", "SbsFile", {}),
    Scheme(
        "sbs+tcp",
        "sbs+tcp://HOST:PORT",
        "BaseStation text from a receiver (dump1090's port 30003)",
        SOCKET,
        "sbs",
        "SbsTcp",
        {},
    ),
    Scheme(
        "aircraft+file",
        "aircraft+file:PATH",
        "aircraft.json of dump1090 or readsb, one snapshot or one a line, or a readsb trace",
        FILE,
        "aircraft",
        "AircraftFile",
        {},
    ),
    Scheme(
        "aircraft+tcp",
        "aircraft+tcp://HOST:PORT",
        "the same, one JSON object a line",
        SOCKET,
        "aircraft",
        "AircraftTcp",
        {},
    ),
    Scheme(
        "aircraft+http",
        "aircraft+http://HOST:PORT/PATH",
        "aircraft.json as tar1090 and readsb serve it, asked for each second",
        ADDRESS,
        "web",
        "AircraftHttp",
        {},
    ),
    Scheme("aircraft+https", "aircraft+https://HOST/PATH", "the same with TLS", ADDRESS, "web", "AircraftHttp", {}),
    Scheme(
        "beast+tcp",
        "beast+tcp://HOST:PORT",
        "Mode S as readsb and dump1090 give it (port 30005); needs the package rs1090",
        SOCKET,
        "beast",
        "BeastTcp",
        {},
    ),
    Scheme(
        "sapient+tcp",
        "sapient+tcp://HOST:PORT",
        "SAPIENT sensors (BSI Flex 335 v2), which connect to this address of ours",
        SOCKET,
        "sapient",
        "SapientTcp",
        {},
    ),
    Scheme(
        "weather+file",
        "weather+file:PATH",
        "the weather, names as in site.toml, TOML or JSON; read anew when it changes",
        FILE,
        "web",
        "WeatherFile",
        {},
    ),
    Scheme(
        "weather+http", "weather+http://HOST/PATH", "the same, asked for each minute", ADDRESS, "web", "WeatherHttp", {}
    ),
    Scheme("weather+https", "weather+https://HOST/PATH", "the same with TLS", ADDRESS, "web", "WeatherHttp", {}),
    Scheme("table+file", "table+file:PATH", "detections as CSV or Parquet", FILE, "table_source", "TableFile", {}),
)


def find(name: str) -> Scheme | None:
    """The scheme of that name; None where there is none."""
    return next((scheme for scheme in SCHEMES if scheme.name == name), None)


def help_text() -> str:
    """All forms in one sentence, for --help."""
    return ", ".join(scheme.form for scheme in SCHEMES) + "; may be repeated."


def lines() -> str:
    """All forms with what comes along them, a line each, for errors."""
    width = max(len(scheme.form) for scheme in SCHEMES)
    return "\n".join(f"    {scheme.form:{width}}  {scheme.what}" for scheme in SCHEMES)


def option_lines(scheme: Scheme) -> str:
    """What may stand behind the ? of a scheme, in words."""
    return " and ".join(f"{name}=" for name in scheme.options) or "nothing"
