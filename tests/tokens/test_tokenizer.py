"""Text to ids and back: exact for every text, equal to the libraries that others read tokenizer.json with."""

import hashlib
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Library
from tokenizers import models

from textmill.errors import ConfigError, Damaged, InputError
from textmill.tables import TOKENIZERS
from textmill.tokens import Tokenizer
from textmill.tokens.sample import take_sample

ENGLISH = "The cat sat on the mat. Don't the cats' mats, 12 of them, look new?\r\n\tThey don't; they're 3 years old.\n"
CHINESE = "今天天气很好，我们去公园散步吧。猫喜欢在阳光下睡觉，今天也是。\n"
HARD = (
    "",
    "\0",
    "\ufeffmark first",
    "e\u0301 not \u00e9",
    "a\r\nb\rc\n\n\n  d\t\u2028\x85\u3000e ",
    "👨‍👩‍👧 🏳️‍🌈 \U0001f1e8\U0001f1f3",
    "ไทย العربية हिन्दी ꦗꦮ 𒀀",
    "<|endoftext|><s></s><pad><unk>[MASK]",
    "don'ſ DON'T ŉ ﬁ ß İ",
    "\U0010ffff\ue000\ufffe",
)
UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
FAMILIAR = st.text(st.sampled_from("the cat'sTmn 12\r\n\t今天好，é\u0301😀<|endoftext|>\u00a0\u0085"), max_size=60)
TEXTS = st.one_of(UNICODE, FAMILIAR, st.sampled_from(HARD))
KINDS = list(TOKENIZERS)


@cache
def trained(kind: str) -> Tokenizer:
    return Tokenizer.train(kind, [ENGLISH * 30, CHINESE * 30], 400, seed=1)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=200)
