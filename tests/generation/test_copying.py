"""find_copies: planted stretches are all found, with their places; what is not there is not."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from textmill.generation import copying
from textmill.generation.copying import Passage, find_copies, least_copied, texts_of, windows
from textmill.tokens import Tokenizer
from textmill.tokens.store import StoreWriter

CANARIES = [
    "The canary sings at 04:17 under bridge number nineteen.",
    "金丝雀在凌晨四点十七分于第十九号桥下歌唱，无人听见。",
    "🐤🎵🌉👩‍👩‍👧‍👦🇨🇳🐤🎶🕓🌉🌊🐤👍🏽🎵🌉🐤",
    "naïve café — Ω≈ç√∫ n̈ with combining marks and dashes",
]
few = st.text("ab", max_size=30)


def slow_reach(text, documents, least):
    """Of each character: the longest stretch that covers it and stands in a document. By trying all."""
    reach = [0] * len(text)
    for start in range(len(text)):
        for stop in range(start + least, len(text) + 1):
            if any(text[start:stop] in document for document in documents):
                reach[start:stop] = [max(before, stop - start) for before in reach[start:stop]]
    return reach


@given(
    st.lists(few, max_size=3),
    st.lists(few, max_size=4),
    st.integers(2, 9),
    st.sampled_from([5, 2_000_000]),
    st.sampled_from([1, 2, 32]),
)
@hypothesis_settings(deadline=None, max_examples=150)
def test_every_common_stretch_is_found_and_nothing_else(texts, documents, least, together, jump):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "READ_TOGETHER", together)  # also where a document is longer than what is read at once
        patch.setattr(copying, "PAIRS_TOGETHER", 7)
        patch.setattr(copying, "JUMP", jump)
        found = find_copies(texts, documents, least)
    for text, copies in zip(texts, found, strict=True):
        assert copies.reach.tolist() == slow_reach(text, documents, least)
        if copies.longest is None:
            assert not copies.reach.any()
            continue
        document, offset, n_chars = copies.longest
        assert n_chars == copies.reach.max()
        assert documents[document][offset : offset + n_chars] == text[copies.at : copies.at + n_chars]


def prose(seed, n_chars, letters):
    draws = random.Random(seed)
    return "".join(draws.choice(letters) for _ in range(n_chars))


@pytest.mark.parametrize("kind", ["bytes", "bpe"])
@pytest.mark.parametrize("canary", CANARIES)
def test_a_canary_is_found_wherever_it_was_planted_and_however_it_was_cut_into_tokens(tmp_path, canary, kind):
    letters = "etaoin shrdlu 的一是在不了 🙂"
    documents = [prose(seed, 400, letters) for seed in range(12)]
    places = {0: 0, 5: 137, 11: 400}  # at a document's beginning, inside one, and at the end of the last
    for number, offset in places.items():
        documents[number] = documents[number][:offset] + canary + documents[number][offset:]
    tokenizer = Tokenizer.train(kind, documents[:8], 300 if kind == "bpe" else None, seed=0)
    with StoreWriter(tmp_path / "train", tokenizer.vocab_size) as writer:
        for text in documents:
            writer.add(tokenizer.encode(text), len(text.encode()), len(text), "x")
        store = writer.close()

    around = prose(99, 60, letters), prose(98, 60, letters)
    text = around[0] + canary + around[1]
    alone, other = find_copies([text, around[0] + around[1]], texts_of(store, tokenizer), least=len(canary) - 1)
    assert alone.longest is not None
    assert alone.longest.n_chars >= len(canary)
    assert alone.longest.document in places
    shift = 60 - alone.at  # what stands before it by chance is part of the stretch
    assert alone.longest.offset + shift == places[alone.longest.document]
    assert alone.reach[60 : 60 + len(canary)].min() >= len(canary)
    assert other.longest is None
    assert other.n_copied(2) == 0


def test_a_stretch_across_the_end_of_a_document_is_no_copy():
    [found] = find_copies(["one half|the other half"], ["xx one half|", "the other half yy"], least=8)
    assert [found.longest, found.n_copied(16)] == [Passage(1, 0, 14), 0]


def test_the_first_of_equal_passages_is_named():
    [found] = find_copies(["a dark and stormy night"], ["no", "so dark and stormy", "a dark and stormy"], least=8)
    assert found.longest == Passage(2, 0, 17)
    [found] = find_copies(["dark and stormy"], ["no", "so dark and stormy", "a dark and stormy"], least=8)
    assert found.longest == Passage(1, 3, 15)


def test_a_loop_in_a_text_that_loops_too_is_found_without_trying_all_pairs():
    [found] = find_copies(["-" * 3000], ["=" * 10 + "-" * 200_000 + "="], least=25)
    assert found.longest is not None
    assert (found.longest.n_chars, found.n_copied(3000)) == (3000, 3000)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(1, 20))
@hypothesis_settings(deadline=None)
def test_windows_are_equal_where_and_only_where_their_characters_are(codes, n):
    numbers = windows(np.array(codes, dtype=np.uint32), n).tolist()
    parts = [tuple(codes[place : place + n]) for place in range(len(codes) - n + 1)]
    assert len(numbers) == len(parts)
    assert len(set(zip(numbers, parts, strict=True))) == len(set(numbers)) == len(set(parts))


def test_texts_without_anything_in_them_have_nothing_in_common():
    assert [copies.longest for copies in find_copies(["", "a"], ["", "a"], least=2)] == [None, None]
    assert find_copies([], ["something"], least=5) == []


def test_chinese_needs_fewer_characters_to_be_a_copy():
    assert least_copied("") == least_copied("123 -- ") == least_copied("Mühle") == 50
    assert least_copied("老磨坊在河边，水车 (mill)。") == 20
