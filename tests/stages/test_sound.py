"""What is heard: tones that differ by kind and stage, words in every language, clips that any player opens."""

from __future__ import annotations

import io
import itertools
import wave

import numpy as np
import pytest
from alert_builders import a_told_site, espeak

from skywarden.alerts import sound
from skywarden.alerts.words import LANGUAGES
from skywarden.messages.picture import ALL_CLEAR, TAKE_COVER


def samples(content):
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, sound.RATE)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_no_two_kinds_and_no_two_stages_sound_alike():
    tones = {(kind, stage): sound.tone(kind, stage) for kind in ("live", "exercise", "simulation")
        for stage in sound.SAID}
    tones["test", 0] = sound.tone("test", 0)
    for (a, one), (b, other) in itertools.combinations(tones.items(), 2):
        assert one.size != other.size or np.abs(one - other).max() > 0.1, (a, b)
        n = min(one.size, other.size, sound.RATE)
        assert a[0] == b[0] or np.abs(one[:n] - other[:n]).max() > 0.1, f"{a} and {b} begin alike"


def test_a_machine_without_espeak_gets_tones_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(sound.shutil, "which", lambda program: None)
    made, mute = sound.write_clips(a_told_site(zones=1), "live", tmp_path / "clips", ("en",))
    assert made == mute == 6
    assert all(samples(file.read_bytes()).size for file in (tmp_path / "clips").iterdir())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_spoken_and_each_zone_by_its_name(language):
    espeak()
    site = a_told_site(zones=2)
    one, spoken = sound.clip(site, "live", "zone 0", TAKE_COVER, language)
    other, _ = sound.clip(site, "live", "zone 1", TAKE_COVER, language)
    clear, _ = sound.clip(site, "live", "zone 0", ALL_CLEAR, language)
    assert spoken
    alone = sound.tone("live", TAKE_COVER).size
    assert samples(one).size > alone + 0.8 * sound.RATE
    assert one != other
    assert one != clear
