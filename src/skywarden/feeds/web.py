"""Documents that are asked for again and again over HTTP, or read anew from a file that somebody
replaces; whatever goes wrong is counted and said.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from skywarden import __version__
from skywarden.errors import FeedError
from skywarden.feeds.aircraft import LONGEST, AircraftDecoder
from skywarden.feeds.live import Live
from skywarden.feeds.sockets import Piece
from skywarden.feeds.source import Batch
from skywarden.formats.weather import weather_from
from skywarden.messages.frame import Weather
from skywarden.site.model import Site

EVERY = 1.0  # seconds between two requests for aircraft, as tar1090's own page asks
SLOWEST = 30.0  # seconds, the longest pause after requests that failed one after the other
PATIENCE = 3.0  # seconds without a byte after which a request is given up
LONGEST_REQUEST = 10.0  # seconds a request may take in all
USUAL = "data/aircraft.json"  # where tar1090 and readsb serve it, below the page that people open
WEATHER_EVERY = 60.0  # seconds between two looks at the weather


class Fetcher:
    """Asks one address. Raises OSError with a sentence where there is no good answer."""

    def __init__(self, url: str, longest: int) -> None:
        import httpx

        self._url, self._longest = url, longest
        self._client = httpx.Client(timeout=PATIENCE, headers={"user-agent": f"skywarden/{__version__}"})

    def get(self) -> bytes:
        """The document as it is now."""
        import httpx

        begun, body = time.monotonic(), bytearray()
        try:
            with self._client.stream("GET", self._url) as answer:
                if answer.status_code != 200:
                    raise OSError(f"answered with {answer.status_code} {answer.reason_phrase}"[:120])
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > self._longest:
                        raise OSError(f"answered with more than {self._longest >> 20} MiB")
                    if time.monotonic() - begun > LONGEST_REQUEST:
                        raise OSError(f"took longer than {LONGEST_REQUEST:.0f} s")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise OSError(f"{type(error).__name__}: {error}"[:160]) from None
        return bytes(body)

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()


class Polled:
    """A Receiver of documents from a web address; a failed request is one byte that could not be
    decoded.
    """

    def __init__(self, url: str) -> None:
        self._fetcher = Fetcher(url, LONGEST)
        self._url = url
        self._next, self._pause = -math.inf, EVERY
        self._asked = self._failed = self._untold = 0
        self.connected = False  # whether the newest request was answered
        self.note = "not asked yet"

    def gather(self, wait: float) -> list[Piece]:
        """The newest document, once it is time to ask for it.

        wait  longest time to wait for it [s]
        """
        ahead = self._next - time.monotonic()
        if ahead > 0.0:
            time.sleep(min(wait, ahead))
            return []
        self._asked += 1
        try:
            data = self._fetcher.get()
        except OSError as error:
            self._failed, self._untold = self._failed + 1, self._untold + 1
            self._pause = min(2.0 * self._pause, SLOWEST)
            self.note = f"{self._url} {error}; {self._failed} of {self._asked} requests failed"
            found = []
            self.connected = False
        else:
            self._pause = EVERY
            self.connected = True
            self.note = f"{self._url} answers; {self._failed} of {self._asked} requests failed"
            found = [Piece(time.monotonic(), (), data)]
        self._next = time.monotonic() + self._pause
        return found

    def lost(self) -> tuple[int, int]:
        """Requests that failed since the last call."""
        count, self._untold = self._untold, 0
        return count, 0

    def close(self) -> None:
        """Stop asking."""
        self._fetcher.close()


class AircraftHttp(Live):
    """aircraft.json, asked for each second."""

    def __init__(self, url: str, site: Site) -> None:
        address = url if url.partition("?")[0].endswith(".json") else f"{url.rstrip('/')}/{USUAL}"
        decoder = AircraftDecoder(site)
        super().__init__(
            f"aircraft {address.partition('?')[0]}",
            Polled(address),
            lambda data, arrived, wall, _: decoder.decode(data, arrived, wall),
            site.policy.frame_s,
        )


class WeatherSource:
    """A Source of weather alone, looked at by a thread of its own; what is wrong is counted, and
    the weather there was stays.

    read   gives the document as it is now; raises OSError where it cannot
    """

    live, dated, relative, simulated = False, False, True, False

    def __init__(self, name: str, read: Callable[[], bytes], every: float = WEATHER_EVERY) -> None:
        self.name, self._read, self._every = name, read, every
        self.note = ""
        self._newest: list[Batch] = []
        self._seen = b""
        self._stop = threading.Event()
        self._look()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Batch]:
        return iter(())     # weather has no place among what is merged by time: see `newest`

    def poll(self) -> list[Batch]:
        """Nothing: weather comes by `newest`."""
        return []

    def newest(self) -> list[Batch]:
        """What has been found since the last call."""
        found, self._newest = self._newest, []
        return found

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join(3.0)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._look()

    def _look(self) -> None:
        try:
            data = self._read()
            if data == self._seen:
                return
            weather: Weather = weather_from(data)
        except (OSError, ValueError) as error:
            self.note = str(error)
            self._newest = [*self._newest, Batch(math.nan, undecodable=1)][-16:]
            return
        self._seen, self.note = data, ""
        self._newest = [*self._newest, Batch(math.nan, received=1, weather=weather, kinds={"weather": 1})][-16:]


class WeatherFile(WeatherSource):
    """Weather from a file, read anew when it changes. Raises FeedError where it is no weather at
    the beginning.
    """

    def __init__(self, path: Path, site: Site) -> None:
        super().__init__(f"weather {path.name}", path.read_bytes, every=5.0)
        if self.note:
            self.close()
            raise FeedError(
                f"{path} is no weather: {self.note}; give wind_up_m, wind_east_mps, wind_north_mps as in site.toml"
            )


class WeatherHttp(WeatherSource):
    """Weather from a web address, asked for each minute."""

    def __init__(self, url: str, site: Site) -> None:
        self._fetcher = Fetcher(url, 1 << 20)
        super().__init__(f"weather {url.partition('?')[0]}", self._fetcher.get)

    def close(self) -> None:
        """Look no more."""
        super().close()
        self._fetcher.close()
