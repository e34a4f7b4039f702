"""Laws of the record's encoding: there and back again to the last bit; and no bytes whatever do
more than raise RecordError.
"""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from builders import a_moment
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.errors import RecordError
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.record.codec import decode, differences, encode


@settings(max_examples=60, deadline=None, derandomize=True)
@given(n=st.integers(0, 40), seed=st.integers(0, 2**31), t=st.floats(0.0, 1e6))
def test_there_and_back_again_to_the_last_bit(n, seed, t):
    moment = a_moment(t, n, seed)
    for noun in (moment.frame, moment.picture, moment.drill, moment.truth):
        blob = encode(noun)
        back = decode(blob, type(noun))
        assert encode(back) == blob
        assert not differences(noun, back)


def test_the_payload_of_a_nan_and_the_sign_of_zero_are_kept():
    frame = a_moment(1.0).frame
    odd = np.array([0x7FF8DEADBEEF0001, 0x8000000000000000, 0xFFF0000000000000], np.uint64).view(np.float64)
    frame = frame._replace(detections=frame.detections._replace(snr=odd), late_s=float(odd[0]))
    back = decode(encode(frame), Frame)
    assert back.detections.snr.tobytes() == odd.tobytes()
    assert np.float64(back.late_s).tobytes() == odd[:1].tobytes()


def test_arrays_come_back_contiguous_and_writable_however_they_lay():
    frame = a_moment(1.0, 4).frame
    frame = frame._replace(detections=frame.detections._replace(range=np.arange(8.0)[::2],
        azimuth=np.arange(4.0).astype(">f8")))
    back = decode(encode(frame), Frame).detections
    assert back.range.tolist() == [0.0, 2.0, 4.0, 6.0]
    assert back.azimuth.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert all(column.flags.c_contiguous and column.flags.writeable and column.dtype.isnative for column in back)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(data=st.binary(max_size=200))
def test_no_bytes_whatever_do_more_than_raise_a_record_error(data):
    with contextlib.suppress(RecordError):
        decode(data, Picture)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(at=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_changed_byte_gives_another_picture_or_a_record_error_never_anything_else(at, value):
    blob = bytearray(encode(a_moment(1.0).picture))
    blob[at % len(blob)] = value
    with contextlib.suppress(RecordError):
        decode(bytes(blob), Picture)


def test_deep_nesting_and_great_promises_are_refused():
    for blob in (b"\x92\x00" * 100_000 + b"\xc0", b"\x94\x02\xa3<f8\x91\xce\x7f\xff\xff\xff\xc4\x00",
            b"\xdd\xff\xff\xff\xff"):
        with pytest.raises(RecordError, match="cannot be decoded"):
            decode(blob, Picture)
