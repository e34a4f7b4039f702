"""What is heard: a tone that says whether it is meant, then the words, as WAV clips for each zone,
stage and language.

The words are spoken by espeak-ng in a process of its own, once, ahead; where it is not installed a
clip is its tone alone, and that is said. Tones need no language: live rises and falls, an exercise
goes high and low, a simulation clicks, a test beeps once.
"""

from __future__ import annotations

import io
import math
import shutil
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.alerts.alert import KINDS, areas
from skywarden.alerts.words import after, phrase
from skywarden.errors import UsageError
from skywarden.messages.picture import ALL_CLEAR, IMPACTS_OVER, NO_STAGE, PRE_ALERT, STAGE_NAMES, STAY, TAKE_COVER
from skywarden.site.model import Site

RATE = 22_050  # samples a second, as espeak-ng speaks
LOUDEST = 0.8  # of full scale
SPEED = 145  # words a minute, slower than espeak-ng's usual 175: understood through doors
SPEAKING_S = 20.0  # seconds espeak-ng may take over one clip; it takes about 0.1
VOICES = {
    "fa": "fa",
    "en": "en-gb",
    "fr": "fr-fr",
    "zh": "cmn",
}  # where espeak-ng's name differs from the language's code
SAID = (PRE_ALERT, TAKE_COVER, STAY, IMPACTS_OVER, ALL_CLEAR)

# stage: pieces of the tone as (from [Hz], to [Hz], seconds), 0 Hz a pause
TONES: dict[int, tuple[tuple[float, float, float], ...]] = {
    PRE_ALERT: ((660.0, 660.0, 0.25), (0.0, 0.0, 0.15), (660.0, 660.0, 0.25)),
    TAKE_COVER: ((400.0, 950.0, 0.7), (950.0, 400.0, 0.3)) * 3,
    STAY: ((750.0, 750.0, 0.4), (0.0, 0.0, 0.2)) * 3,
    IMPACTS_OVER: ((520.0, 520.0, 0.6), (0.0, 0.0, 0.2)) * 2,
    ALL_CLEAR: ((440.0, 440.0, 2.5),),
    NO_STAGE: ((880.0, 880.0, 0.2),),
}
# kind: what stands before the stage's tone, and instead of it where it is a test
BEFORE: dict[str, tuple[tuple[float, float, float], ...]] = {
    "live": (),
    "exercise": ((800.0, 800.0, 0.35), (600.0, 600.0, 0.35)) * 3 + ((0.0, 0.0, 0.3),),
    "simulation": ((1500.0, 1500.0, 0.04), (0.0, 0.0, 0.16)) * 5 + ((0.0, 0.0, 0.3),),
    "test": ((1000.0, 1000.0, 0.15), (0.0, 0.0, 0.2)),
}


class Clip(NamedTuple):
    """One WAV file."""

    name: str  # KIND.ZONE.STAGE.LANGUAGE.wav
    content: bytes
    spoken: bool  # whether the words are in it, and not the tone alone


def clips(site: Site, kind: str, languages: tuple[str, ...], zones: tuple[str, ...] = ()) -> Iterator[Clip]:
    """A clip of each zone that can be warned, stage and language, and one of the test.

    site       the site as its defender declared it
    kind       kind of the alert: "live", "simulation", "exercise" or "test"
    languages  codes of the languages
    zones      names of the zones, empty for all
    """
    named = areas(site)
    for zone in site.zones:
        if not zone.warn or (zones and zone.name not in zones):
            continue
        for language in languages:
            for stage in SAID:
                content, spoken = clip(site, kind, zone.name, stage, language)
                yield Clip(f"{kind}.{named[zone.name].slug}.{STAGE_NAMES[stage]}.{language}.wav", content, spoken)
            content, spoken = clip(site, "test", zone.name, NO_STAGE, language)
            yield Clip(f"{kind}.{named[zone.name].slug}.test.{language}.wav", content, spoken)


