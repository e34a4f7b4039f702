"""What a person says a track is: it counts until it is taken back, it reaches the warnings, and a replay repeats it."""

from __future__ import annotations

import numpy as np
from builders import a_frame, a_scenario, a_site, a_zone, some_tracks

from skywarden.defence import reclassify
from skywarden.defence.reclassify import KEPT_S, dismissed, heed
from skywarden.defence.watch import start, watch
from skywarden.feeds.simulated import Simulated
from skywarden.messages.commands import RECLASSIFY, Command
from skywarden.messages.picture import CLEAR, HELD, RAISE
from skywarden.messages.tables import rows
from skywarden.record.codec import encode

THREE = [(0.0, 0.0, 500.0, 10.0, 0.0, 50.0)] * 3


def said(t, *subjects):
    return a_frame(t, *((RECLASSIFY, subject, "mira") for subject in subjects))


def kinds(tracks):
    return tracks.kind.argmax(axis=1).tolist()


def test_a_mark_counts_for_its_track_alone_until_it_is_taken_back():
    tracks = some_tracks(*THREE, projectile=[0.9, 0.6, 0.2])
    marks, seen = heed(reclassify.start(), tracks, said(1.0, "2 aircraft"))
    assert seen.kind[1].tolist() == [0.0, 1.0, 0.0]
    np.testing.assert_array_equal(seen.kind[[0, 2]], tracks.kind[[0, 2]])
    assert dismissed(marks).tolist() == [2]
    marks, seen = heed(marks, tracks, said(2.0))
    assert kinds(seen)[1] == 1
    marks, seen = heed(marks, tracks, said(3.0, "2 projectile", "3 other"))
    assert kinds(seen)[1:] == [0, 2]
    assert dismissed(marks).tolist() == [3]
    marks, seen = heed(marks, tracks, said(4.0, "2 none", "3 none"))
    np.testing.assert_array_equal(seen.kind, tracks.kind)
    assert marks == ()


def test_words_that_make_no_sense_change_nothing():
    tracks = some_tracks(*THREE)
    marks, seen = heed(reclassify.start(), tracks, said(1.0, "2 dragon", "two aircraft", "aircraft", "",
        "9" * 40 + " aircraft", "² aircraft"))
    assert marks == ()
    assert seen is tracks


def test_the_mark_of_a_track_that_is_gone_is_forgotten_after_a_while():
    tracks = some_tracks(*THREE)
    marks, _ = heed(reclassify.start(), tracks, said(1.0, "2 aircraft"))
    none = some_tracks()
    marks, _ = heed(marks, none, said(1.0 + KEPT_S))
    assert len(marks) == 1
    marks, _ = heed(marks, none, said(1.1 + KEPT_S))
    assert marks == ()


def test_calling_the_rounds_aircraft_gives_the_all_clear_taking_it_back_warns_again_and_a_replay_repeats_it():
    site = a_site(zones=(a_zone(half=600.0),))
    frames, pictures, state = [], [], start(site)
    marked = freed = None
    for frame, _ in Simulated(a_scenario(), site):
        standing = bool(pictures) and bool((pictures[-1].warnings.action != CLEAR).any())
        about = [] if not pictures else pictures[-1].impacts.track.tolist()
        if marked is None and standing and rows(pictures[-1].impacts) >= 2:
            marked = frame.t
        if marked is not None and marked <= frame.t < marked + 4.0:     # everything that comes, also what is new
            frame = frame._replace(commands=tuple(Command(frame.t, RECLASSIFY, f"{k} aircraft", "mira",
                "our own drill") for k in about))
        elif marked is not None and freed is None:
            freed = frame.t
            frame = frame._replace(commands=tuple(Command(frame.t, RECLASSIFY, f"{mark.track} none", "mira", "wrong")
                for mark in state.marks))
        state, picture = watch(state, frame, site)
        frames.append(frame)
        pictures.append(picture)
    acts = [(p.t, int(a)) for p in pictures for a in p.warnings.action if a != HELD]
    assert [act for _, act in acts][:3] == [RAISE, CLEAR, RAISE]
    assert marked <= acts[1][0] < marked + 1.0      # no waiting for an all-clear that nothing is behind
    assert acts[2][0] >= freed
    again = start(site)
    for frame, picture in zip(frames, pictures, strict=True):
        again, repeated = watch(again, frame, site)
        assert encode(repeated) == encode(picture)
