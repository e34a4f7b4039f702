"""What every table's verbs obey, whatever its rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.messages import tables

few = st.lists(st.integers(-3, 9), max_size=12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(few, few, st.booleans())
def test_a_value_is_among_others_where_one_of_them_equals_it(values, these, many):
    repeat = 400 if many else 1     # so many are sorted, not compared
    found = tables.among(np.array(values * repeat, np.int64), np.array(these * repeat, np.int64))
    assert found.dtype == np.bool_
    assert found.tolist() == [value in these for value in values] * repeat
