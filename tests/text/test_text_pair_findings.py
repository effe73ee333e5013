"""What a look says of pairs: a slip is found by its place and its lines, and nothing is said of clean pairs."""

from __future__ import annotations

import random

import pytest

from textmill.text.aligned import SentencePair
from textmill.text.pair_findings import findings_of_pairs, slip_in
from textmill.text.worlds import Pairs

WORLD = Pairs(seed=5)
PAIRS = [WORLD.item(number) for number in range(5200)]
SOURCES, TARGETS = [pair.source for pair in PAIRS], [pair.target for pair in PAIRS]


def sliding(at, n_lost, side, sources=SOURCES, targets=TARGETS):
    """Both sides, n_lost lines missing on one from `at` on, and the other cut to its length."""
    sides = [list(sources), list(targets)]
    del sides[side][at : at + n_lost]
    n = min(map(len, sides))
    return sides[0][:n], sides[1][:n]


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("n_lost", [1, 2, 3])
@pytest.mark.parametrize("at", [400, 3000, 4900])
def test_a_slip_is_found_within_fifty_lines_and_by_its_size(at, n_lost, side):
    place, shift = slip_in(*sliding(at, n_lost, side))
    assert abs(place - at) <= 50
    assert shift == (n_lost if side == 0 else -n_lost)


def test_a_slip_among_lines_of_like_length_is_found_by_their_words():
    order = sorted(range(len(SOURCES)), key=lambda number: (len(SOURCES[number]), number))
    sources, targets = [SOURCES[number] for number in order], [TARGETS[number] for number in order]
    assert slip_in(sources, targets) is None
    place, shift = slip_in(*sliding(4600, 1, 1, sources, targets))
    assert abs(place - 4600) <= 50 and shift == -1


@pytest.mark.parametrize("seed", range(5))
def test_clean_pairs_raise_no_alarm(seed):
    world = Pairs(seed=seed, direction="zh-en" if seed % 2 else "en-zh")
    pairs = [world.item(number) for number in range(1500)]
    random.Random(seed).shuffle(pairs)
    documents = [SentencePair(pair.source, pair.target, f"w:{n}").document() for n, pair in enumerate(pairs, 1)]
    assert findings_of_pairs(documents) == []


def test_copies_and_far_lengths_are_counted_and_named():
    pairs = [SentencePair(one, two, f"w:{n}") for n, (one, two) in enumerate(zip(SOURCES, TARGETS, strict=True), 1)]
    pairs = pairs[:300]
    pairs[6] = SentencePair("the same", "the same", "w:7")
    pairs[11] = SentencePair("a very long sentence that nobody has translated at all", "桥", "w:12")
    pairs[12] = SentencePair("no", "y", "w:13")
    copies, far = findings_of_pairs(pair.document() for pair in pairs)
    assert copies == "1 pair has the same text on both sides: w:7."
    assert "w:12" in far and "w:13" not in far
    assert findings_of_pairs([]) == []


def test_a_side_in_the_language_of_the_other_is_named_and_two_alike_languages_are_told_apart():
    pairs = list(zip(SOURCES, TARGETS, strict=True))
    pairs[40] = (pairs[40][0], pairs[41][0])  # not translated, but another line's source
    pairs[77] = pairs[77][::-1]
    found = findings_of_pairs([SentencePair(*pair, f"a:{n}").document() for n, pair in enumerate(pairs)])
    [told] = [sentence for sentence in found if "language of the other side" in sentence]
    assert told.startswith("2 pairs") and "a:40" in told and "a:77" in told

    draw = random.Random(5)
    words = [[f"{stem}{ending}" for stem in ("ka", "to", "mi", "ser", "lun", "pol")] for ending in ("a", "en")]
    alike = [tuple(" ".join(draw.choices([*side, "san", "bor"], k=6)) for side in words) for _ in range(300)]
    documents = [SentencePair(*pair, f"b:{n}").document() for n, pair in enumerate(alike)]
    assert not any("language" in sentence for sentence in findings_of_pairs(documents))
    documents[9] = SentencePair(alike[9][0], alike[10][0], "b:9").document()
    assert any("language" in sentence and "b:9" in sentence for sentence in findings_of_pairs(documents))
