"""plan_windows: each target once, with as much before it as was asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.errors import ConfigError
from textmill.generation import Window, plan_windows

windows_and_strides = st.integers(1, 40).flatmap(lambda w: st.tuples(st.just(w), st.integers(1, w) | st.none()))


@given(st.integers(0, 300), windows_and_strides)
def test_every_target_is_scored_once_and_in_order(n_targets, knobs):
    scored = [place for w in plan_windows(n_targets, *knobs) for place in range(w.first_scored, w.stop)]
    assert scored == list(range(n_targets))


@given(st.integers(1, 300), windows_and_strides)
def test_no_window_is_wider_than_asked_and_each_scores_something(n_targets, knobs):
    for place, window in enumerate(plan_windows(n_targets, *knobs)):
        assert window.stop - window.start <= knobs[0]
        assert window.start <= window.first_scored < window.stop
        assert window.first_scored == window.start or place > 0


@given(st.integers(1, 300), windows_and_strides)
def test_targets_after_the_first_window_see_at_least_window_minus_stride_tokens(n_targets, knobs):
    window, stride = knobs[0], knobs[1] or knobs[0]
    for planned in plan_windows(n_targets, *knobs)[1:]:
        assert planned.first_scored - planned.start == window - stride


@given(st.integers(1, 10**6), st.integers(1, 100) | st.none())
def test_without_a_window_all_is_read_at_once(n_targets, stride):
    assert plan_windows(n_targets, None, stride) == [Window(0, n_targets, 0)]


def test_a_text_of_ten_in_windows_of_four_moved_by_two():
    assert plan_windows(10, 4, 2) == [Window(0, 4, 0), Window(2, 6, 4), Window(4, 8, 6), Window(6, 10, 8)]


def test_the_stride_is_the_window_where_none_is_given():
    assert plan_windows(5, 2, None) == [Window(0, 2, 0), Window(2, 4, 2), Window(4, 5, 4)]


@pytest.mark.parametrize(("window", "stride", "name"), [(4, 5, "stride"), (0, None, "window"), (4, 0, "stride")])
def test_what_would_leave_targets_out_is_refused_by_name(window, stride, name):
    with pytest.raises(ConfigError, match=f"eval.{name}"):
        plan_windows(10, window, stride)
