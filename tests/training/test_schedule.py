"""The course of the learning rate, by hand."""

import pytest

from textmill.training.schedule import COURSES, Plan


def plan(schedule: str, steps: int, warmup: int = 0, end: float = 0.0, decay_share: float = 0.5) -> Plan:
    return Plan(steps, 0, schedule, warmup, decay_share, end, None, 1, 1, 1)


def test_cosine_with_warm_up_is_the_one_of_case_15() -> None:
    # peak 0.001, 2 warm-up updates, then to 0.0001 at update 6: 0.001·k/2, then 0.0001 + 0.00045·(1 + cos(π(k−2)/4))
    rates = [0.001 * plan("cosine", 6, 2, 0.1).rate_factor(k) for k in range(1, 7)]
    assert rates == pytest.approx([0.0005, 0.001, 0.0008681980515, 0.00055, 0.0002318019485, 0.0001], abs=1e-12)


def test_wsd_is_level_and_then_falls_in_a_straight_line_without_reaching_zero() -> None:
    # 8 steps, the last half falls: 4 steps from 1 by quarters
    assert [plan("wsd", 8).rate_factor(k) for k in range(1, 9)] == [1, 1, 1, 1, 1, 0.75, 0.5, 0.25]


def test_linear_falls_from_the_peak_to_one_last_share() -> None:
    assert [plan("linear", 4).rate_factor(k) for k in range(1, 5)] == [1, 0.75, 0.5, 0.25]


@pytest.mark.parametrize("schedule", COURSES)
@pytest.mark.parametrize(("steps", "warmup"), [(1, 0), (2, 1), (7, 3), (100, 10)])
def test_no_step_ever_has_a_rate_of_zero_or_above_the_peak(schedule: str, steps: int, warmup: int) -> None:
    course = plan(schedule, steps, warmup, end=0.1)
    assert all(0 < course.rate_factor(k) <= 1 for k in range(1, steps + 1))
