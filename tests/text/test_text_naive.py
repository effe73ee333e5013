"""The naive split beside the one that training makes: they differ by repeats alone; a sample keeps repeats together."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.text import SplitPlan, plan_split
from textmill.text.naive import GROUP_SHARE, LONGEST_SHARE, TwoSplits, naive_order, sample_of_groups
from textmill.text.worlds import Sentiment, plant

REVIEWS = [Sentiment(seed=3).item(number).text for number in range(400)]


def plan_of(texts: list[str], folder: Path, **knobs: object) -> SplitPlan:
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return plan_split(DataConfig(paths=(str(path),), **knobs), split_twice=True)  # type: ignore[arg-type]


def two_splits(plan: SplitPlan) -> TwoSplits:
    assert plan.twice is not None
    return plan.twice


def test_without_repeats_both_splits_are_the_same(tmp_path: Path) -> None:
    twice = two_splits(plan_of(sorted(set(REVIEWS)), tmp_path, near_duplicates="off"))

    assert twice.naive.held.any() and twice.naive.train.any()
    assert np.array_equal(twice.naive.held, twice.grouped.held)
    assert np.array_equal(twice.naive.train, twice.grouped.train)


def test_repeats_stand_on_both_sides_of_the_naive_split_alone(tmp_path: Path) -> None:
    copied = list(plant(REVIEWS, share=0.4, kinds=("exact", "normalised"), seed=1))
    twice = two_splits(plan_of([document.text for document in copied], tmp_path))
    given_texts = np.array([document.given for document in copied])

    def straddling(train: np.ndarray, held: np.ndarray) -> int:
        return len(np.intersect1d(given_texts[train], given_texts[held]))

    assert straddling(twice.grouped.train, twice.grouped.held) == 0
    assert straddling(twice.naive.train, twice.naive.held) > 10


def test_naively_nothing_is_dropped_and_the_shares_are_the_same(tmp_path: Path) -> None:
    texts = [document.text for document in plant(REVIEWS, share=0.4, seed=2)]
    twice = two_splits(plan_of(texts, tmp_path, duplicates="normalised", valid_share=0.1, test_share=0.1))

    assert (twice.naive.train ^ twice.naive.held).all()
    assert not (twice.grouped.train | twice.grouped.held).all()
    assert twice.sizes[twice.naive.held].sum() == pytest.approx(0.2 * twice.sizes.sum(), rel=0.1)


def test_a_part_that_was_given_is_held_out_in_both_splits(tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text(REVIEWS[0])
    texts = [*REVIEWS[:50], REVIEWS[0]]
    twice = two_splits(plan_of(texts, tmp_path, test=(str(tmp_path / "test.txt"),), valid_share=0.0))

    place = len(texts)
    assert np.flatnonzero(twice.naive.held).tolist() == np.flatnonzero(twice.grouped.held).tolist() == [place]
    leaks = [number for number, text in enumerate(texts) if text == REVIEWS[0]]
    assert twice.naive.train[leaks].all() and not twice.grouped.train[leaks].any()


def test_nobody_pays_for_the_naive_split_unasked(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(REVIEWS))

    assert plan_split(DataConfig(paths=(str(path),), unit="line")).twice is None
    assert plan_split(DataConfig(paths=(str(path),)), split_twice=True).twice is None  # one document is cut


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.integers(0, 5))
def test_the_naive_order_holds_every_document_once_and_keeps_first_ones_in_the_order_of_hashes(
    numbers: list[int], seed: int
) -> None:
    order = naive_order(np.array(numbers, dtype=np.int64), seed).tolist()

    assert sorted(order) == list(range(len(numbers)))
    firsts = [numbers.index(number) for number in sorted(set(numbers))]
    assert [place for place in order if place in firsts] == firsts
    assert order == naive_order(np.array(numbers, dtype=np.int64), seed).tolist()


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 400)), min_size=1, max_size=80),
    st.integers(100, 2000),
    st.integers(0, 5),
)
def test_a_sample_is_bounded_takes_groups_from_their_beginning_and_all_of_a_small_text(
    documents: list[tuple[int, int]], limit: int, seed: int
) -> None:
    groups, sizes = (np.array(column, dtype=np.int64) for column in zip(*documents, strict=True))
    chosen = sample_of_groups(groups, sizes, limit, seed)

    assert chosen.any()
    if sizes.sum() <= limit:
        assert chosen.all()
        return
    counted = np.minimum(sizes, max(1, limit // LONGEST_SHARE))
    assert counted[chosen].sum() <= limit
    for group in np.unique(groups):
        own = chosen[groups == group]
        assert counted[(groups == group) & chosen].sum() <= limit // GROUP_SHARE
        assert not (~own[:-1] & own[1:]).any()  # none after one that was left out
    # At most one group is cut short by the end of the sample; others by their own bound, or they are out.
    cut = [
        group
        for group in np.unique(groups)
        if 0 < chosen[groups == group].sum() < (groups == group).sum()
        and counted[groups == group].sum() <= limit // GROUP_SHARE
    ]
    assert len(cut) <= 1
