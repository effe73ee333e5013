"""Near duplicates: planted copies are found, what only looks alike is not, whatever the order, size or script."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import unicodedata
from collections import defaultdict

import numpy as np
import pytest

from textmill.text import near
from textmill.text.near import LEAST_TOKENS, NearDuplicates, folded, gram_hashes, pieces, run_hashes, tokens
from textmill.text.normalise import normalised

ENGLISH = [a + b + c for a in "bdfglmnprst" for b in ("a", "e", "i", "o", "ou") for c in ("ck", "nd", "rt", "lly", "m")]
CHINESE = [chr(0x4E00 + code) for code in range(0, 3000, 3)]


def written(words: list[str]) -> str:
    """English with blanks, Chinese without; a full stop here and there."""
    between = "" if words[0] in CHINESE else " "
    stop = "。" if words[0] in CHINESE else ". "
    return stop.join(between.join(words[start : start + 15]) for start in range(0, len(words), 15)) + stop.strip()


def with_one_in(n: int, words: list[str], vocabulary: list[str], rng: random.Random) -> list[str]:
    changed = list(words)
    for place in rng.sample(range(len(words)), round(len(words) / n)):
        changed[place] = rng.choice([word for word in vocabulary if word != words[place]])
    return changed


def groups_of(texts: list[str], seed: int = 0) -> list[int]:
    finder = NearDuplicates(seed)
    for text in texts:
        finder.add(text)
    return finder.groups().tolist()


def partition(groups: list[int], names: list[int]) -> set[frozenset[int]]:
    members = defaultdict(set)
    for name, group in zip(names, groups, strict=True):
        members[group].add(name)
    return {frozenset(some) for some in members.values()}


@pytest.mark.parametrize("vocabulary", [ENGLISH, CHINESE], ids=["english", "chinese"])
def test_of_copies_with_one_word_in_thirty_changed_95_percent_are_found_and_1_percent_of_the_others_flagged(vocabulary):
    rng = random.Random(1)
    originals = [rng.choices(vocabulary, k=rng.randrange(200, 400)) for _ in range(300)]
    copies = [with_one_in(30, words, vocabulary, rng) for words in originals[:200]]

    group = groups_of([written(words) for words in [*originals, *copies]])

    found = sum(group[300 + number] == group[number] for number in range(200))
    sizes = np.bincount(group)
    flagged = sum(sizes[group[number]] > 1 for number in range(200, 300))
    assert found >= 0.95 * 200
    assert flagged <= 0.01 * 100


def test_the_groups_do_not_depend_on_the_order_of_the_documents():
    rng = random.Random(2)
    originals = [rng.choices(ENGLISH, k=80) for _ in range(60)]
    copies = [with_one_in(one_in, words, ENGLISH, rng) for words in originals[:40] for one_in in (40, 20, 13)]
    texts = [written(words) for words in [*originals, *copies]] + ["short one", "short one", "another"]
    forth = list(range(len(texts)))
    mixed = rng.sample(forth, len(forth))

    here = partition(groups_of(texts), forth)
    there = partition(groups_of([texts[number] for number in mixed]), mixed)

    assert here == there
    assert 60 <= len(here) < len(texts) - 2


def test_a_group_is_named_by_its_first_member_and_a_document_alone_by_itself():
    text = written(random.Random(3).choices(ENGLISH, k=100))
    other = written(random.Random(4).choices(ENGLISH, k=100))

    assert groups_of([other, text, "a", "b", text + " indeed", "A", text.upper()]) == [0, 1, 2, 3, 1, 2, 1]


def test_groups_may_be_asked_for_between_documents_and_again():
    text = written(random.Random(5).choices(ENGLISH, k=100))
    finder = NearDuplicates()
    assert finder.groups().tolist() == []
    assert finder.clusters(5) == []
    finder.add(text)
    finder.add("short")
    assert finder.groups().tolist() == [0, 1]
    finder.add(text + " more")
    finder.add("Short ")
    assert finder.groups().tolist() == finder.groups().tolist() == [0, 1, 0, 1]


def test_clusters_come_largest_first_and_hold_no_document_that_stands_alone():
    texts = ["a", "b", "b", "c", "a", "d", "a", "e", "e"]
    finder = NearDuplicates()
    for text in texts:
        finder.add(text)

    assert finder.clusters(10) == [[0, 4, 6], [1, 2], [7, 8]]
    assert finder.clusters(1) == [[0, 4, 6]]


@pytest.mark.parametrize(
    "texts",
    [
        ["The room was clean and the staff were kind.", "The room was clean and the staff were rude."],
        [
            "房间很干净，早餐丰富，服务员态度也好，下次还会再来住。",
            "房间很干净，早餐丰富，服务员态度不好，下次不会再来住。",
        ],
        ["", " "] + ["!!!", "???"],
    ],
)
def test_short_texts_are_duplicates_only_if_they_are_equal_once_normalised(texts):
    same = {normalised(text) for text in texts}

    assert len(set(groups_of(texts + texts))) == len(same)


def test_near_duplicates_are_judged_from_so_many_words_on():
    rng = random.Random(6)
    for n, near_by in ((LEAST_TOKENS - 1, False), (LEAST_TOKENS, True)):
        words = rng.sample(ENGLISH, n)
        other = [*words[:-1], "entirely"]
        assert (groups_of([" ".join(words), " ".join(other)]) == [0, 0]) == near_by


def test_documents_around_one_boilerplate_of_three_fifths_are_told_apart_and_a_copy_among_them_found():
    rng = random.Random(7)
    boilerplate = rng.choices(ENGLISH, k=180)
    documents = [boilerplate + rng.choices(ENGLISH, k=120) for _ in range(500)]
    copy = with_one_in(30, documents[7], ENGLISH, rng)

    group = groups_of([written(words) for words in [*documents, copy]])

    assert group[500] == 7
    assert len(set(group)) >= 495


def test_copies_are_found_where_a_thousand_documents_agree_and_each_is_compared_with_one_other(monkeypatch):
    monkeypatch.setattr(near, "WINDOW", 1)
    rng = random.Random(14)
    boilerplate = rng.choices(ENGLISH, k=65)
    documents = [boilerplate + rng.choices(ENGLISH, k=35) for _ in range(1000)]
    copies = [with_one_in(30, words, ENGLISH, rng) for words in documents[:20]]

    group = groups_of([written(words) for words in [*documents, *copies]])

    assert sum(group[1000 + number] == group[number] for number in range(20)) >= 19


def test_a_chain_of_near_duplicates_is_one_group_though_its_ends_differ():
    rng = random.Random(8)
    chain = [rng.choices(ENGLISH, k=300)]
    for _ in range(30):
        chain.append(with_one_in(40, chain[-1], ENGLISH, rng))

    assert set(groups_of([written(words) for words in chain])) == {0}
    assert groups_of([written(chain[0]), written(chain[-1])]) == [0, 1]


def test_a_document_that_holds_another_and_three_times_as_much_is_not_near_it():
    rng = random.Random(9)
    words = rng.choices(ENGLISH, k=200)

    assert groups_of([written(words), written(words + rng.choices(ENGLISH, k=600))]) == [0, 1]


@pytest.mark.parametrize("vocabulary", [ENGLISH, CHINESE], ids=["english", "chinese"])
def test_a_document_read_in_pieces_has_the_group_of_one_read_at_once(monkeypatch, vocabulary):
    rng = random.Random(10)
    words = rng.choices(vocabulary, k=6000)
    copy = with_one_in(30, words, vocabulary, rng)
    in_pieces = NearDuplicates()
    in_pieces.add(written(words))

    monkeypatch.setattr(near, "PIECE", 2000)
    monkeypatch.setattr(near, "LONGEST_WORD", 50)
    in_pieces.add(written(copy))
    in_pieces.add(written(rng.choices(vocabulary, k=6000)))
    in_pieces.add("-" * 5000)
    in_pieces.add("=" * 5000)

    assert in_pieces.groups().tolist() == [0, 0, 2, 3, 4]


@pytest.mark.parametrize("between", ["", " ", "\n", "a\n"])
def test_pieces_together_are_the_text_and_no_piece_is_much_longer_than_it_may_be(monkeypatch, between):
    monkeypatch.setattr(near, "PIECE", 100)
    monkeypatch.setattr(near, "LONGEST_WORD", 20)
    text = between.join(["word"] * 300)

    cut = list(pieces(text))

    assert "".join(cut) == text
    assert max(map(len, cut)) <= 120
    assert len(cut) >= len(text) / 120
    if "\n" in between:
        assert all(piece.endswith("\n") for piece in cut[:-1])


def test_the_signature_estimates_how_much_two_sets_of_shingles_overlap():
    rng = random.Random(11)
    words = [f"w{number}" for number in range(600)]
    rng.shuffle(words)
    overlaps, estimates = [], []
    for shared in range(100, 400, 20):
        one, other = words[:400], words[:shared] + [word + "x" for word in words[shared:400]]
        sets = [
            {tuple(some[n : n + near.SHINGLE]) for n in range(len(some) - near.SHINGLE + 1)} for some in (one, other)
        ]
        overlaps.append(len(sets[0] & sets[1]) / len(sets[0] | sets[1]))
        signatures, _ = near._signatures([" ".join(one), " ".join(other)], LEAST_TOKENS, 0)
        estimates.append(float((signatures[0] == signatures[1]).mean()))

    # Standard error of one estimate: sqrt(J (1 - J) / N_PERMUTATIONS), at most 0.044.
    assert np.abs(np.array(overlaps) - estimates).max() < 4 * 0.044
    assert abs(np.mean(overlaps) - np.mean(estimates)) < 0.03


def test_words_are_tokens_and_so_is_each_character_of_a_script_without_blanks():
    text = "The cat's 2nd naïve नमस्ते 猫は3匹 สวัสดี 한국어, ok_"
    _, starts, ends = tokens(text)

    assert [text[start:end] for start, end in zip(starts, ends, strict=True)] == [
        *("The", "cat", "s", "2nd", "naïve", "नमस्ते", "猫", "は", "3", "匹"),
        *("ส", "ว", "ั", "ส", "ด", "ี", "한국어", "ok"),
    ]


def test_tokens_have_equal_hashes_if_and_only_if_they_are_equal():
    rng = random.Random(12)
    words = ["".join(rng.choices("abc猫é", k=rng.randrange(1, 4))) for _ in range(3000)]
    text = " ".join(words)
    hashes, starts, ends = tokens(text)
    strings = [text[start:end] for start, end in zip(starts, ends, strict=True)]

    assert len(set(zip(hashes.tolist(), strings, strict=True))) == len(set(hashes.tolist())) == len(set(strings))
    runs = gram_hashes(hashes, 5).tolist()
    expected = [tuple(strings[n : n + 5]) for n in range(len(strings) - 4)]
    assert len(set(zip(runs, expected, strict=True))) == len(set(runs)) == len(set(expected))


def test_a_run_has_the_same_hash_wherever_it_stands():
    values = np.random.default_rng(0).integers(0, 1 << 63, 1000, dtype=np.uint64)
    moved = np.concatenate([values[:10], values])

    here = run_hashes(values, np.array([0, 100]), np.array([1000, 137]))
    there = run_hashes(moved, np.array([10, 110]), np.array([1010, 147]))

    assert here.tolist() == there.tolist()


def test_folding_leaves_the_tokens_of_the_normalised_text():
    rng = random.Random(13)
    blocks = [(0x20, 0x600), (0x900, 0xE80), (0x1100, 0x1200), (0x2000, 0x3400), (0xAC00, 0xAD00), (0xF900, 0xFFF0)]
    characters = [
        chr(code) for first, last in [*blocks, (0x1D400, 0x1D500), (0x2F800, 0x2F900)] for code in range(first, last)
    ]
    for syllable in ("\u1112\u1161\u11ab", "\uac00\u11a8"):  # letters that make one syllable of Hangul
        assert tokens(folded(syllable))[0].tolist() == tokens(normalised(syllable))[0].tolist()
    for _ in range(5000):
        text = "".join(rng.choices(characters, k=4))
        assert tokens(folded(text))[0].tolist() == tokens(normalised(text))[0].tolist(), ascii(text)
    for character in characters:
        text = f"a{character}b {character}"
        composed = unicodedata.normalize("NFKC", text).casefold()
        assert tokens(folded(text))[0].tolist() == tokens(composed)[0].tolist(), ascii(text)


def test_the_result_depends_on_the_seed_given_and_not_on_pythons_hash_seed():
    code = (
        "from textmill.text.near import NearDuplicates\n"
        "finder = NearDuplicates(3)\n"
        "finder.add(' '.join(str(n * n % 977) for n in range(300)))\n"
        "finder.groups()\n"
        "print(finder._signatures[0].tolist())\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    other = near._signatures([" ".join(str(n * n % 977) for n in range(300))], LEAST_TOKENS, 4)[0].tolist()

    assert len(outputs) == 1
    assert str(other) != outputs.pop().strip()
