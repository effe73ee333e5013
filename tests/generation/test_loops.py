"""loop_rate: planted loops are found, and people's prose, verse and tables are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.generation import find_loop, loop_rate

PROSE = [
    "When the rain had passed, the keeper of the bridge came out with a lamp, counted the carts that were waiting, "
    "and let them go over one by one; the last of them, he said, had been on the road since morning.",
    "Never, never, never shall I say so, my lord! Go, go, go to thy chamber; and to-morrow, and to-morrow, we shall "
    "speak of it again. Knock, knock, knock! Who is there? Ha, ha, ha!",
    "雨停了以后，看桥的老人提着灯走出来，数了数等着的车，让它们一辆一辆地过去。他说，最后那一辆车，从早上就在路上了。",
    "他笑了笑，说：好，好，好！大家也都哈哈哈地笑起来，一天又一天，一年又一年，日子就这样过去了。",
    "name      size    time\n----      ----    ----\na.txt     120     11:04\nb.txt     95      11:09\n"
    + "=" * 79
    + "\n\n        deep.indented(call)\n",
    "def f(x):\n    if x:\n        return 1\n    if not x:\n        return 2\n    raise ValueError\n",
]

LOOPS = [
    "The gate was open. " + "He said that he would go. " * 4,
    "the " * 20,
    "aaaa" * 15,
    "我们都知道，" * 4,
    "he said: " + "\n\n" * 100,
    "." * 200,
    ("A whole paragraph can come back as well, word for word, with its comma and its full stop. " * 3)[:-30]
    + " " * 30
    + "A whole paragraph can come back as well, word for word, with its comma and its full stop. " * 3,
]


@pytest.mark.parametrize("text", PROSE)
def test_what_people_write_holds_no_loop(text):
    assert find_loop(text) is None


@pytest.mark.parametrize("text", LOOPS)
def test_a_planted_loop_is_found_where_it_stands(text):
    loop = find_loop(text)
    assert loop is not None
    stretch = text[loop.start : loop.stop]
    unit = stretch[: loop.period]
    assert len(stretch) >= 3 * loop.period
    assert (unit * len(stretch)).startswith(stretch)


@given(st.sampled_from(PROSE), st.text(min_size=1, max_size=30), st.integers(3, 6), st.sampled_from(PROSE))
def test_any_unit_repeated_often_enough_is_found(before, unit, n_repeats, after):
    n_repeats = max(n_repeats, -(-160 // len(unit.encode())))
    assert find_loop(before + unit * n_repeats + after) is not None
    assert find_loop(before + unit * n_repeats) is not None


def test_two_repeats_are_no_loop_and_three_are():
    unit = "and so the long story went on; "
    assert find_loop(unit * 2 + unit[:-5]) is None
    assert find_loop(unit * 3) is not None


def test_the_rate_is_the_share_of_texts():
    assert loop_rate([*LOOPS[:1], *PROSE[:3]]) == 0.25
    assert loop_rate([]) == 0.0
