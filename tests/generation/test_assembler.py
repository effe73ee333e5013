"""TextAssembler: streamed = whole, and nothing of a stop text is sent. Case 14 holds the fixed answers."""

import pytest
from fixed_models import Bytes
from hypothesis import given
from hypothesis import strategies as st

from textmill.errors import ConfigError
from textmill.generation import TextAssembler

texts = st.text("abé山😀", max_size=20)
stops_of = st.lists(st.text("abé山", min_size=1, max_size=4), max_size=3)


def whole(ids, stops, max_new_tokens):
    """The slow way: after each token decode everything again and search all of it. (text, finish, tokens)"""
    text = ""
    for n_tokens, token_id in enumerate(ids, start=1):
        joined = b"".join(map(Bytes().token_bytes, ids[:n_tokens]))
        is_mark = token_id == Bytes.mark
        text = joined.decode("utf-8", "replace") if is_mark else decoded_without_a_cut_character(joined)
        places = [text.find(stop) for stop in stops if stop in text]
        if places:
            return text[: min(places)], "stop", n_tokens
        if is_mark:
            return text, "stop", n_tokens
        if n_tokens == max_new_tokens:
            return text, "length", n_tokens
    return text, "length", len(ids)


def decoded_without_a_cut_character(joined):
    for n_cut in range(4):
        try:
            return joined[: len(joined) - n_cut].decode()
        except UnicodeDecodeError:
            continue
    raise AssertionError("only whole texts are cut here")


@given(texts, stops_of, st.integers(1, 60))
def test_streamed_and_whole_give_the_same_text_reason_and_count(text, stops, max_new_tokens):
    ids = [*Bytes().encode(text), Bytes.mark]
    assembler = TextAssembler(Bytes(), stops, max_new_tokens)
    parts = []
    for token_id in ids:
        parts.append(assembler.push(token_id))
        # What was sent is never taken back, and never holds a stop text.
        assert whole(ids, stops, max_new_tokens)[0].startswith("".join(parts))
        if assembler.done:
            break
    assert ("".join(parts), assembler.finish_reason, assembler.n_tokens) == whole(ids, stops, max_new_tokens)


@given(texts)
def test_without_stop_texts_nothing_whole_is_held_back(text):
    assembler, sent = TextAssembler(Bytes()), ""
    for character in text:
        for token_id in character.encode():
            sent += assembler.push(token_id)
        assert sent.endswith(character)
    assert sent == text


def test_a_character_cut_by_the_end_mark_becomes_the_replacement_sign():
    assembler = TextAssembler(Bytes())
    assert [assembler.push(token_id) for token_id in (0x61, 0xE4, 0xBD, Bytes.mark)] == ["a", "", "", "\ufffd"]


def test_a_stop_text_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="stop text is empty"):
        TextAssembler(Bytes(), ["END", ""])


def test_after_the_end_nothing_is_read():
    assembler = TextAssembler(Bytes(), ["b"])
    assert [assembler.push(token_id) for token_id in b"abc"] == ["a", "", ""]
    assert (assembler.n_tokens, assembler.finish()) == (2, "")


def test_a_text_that_breaks_off_gives_what_was_held_back():
    assembler = TextAssembler(Bytes(), ["END"])
    assert assembler.push(ord("E")) == ""
    assert (assembler.finish(), assembler.finish_reason) == ("E", "length")
