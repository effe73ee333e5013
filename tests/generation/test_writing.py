"""write: text in, text out; streamed = whole, counts and reasons."""

import pytest
from fixed_models import Bytes, HashModel, ScriptModel
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from textmill.config.measure import GenerateConfig
from textmill.errors import InputError
from textmill.generation import TextAssembler, generate, write
from textmill.tokens import Tokenizer

TEXT = "The gate 山 was 😀 open. END of it"


def script(text, n_read, mark=True):
    """A model that writes this text after n_read ids."""
    return ScriptModel([*text.encode(), *([Bytes.mark] if mark else [])], Bytes.vocab_size, n_read)


def test_what_comes_streamed_joins_to_the_whole_text():
    writing = write(script(TEXT, 3), Bytes(), ["Hi"], GenerateConfig(), 0)
    streamed = [written.text for written in writing]

    assert "".join(streamed) == TEXT
    assert [character for part in streamed for character in part] == list(TEXT)
    (result,) = writing.results
    assert (result.prompt, result.text, result.finish_reason) == ("Hi", TEXT, "stop")
    assert (result.n_prompt_tokens, result.n_tokens) == (2, len(TEXT.encode()) + 1)


def test_a_stop_text_ends_the_row_at_once_and_is_not_part_of_it():
    model = script(TEXT, 3)
    (result,) = write(model, Bytes(), ["Hi"], GenerateConfig(stop=("END",)), 0).finish()
    before, _, _ = TEXT.partition("END")
    assert (result.text, result.finish_reason) == (before, "stop")
    assert result.n_tokens == len((before + "END").encode())


def test_nothing_is_computed_for_a_row_that_its_stop_text_has_ended():
    model = HashModel(vocab_size=Bytes.vocab_size)
    (free,) = write(model, Bytes(), ["ab"], GenerateConfig(max_new_tokens=30), 0).finish()
    model.n_read = 0
    settings = GenerateConfig(max_new_tokens=30, stop=(free.text[3],))
    (result,) = write(model, Bytes(), ["ab"], settings, 0).finish()
    assert result.n_tokens < 10
    assert model.n_read == 3 + result.n_tokens - 1  # the last token of a text is never read


def test_the_prompt_is_not_searched_for_stop_texts():
    (result,) = write(script("D now", 6), Bytes(), ["go EN"], GenerateConfig(stop=("END", "EN")), 0).finish()
    assert (result.text, result.finish_reason) == ("D now", "stop")


def test_the_longest_text_ends_by_its_length():
    (result,) = write(script(TEXT, 3), Bytes(), ["Hi"], GenerateConfig(max_new_tokens=5), 0).finish()
    assert (result.text, result.finish_reason, result.n_tokens) == (TEXT[:5], "length", 5)


@hypothesis_settings(deadline=None)
@given(
    st.lists(st.text("abé山", max_size=5), min_size=1, max_size=3),
    st.integers(1, 3),
    st.lists(st.sampled_from(["a", "bb", "é", "\x00"]), max_size=2).map(tuple),
    st.integers(0, 5),
)
def test_streamed_equals_whole_for_every_row(prompts, n, stops, seed):
    model = HashModel(vocab_size=Bytes.vocab_size)
    settings = GenerateConfig(temperature=0.5, max_new_tokens=25, stop=stops)
    writing = write(model, Bytes(), prompts, settings, seed, n)
    streamed = dict.fromkeys(range(n * len(prompts)), "")
    for row, text in writing:
        assert text
        streamed[row] += text

    pieces = list(
        generate(model, [[Bytes.mark, *prompt.encode()] for prompt in prompts], settings, seed, n, Bytes.mark)
    )
    for row, result in enumerate(writing.results):
        assembler = TextAssembler(Bytes(), stops, settings.max_new_tokens)
        whole = "".join([assembler.push(piece.id) for piece in pieces if piece.row == row])
        assert result.text == streamed[row] == whole
        assert (result.finish_reason, result.n_tokens) == (assembler.finish_reason, assembler.n_tokens)
        assert result.prompt == prompts[row // n]


@pytest.mark.parametrize("kind", ["bytes", "char", "bpe"])
def test_a_trained_tokenizer_gives_streamed_what_it_decodes_whole(kind):
    texts = ["The gate 山 was 😀 open, and the red cart stood under the old tree.", "一二三四五，山上有木屋。"] * 20
    tokenizer = Tokenizer.train(kind, texts, None if kind == "bytes" else 320, 0)
    model, prompts = HashModel(vocab_size=tokenizer.vocab_size), ["The", "山上"]
    settings = GenerateConfig(temperature=1.0, top_p=1.0, max_new_tokens=60)
    results = write(model, tokenizer, prompts, settings, 0, n=4).finish()
    ids = [[] for _ in results]
    for piece in generate(
        model, [[tokenizer.mark, *tokenizer.encode(prompt)] for prompt in prompts], settings, 0, 4, tokenizer.mark
    ):
        ids[piece.row].append(piece.id)

    for row, result in zip(ids, results, strict=True):
        whole = tokenizer.decode(row)
        if result.finish_reason == "length":  # a character that the length cut in two is left out
            assert whole in (result.text, result.text + "\ufffd")
        else:
            assert whole == result.text
        assert result.n_tokens == len(row)


def test_an_empty_prompt_starts_from_the_begin_mark():
    (result,) = write(script("Hello", 1), Bytes(), [""], GenerateConfig(), 0).finish()
    assert (result.text, result.n_prompt_tokens) == ("Hello", 0)


def test_a_prompt_of_nothing_without_a_begin_mark_is_refused_by_name():
    with pytest.raises(InputError, match=r"tokens\.begin_mark = false"):
        write(HashModel(), Bytes(), [""], GenerateConfig(), 0, begin_mark=False)


def test_without_a_begin_mark_the_prompt_alone_is_read():
    (result,) = write(script("Hello", 2), Bytes(), ["Hi"], GenerateConfig(), 0, begin_mark=False).finish()
    assert result.text == "Hello"


def test_a_prompt_that_is_not_unicode_is_refused_with_its_place():
    with pytest.raises(InputError, match=r"U\+DC80 at character 1"):
        write(HashModel(), Bytes(), ["a\udc80"], GenerateConfig(), 0)


def test_finishing_twice_gives_the_same_results():
    writing = write(script("Hello", 1), Bytes(), [""], GenerateConfig(), 0)
    assert writing.finish() == writing.finish()
