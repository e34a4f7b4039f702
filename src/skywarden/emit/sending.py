"""Datagrams to one address, a multicast group too; a network that is away is said and costs nothing
else.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable

from skywarden.emit.forms import Target
from skywarden.emit.shown import Shown
from skywarden.errors import FeedError, UsageError

BUFFER = 1 << 21  # bytes asked of the machine for datagrams that wait to leave


class Datagrams:
    """Sends to a target. Raises FeedError where its host is unknown, UsageError for a wrong option."""

    def __init__(self, target: Target) -> None:
        where = f"{target.host}:{target.port}"
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)[0]
        except (OSError, UnicodeError) as error:
            raise FeedError(f"{where} cannot be sent to: {error}; check the name, or give an address") from error
        self._to = found[4]
        self._where = where
        self._socket = socket.socket(found[0], socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self._socket.setblocking(False)
        self.fault = ""
        try:
            self._outward(target, ipaddress.ip_address(str(self._to[0]).partition("%")[0]))
        except (OSError, ValueError) as error:
            self._socket.close()
            raise FeedError(f"{where} cannot be sent to: {error}; check ?interface= and the route") from error

    def send(self, data: bytes) -> None:
        """Send one datagram; where that fails, `fault` says why until one leaves again.

        data  the datagram's content
        """
        try:
            self._socket.sendto(data, self._to)
        except BlockingIOError:
            self.fault = "the machine's buffer is full: datagrams were left out"
        except ConnectionRefusedError:
            return  # nobody listens, as an earlier datagram's echo tells: that may change
        except OSError as error:
            self.fault = f"nothing can be sent to {self._where}: {error.strerror or error}"
        else:
            self.fault = ""

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _outward(self, target: Target, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
        if not address.is_multicast:
            if "interface" in target.options or "ttl" in target.options:
                raise UsageError(f"{target.host} is no multicast group: leave out interface= and ttl=")
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            return
        hops = target.options.get("ttl", "1")
        if not hops.isascii() or not hops.isdigit() or int(hops) > 255:
            raise UsageError(f"ttl={hops}: give a whole number from 0 to 255")
        name = target.options.get("interface", "")
        index = next((i for i, each in socket.if_nameindex() if each == name), 0)
        if address.version == 4:
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, int(hops))
            if name:
                own = b"\0\0\0\0" if index else socket.inet_aton(name)
                self._socket.setsockopt(
                    socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4s4si", b"\0\0\0\0", own, index)
                )
        else:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, int(hops))
            if name:
                if not index:
                    raise UsageError(f'there is no interface "{name}" on this machine')
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)


class DatagramsOut(ABC):
    """What is sent of each instant as datagrams; which ones is its children's."""

    def __init__(self, target: Target) -> None:
        self._out = Datagrams(target)

    @property
    def fault(self) -> str:
        """What is wrong with the way out now; empty where nothing is."""
        return self._out.fault

    def send(self, shown: Shown) -> None:
        """Send what one instant holds.

        shown  what of this instant is shown to other systems
        """
        for data in self.datagrams(shown):
            self._out.send(data)

    def close(self) -> None:
        """Send no more."""
        self._out.close()

    @abstractmethod
    def datagrams(self, shown: Shown) -> Iterable[bytes]:
        """The datagrams of one instant.

        shown  what of this instant is shown to other systems
        """