def clip(site: Site, kind: str, zone: str, stage: int, language: str) -> tuple[bytes, bool]:
    """Tone and words of one zone and stage as WAV, and whether the words are in it.

    site      the site as its defender declared it
    kind      kind of the alert: "live", "simulation", "exercise" or "test"
    language  code of the language
    """
    said = "" if stage == NO_STAGE else STAGE_NAMES[stage]
    words = " ".join([phrase(kind, said, zone, language, site.wording), *after(kind, language, site.wording)])
    spoken = speech(words, language)
    sound = tone(kind, stage)
    if spoken is not None:
        sound = np.concatenate([sound, np.zeros(RATE // 5), spoken])
    return to_wav(sound), spoken is not None


def tone(kind: str, stage: int) -> NDArray[Any]:
    """(n,) samples in -1 … 1 that say what it is without words.

    kind   kind of the alert: "live", "simulation", "exercise" or "test"
    stage  stage of the warning
    """
    pieces = [*BEFORE[kind], *(TONES[stage] if kind != "test" else ())]
    return np.concatenate([_sweep(*piece) for piece in pieces])


def speech(words: str, language: str) -> NDArray[Any] | None:
    """(n,) samples of the words; None where espeak-ng is not installed or cannot speak the
    language.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        return None
    voice = VOICES.get(language, language)
    try:
        spoken = subprocess.run(
            [program, "-v", voice, "-s", str(SPEED), "--stdin", "--stdout"],
            input=words.encode(),
            capture_output=True,
            timeout=SPEAKING_S,
            check=True,
        )
        with wave.open(io.BytesIO(_mended(spoken.stdout))) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64) / 32768.0
            rate = file.getframerate()
    except (OSError, subprocess.SubprocessError, wave.Error, EOFError):
        return None
    if rate != RATE and samples.size:
        samples = np.interp(np.arange(0.0, samples.size, rate / RATE), np.arange(samples.size), samples)
    loudest = float(np.abs(samples).max()) if samples.size else 0.0
    return samples * (LOUDEST / loudest) if loudest > 0.0 else None


def to_wav(samples: NDArray[Any]) -> bytes:
    """Samples in -1 … 1 as a WAV file, 16 bits, one channel.

    samples  (n,) sound pressure, -1 to 1
    """
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
    return out.getvalue()


def write_clips(site: Site, kind: str, out: Path, languages: tuple[str, ...]) -> tuple[int, int]:
    """Write every clip into a folder: how many, and how many of them without words.

    site       the site as its defender declared it
    kind       kind of the alert: "live", "simulation", "exercise" or "test"
    out        the folder to write into
    languages  codes of the languages

    UsageError where that cannot be done.
    """
    if kind not in KINDS:
        raise UsageError(f"kind {kind}: it is live, exercise or simulation")
    try:
        out.mkdir(parents=True, exist_ok=True)
        made = mute = 0
        for each in clips(site, kind, languages):
            (out / each.name).write_bytes(each.content)
            made, mute = made + 1, mute + (not each.spoken)
    except OSError as error:
        raise UsageError(f"{out}: the clips cannot be written: {error.strerror}") from None
    return made, mute


def _sweep(begin: float, end: float, seconds: float) -> NDArray[Any]:
    """A tone that glides from one pitch to another, faded in and out over 10 ms so that it does not
    crack.
    """
    n = round(seconds * RATE)
    if begin <= 0.0:
        return np.zeros(n)
    phase = 2.0 * math.pi * np.cumsum(np.linspace(begin, end, n)) / RATE
    fade = np.minimum(1.0, np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.01 * RATE))
    return LOUDEST * np.sin(phase) * fade


def _mended(content: bytes) -> bytes:
    """A WAV that was streamed has no lengths in its heading: the true ones are put in."""
    at = content.find(b"data")
    if at < 0 or not content.startswith(b"RIFF"):
        return content
    size = len(content) - at - 8
    return (
        content[:4]
        + (len(content) - 8).to_bytes(4, "little")
        + content[8 : at + 4]
        + size.to_bytes(4, "little")
        + content[at + 8 :]
    )
