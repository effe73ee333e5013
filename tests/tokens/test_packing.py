"""Packing loses nothing: every token of every document is a target exactly once in all rows together."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.errors import ConfigError
from textmill.tokens import IGNORED, PackedRows, StoreWriter, TokenStore

MARK = 256


def stored(folder: Path, documents: list[list[int]]) -> TokenStore:
    with StoreWriter(folder, MARK + 1) as writer:
        for number, ids in enumerate(documents):
            writer.add(ids, len(ids), len(ids), f"d:{number}")
    return TokenStore(folder)


def rows_of(folder: Path, documents: list[list[int]], seq_len: int, begin_mark: bool, isolate: bool) -> PackedRows:
    return PackedRows(stored(folder / "s", documents), seq_len, MARK, begin_mark, isolate)


DOCUMENTS = st.lists(st.lists(st.integers(0, 255), max_size=12), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(documents=DOCUMENTS, seq_len=st.integers(1, 9), isolate=st.booleans())
def test_every_token_and_mark_is_a_target_once_and_is_read_after_what_stands_before_it(
    documents: list[list[int]], seq_len: int, isolate: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = rows_of(tmp_path_factory.mktemp("rows"), documents, seq_len, begin_mark=True, isolate=isolate)

    read = [pair for r in range(len(rows)) for pair in zip(*(x.tolist() for x in rows.row(r)), strict=True)]

    # Each document is read as mark + tokens and predicts tokens + mark.
    expected = [
        (before, target, number if isolate else 0)
        for number, ids in enumerate(documents)
        for before, target in zip([MARK, *ids], [*ids, MARK], strict=True)
    ]
    assert read == expected
    assert rows.n_targets == len(expected)
    assert {len(rows.row(r)[0]) for r in range(len(rows) - 1)} <= {seq_len}


@settings(deadline=None, max_examples=60)
@given(documents=DOCUMENTS, seq_len=st.integers(1, 9), isolate=st.booleans())
def test_without_a_begin_mark_the_first_token_is_only_read(
    documents: list[list[int]], seq_len: int, isolate: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = rows_of(tmp_path_factory.mktemp("rows"), documents, seq_len, begin_mark=False, isolate=isolate)

    read = [pair for r in range(len(rows)) for pair in zip(*(x.tolist() for x in rows.row(r)), strict=True)]

    stream = [(token, number) for number, ids in enumerate(documents) for token in [*ids, MARK]]
    expected = [
        (token, after if same or not isolate else IGNORED, number if isolate else 0)
        for (token, number), (after, next_number) in itertools.pairwise(stream)
        for same in [number == next_number]
    ]
    assert read == expected
    assert rows.n_targets == sum(target != IGNORED for _, target, _ in expected)


@settings(deadline=None, max_examples=50)
@given(documents=DOCUMENTS, seq_len=st.integers(1, 9), isolate=st.booleans(), begin_mark=st.booleans(), data=st.data())
def test_a_batch_is_its_rows_padded_on_the_right(
    documents: list[list[int]],
    seq_len: int,
    isolate: bool,
    begin_mark: bool,
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    rows = rows_of(tmp_path_factory.mktemp("rows"), documents, seq_len, begin_mark, isolate)
    if not len(rows):
        return
    indices = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=5))

    ids, targets, segments = rows.batch(indices)

    width = max(len(rows.row(i)[0]) for i in indices)
    assert ids.dtype == targets.dtype == torch.int64
    assert ids.shape == targets.shape == (len(indices), width)
    padded = any(len(rows.row(i)[0]) < width for i in indices)
    assert (segments is None) == (not isolate and not padded)
    segments = torch.zeros_like(ids) if segments is None else segments
    for line, i in enumerate(indices):
        n = len(rows.row(i)[0])
        for whole, part in zip((ids, targets, segments), rows.row(i), strict=True):
            assert whole[line, :n].tolist() == part.tolist()
        assert targets[line, n:].tolist() == [IGNORED] * (width - n)
        assert segments[line, n:].tolist() == [-1] * (width - n)


CASE_12 = [[1] * 5, [2] * 3, [3] * 4]  # lengths with end mark 6, 4, 5


@pytest.mark.parametrize(("isolate", "n_targets"), [(True, 12), (False, 14)])
def test_three_documents_of_6_4_and_5_tokens_have_12_targets_apart_and_14_together(
    isolate: bool, n_targets: int, tmp_path: Path
) -> None:
    rows = rows_of(tmp_path, CASE_12, 15, begin_mark=False, isolate=isolate)

    ids, targets, segments = rows.row(0)

    assert rows.n_targets == n_targets == int((targets != IGNORED).sum())
    assert ids.tolist() == [1, 1, 1, 1, 1, MARK, 2, 2, 2, MARK, 3, 3, 3, 3]
    assert segments.tolist() == ([0] * 6 + [1] * 4 + [2] * 4 if isolate else [0] * 14)


def test_positions_in_isolated_documents_are_those_of_case_12(tmp_path: Path) -> None:
    _, _, segments = rows_of(tmp_path, CASE_12, 15, begin_mark=True, isolate=True).row(0)

    positions = np.concatenate([np.arange((segments == number).sum()) for number in range(3)])
    assert positions.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 0, 1, 2, 3, 4]
    assert segments.tolist() == [0] * 6 + [1] * 4 + [2] * 5


@pytest.mark.parametrize(("begin_mark", "n_targets"), [(True, 26), (False, 25)])
def test_a_text_of_25_bytes_is_one_short_row_of_24_next_bytes_and_its_marks(
    begin_mark: bool, n_targets: int, tmp_path: Path
) -> None:
    rows = rows_of(tmp_path, [list(range(25))], 64, begin_mark, isolate=False)

    assert (len(rows), rows.n_targets, len(rows.row(0)[0])) == (1, n_targets, n_targets)
    assert rows.batch([0])[2] is None


def test_a_row_that_is_exactly_the_whole_text_is_read(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, [[1, 2, 3]], 4, begin_mark=True, isolate=False)
    assert [x.tolist() for x in rows.row(0)] == [[MARK, 1, 2, 3], [1, 2, 3, MARK], [0, 0, 0, 0]]


def test_no_text_is_no_row_and_a_row_that_is_not_there_is_an_index_error(tmp_path: Path) -> None:
    assert len(rows_of(tmp_path / "none", [], 4, begin_mark=False, isolate=True)) == 0
    assert len(rows_of(tmp_path / "mark", [[]], 4, begin_mark=False, isolate=True)) == 0
    rows = rows_of(tmp_path / "some", [[1, 2, 3]], 2, begin_mark=True, isolate=False)
    for wrong in ([2], [-1], []):
        with pytest.raises(IndexError):
            rows.batch(wrong)


def test_a_row_length_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="seq_len is 0"):
        rows_of(tmp_path, [[1]], 0, begin_mark=True, isolate=False)