@given(text=TEXTS)
def test_any_text_comes_back_exactly_and_holds_no_control_id(kind: str, text: str) -> None:
    ids = trained(kind).encode(text)

    assert trained(kind).decode(ids) == text
    assert trained(kind).mark not in ids


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=200)
@given(texts=st.lists(TEXTS, max_size=4))
def test_the_fast_encoders_equal_the_tokenizers_library(kind: str, texts: list[str]) -> None:
    tokenizer = trained(kind)

    assert tokenizer.encode_batch(texts) == [ids.tolist() for ids in tokenizer.encode_slowly(texts)]
    assert tokenizer.encode_batch(texts) == [tokenizer.encode(text) for text in texts]


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_reads_the_file_with_equal_ids_and_texts(kind: str, tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    trained(kind).save(tmp_path)
    other = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"), split_special_tokens=True)

    generator = np.random.default_rng(0)
    random_texts = [
        "".join(map(chr, generator.choice([*range(0xD800), *range(0xE000, 0x20000)], 40))) for _ in range(200)
    ]
    for text in (*HARD, ENGLISH, CHINESE, *random_texts):
        ids = trained(kind).encode(text)
        assert other(text)["input_ids"] == ids
        assert other.decode(ids) == text
    assert len(other) == trained(kind).vocab_size


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_is_the_same_tokenizer_and_control_words_stay_text(kind: str, tmp_path: Path) -> None:
    before = trained(kind)
    before.save(tmp_path)

    for after in (Tokenizer.load(tmp_path), Tokenizer.load(tmp_path / "tokenizer.json")):
        assert (after.kind, after.vocab_size, after.mark, after.note) == (
            kind,
            before.vocab_size,
            before.vocab_size - 1,
            before.note,
        )
        for text in (*HARD, ENGLISH, CHINESE):
            assert after.encode(text) == before.encode(text)
            assert after.encode_slowly([text])[0].tolist() == before.encode(text)


@pytest.mark.parametrize("kind", KINDS)
def test_training_does_not_depend_on_hash_order_or_threads(kind: str) -> None:
    program = (
        "import hashlib; from textmill.tokens import Tokenizer\n"
        f"t = Tokenizer.train({kind!r}, [{ENGLISH!r} * 30, {CHINESE!r} * 30], 400, seed=1)\n"
        "print(hashlib.sha256(t._library.to_str().encode()).hexdigest())"
    )
    for number, threads in enumerate(("1", "4")):
        environment = os.environ | {
            "PYTHONHASHSEED": str(number),
            "RAYON_NUM_THREADS": threads,
            "TOKENIZERS_PARALLELISM": "true",
        }
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        here = hashlib.sha256(trained(kind)._library.to_str().encode()).hexdigest()
        assert done.stdout.strip() == here


def test_bytes_are_their_own_ids_in_every_kind() -> None:
    for kind in KINDS:
        assert [trained(kind).token_bytes(i) for i in range(256)] == [bytes([i]) for i in range(256)]
        assert trained(kind).token_bytes(trained(kind).mark) == b""


def test_a_character_that_occurs_twice_is_one_token_and_one_that_occurs_once_stays_bytes() -> None:
    tokenizer = Tokenizer.train("char", ["好吗好 a a", "é"], None, seed=1)

    assert tokenizer.vocab_size == 256 + 1 + 1  # only 好: a is a byte already
    assert tokenizer.encode("好a吗é") == [256, 97, *"吗é".encode()]


def test_of_characters_and_words_the_most_frequent_are_kept() -> None:
    characters = Tokenizer.train("char", ["一一二二二三三三三"], 256 + 2 + 1, seed=1)
    assert [characters.decode([i]) for i in (256, 257)] == ["三", "二"]

    words = Tokenizer.train("word", ["x cat dog cat dog cat the"], 256 + 1 + 1, seed=1)
    assert words.decode([256]) == " cat"


def test_words_keep_the_blank_before_them_and_chinese_is_cut_into_characters() -> None:
    tokenizer = Tokenizer.train("word", ["I don't, I don't. 今天今天"] * 2, None, seed=1)

    pieces = [tokenizer.token_text(i) for i in tokenizer.encode("I don't. 今天")]
    assert pieces == ["I", " don't", ".", " ", "今", "天"]


def test_bpe_merges_the_most_frequent_pair_first_by_hand() -> None:
    # Pairs in "abab abab ab" cut into pieces abab, " abab", " ab": ab 5 times is first; then abab (2) before " ab"
    # by count: " "+ab 2, ab+ab 2: a tie, which goes to the smaller ids (" " is spelled Ġ, after all ASCII).
    tokenizer = Tokenizer.train("bpe", ["abab abab ab"], 256 + 1 + 1, seed=1)

    assert tokenizer.token_bytes(256) == b"ab"
    assert tokenizer.encode("abab c") == [256, 256, 32, 99]


def test_bpe_never_joins_letters_digits_and_signs() -> None:
    tokenizer = Tokenizer.train("bpe", ["ab12!! ab12!! " * 50], 400, seed=1)

    assert [tokenizer.token_text(i) for i in tokenizer.encode("ab12!! ab12!!")] == [
        *("ab", "1", "2", "!!"),
        *(" ab", "1", "2", "!!"),
    ]


def test_a_vocabulary_that_the_text_cannot_fill_ends_early_says_so_and_is_stored(tmp_path: Path) -> None:
    tokenizer = Tokenizer.train("bpe", ["abab"], 8000, seed=1)
    tokenizer.save(tmp_path)

    assert tokenizer.vocab_size == 256 + 1 + 1
    assert tokenizer.note == "Vocabulary: 8,000 ids were asked for, the text supports 258."
    assert Tokenizer.load(tmp_path).note == tokenizer.note
    assert len(json.loads((tmp_path / "tokenizer.json").read_text())["model"]["vocab"]) == 257


def test_without_a_size_asked_for_the_vocabulary_follows_the_amount_of_text() -> None:
    assert (
        Tokenizer.train("bpe", [" ".join(str(n) + "x" * (n % 7) for n in range(3000))], None, seed=1).vocab_size <= 512
    )


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_at_all_leaves_the_bytes(kind: str) -> None:
    assert Tokenizer.train(kind, [], None, seed=1).vocab_size == 257


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_utf16_pair_is_refused_not_replaced(kind: str) -> None:
    with pytest.raises(InputError, match=r"lone surrogate, U\+D800, at character 3"):
        trained(kind).encode("ab\ud800")


def test_an_unknown_kind_and_too_small_a_vocabulary_are_refused_with_advice() -> None:
    with pytest.raises(ConfigError, match="did you mean 'bpe'"):
        Tokenizer.train("bep", ["x"], None, seed=1)
    with pytest.raises(ConfigError, match="256 bytes and the mark alone are 257"):
        Tokenizer.train("bpe", ["x"], 256, seed=1)


@settings(deadline=None)
@given(text=TEXTS, kind=st.sampled_from(KINDS))
def test_offsets_cut_the_bytes_of_the_text_into_the_bytes_of_its_tokens(text: str, kind: str) -> None:
    tokenizer = trained(kind)

    spans = tokenizer.offsets(text)

    assert [text.encode()[start:stop] for start, stop in spans] == [
        tokenizer.token_bytes(i) for i in tokenizer.encode(text)
    ]
    assert tokenizer.n_bytes_of(tokenizer.encode(text)) == len(text.encode())


@settings(deadline=None)
@given(ids=st.lists(st.integers(0, 399), max_size=40), kind=st.sampled_from(["bpe"]))
def test_streamed_parts_joined_are_the_decoded_text_for_any_ids(ids: list[int], kind: str) -> None:
    tokenizer = trained(kind)
    ids = [i % tokenizer.vocab_size for i in ids]
    stream = tokenizer.stream()

    assert "".join(stream.push(i) for i in ids) + stream.finish(keep_incomplete=True) == tokenizer.decode(ids)


@given(text=UNICODE)
def test_a_stream_never_breaks_a_character(text: str) -> None:
    stream = trained("bytes").stream()

    parts = [stream.push(byte) for byte in text.encode()]

    assert [part for part in parts if part] == list(text)
    assert stream.finish() == ""


def test_a_character_cut_by_the_end_is_left_out_and_a_wrong_byte_becomes_one_replacement() -> None:
    stream = trained("bytes").stream()
    assert [stream.push(byte) for byte in "你".encode() + "好".encode()[:2]] == ["", "", "你", "", ""]
    assert stream.incomplete == "好".encode()[:2]
    assert stream.finish() == ""
    assert [stream.push(byte) for byte in b"a\xffb"] == ["a", "\ufffd", "b"]  # the decoder starts anew
    assert trained("bytes").decode(b"\xe4\xbdx\xff") == "\ufffdx\ufffd"  # one for each longest start


def test_a_token_is_shown_to_people_with_its_broken_characters_in_hex() -> None:
    tokenizer = trained("bytes")
    assert tokenizer.token_text(0xE4) == "<E4>"
    assert tokenizer.token_text(ord("a")) == "a"
    assert tokenizer.token_text(tokenizer.mark) == "<|endoftext|>"


@pytest.mark.parametrize("wrong", [-1, 257, -100])
def test_an_id_that_is_none_is_refused(wrong: int) -> None:
    with pytest.raises(InputError, match=f"no token {wrong}"):
        trained("bytes").decode([97, wrong])


def test_what_is_no_tokenizer_of_ours_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no tokenizer here"):
        Tokenizer.load(tmp_path)

    file = tmp_path / "tokenizer.json"
    for garbage in (b"{", b"[]", b"\xff", b'{"model": 1}'):
        file.write_bytes(garbage)
        with pytest.raises(Damaged, match=r"tokenizer\.json"):
            Tokenizer.load(tmp_path)

    Library(models.WordLevel({"a": 0}, unk_token="a")).save(str(file))
    with pytest.raises(InputError, match="none of Textmill's kinds"):
        Tokenizer.load(file)


def test_a_vocabulary_with_a_gap_or_without_the_mark_is_refused(tmp_path: Path) -> None:
    trained("char").save(tmp_path)
    file = tmp_path / "tokenizer.json"
    layout = json.loads(file.read_text())
    for spoil in (lambda: layout["added_tokens"].clear(), lambda: layout["model"]["vocab"].popitem()):
        spoil()
        file.write_text(json.dumps(layout))
        with pytest.raises((InputError, Damaged)):
            Tokenizer.load(file)


def test_a_sample_holds_all_of_a_small_text_and_at_most_the_limit_of_a_large_one() -> None:
    texts = [f"{n:04d}" for n in range(1000)]
    assert take_sample(texts, seed=1).pieces == texts
    assert take_sample(texts, seed=1).is_whole

    sample = take_sample(texts, seed=1, limit=1000)

    assert (sample.n_bytes, sample.n_bytes_kept, len(sample.pieces)) == (4000, 1000, 250)
    assert sample.pieces == sorted(sample.pieces)  # in the order of the text
    assert sample.pieces == take_sample(iter(texts), seed=1, limit=1000).pieces
    assert sample.pieces != take_sample(texts, seed=2, limit=1000).pieces
    # A quarter of the first half and of the second: 125 each, give or take five standard deviations of 8.
    assert abs(sum(int(piece) < 500 for piece in sample.pieces) - 125) < 40


def test_a_sampled_text_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    small = take_sample
    monkeypatch.setattr("textmill.tokens.tokenizer.take_sample", lambda texts, seed: small(texts, seed, limit=2500))

    note = Tokenizer.train("char", ["ab" * 500] * 5, None, seed=1).note

    assert note == "The vocabulary was learned from a seeded sample of 2 kB of the 5 kB of text (at most 200 MB)."
