"""Tokenizers of others: ids equal transformers', text comes back as far as it can, what is no tokenizer is refused."""

import builtins
import json
import os
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
from foreign_files_kit import LAYOUTS, bert, gpt2, llama2, marian, piece_model, put, qwen, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.errors import Damaged, InputError, MissingExtra
from textmill.tokens import Tokenizer
from textmill.tokens.foreign import ForeignTokenizer, foreign_tokenizer

TEXTS = texts(1000)
UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
CONTROL = ["<|endoftext|>", "a<|im_end|>b", "</s>", "[SEP] [MASK]", "<s>x", "<pad>"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    @cache
    def of(name: str) -> Path:
        return LAYOUTS[name](tmp_path_factory.mktemp("foreign") / name)

    return of


@pytest.fixture(scope="module")
def opened(folders: Callable[[str], Path]) -> Callable[[str], ForeignTokenizer]:
    @cache
    def of(name: str) -> ForeignTokenizer:
        tokenizer = foreign_tokenizer(folders(name))
        assert isinstance(tokenizer, ForeignTokenizer)
        return tokenizer

    return of


def theirs(folder: Path) -> Any:
    """transformers' tokenizer of a folder."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import AutoTokenizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that sacremoses is recommended
        return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("name", LAYOUTS)
def test_ids_of_a_thousand_texts_equal_transformers(name: str, folders: Any, opened: Any) -> None:
    ours, reference = opened(name), theirs(folders(name))

    others = reference(TEXTS, add_special_tokens=False, split_special_tokens=True).input_ids

    assert ours.of_source.encode_batch(TEXTS) == others
    if name == "marian":
        assert ours.encode_batch(TEXTS) == reference(text_target=TEXTS, add_special_tokens=False).input_ids


def test_pieces_of_a_translator_are_those_of_sentencepiece(opened: Any) -> None:
    processor = sentencepiece.SentencePieceProcessor(model_proto=piece_model("unigram", bos_id=-1))
    source = opened("marian").of_source
    known = set(source.words)

    for text in TEXTS:
        pieces = [piece if piece in known else "<unk>" for piece in processor.encode(text, out_type=str)]
        assert [source.words[number] for number in source.encode(text)] == pieces


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("text", CONTROL)
def test_a_control_word_in_a_text_is_letters(name: str, text: str, opened: Any) -> None:
    for side in (opened(name), opened(name).of_source):
        silent = {*side.stops, side.mark, side.begin, *side.facts.control}

        assert not silent & set(side.encode(text))
        assert len(side.offsets(text)) == len(side.encode(text))


@pytest.mark.parametrize("name", LAYOUTS)
@settings(deadline=None, max_examples=60)
@given(text=st.one_of(UNICODE, st.sampled_from(TEXTS)), goes_on=st.booleans())
def test_pieces_of_a_stream_are_the_text_of_all(name: str, text: str, goes_on: bool, opened: Any) -> None:
    tokenizer = opened(name)
    ids = tokenizer.encode(text)
    decoder = tokenizer.stream(goes_on)

    joined = "".join(map(decoder.push, ids)) + decoder.finish(keep_incomplete=True)

    whole = tokenizer.decode(ids)
    assert joined in ((f" {whole}", whole) if goes_on else (whole,))
    assert tokenizer.text_bytes(ids).decode(errors="replace") == whole
    if tokenizer.exact:
        assert whole == text
        assert tokenizer.n_bytes_of(ids) == len(text.encode())


@pytest.mark.parametrize("name", ["gpt2", "roberta", "qwen", "llama3", "llama2", "bert"])
def test_text_of_ids_is_what_transformers_gives_where_no_character_is_broken(
    name: str, folders: Any, opened: Any
) -> None:
    ours, reference = opened(name), theirs(folders(name))
    for text in TEXTS[:300]:
        ids = ours.encode(text)
        if ours.facts.unknown in ids or "\ufffd" in text:
            continue
        expected = reference.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        assert ours.decode(ids) == expected


@pytest.mark.parametrize("name", ["gpt2", "llama3", "llama2", "bert"])
def test_places_are_those_of_the_pieces_in_the_text(name: str, opened: Any) -> None:
    tokenizer = opened(name)
    text = "the old cat, 今天天气很好 😀 rain"
    data = text.encode()

    ids, places = tokenizer.encode(text), tokenizer.offsets(text)

    assert len(ids) == len(places)
    assert places == sorted(places)
    assert all(0 <= start <= end <= len(data) for start, end in places)
    for number, (start, end) in zip(ids, places, strict=True):
        stretch = data[start:end].decode()
        if number != tokenizer.facts.unknown and "<" not in tokenizer.token_text(number):
            assert stretch.strip() == tokenizer.token_text(number).strip()


@pytest.mark.parametrize(
    ("name", "begin", "mark", "between", "after", "stops"),
    [
        ("gpt2", "<|endoftext|>", "<|endoftext|>", ["<|endoftext|>"], [], ["<|endoftext|>"]),
        ("roberta", "<s>", "</s>", ["</s>", "</s>"], ["</s>"], ["</s>"]),
        ("qwen", None, "<|im_end|>", ["<|im_end|>"], [], ["<|im_end|>", "<|endoftext|>"]),
        ("llama3", "<|begin|>", "<|end|>", ["<|begin|>"], [], ["<|end|>"]),
        ("bert", "[CLS]", "[SEP]", ["[SEP]"], ["[SEP]"], ["[SEP]"]),
        ("llama2", "<s>", "</s>", ["</s>"], [], ["</s>"]),
        ("marian", "<pad>", "</s>", ["</s>"], ["</s>"], ["</s>"]),
    ],
)
def test_what_stands_around_a_text_is_read_from_the_files(
    name: str, begin: str | None, mark: str, between: list[str], after: list[str], stops: list[str], opened: Any
) -> None:
    tokenizer = opened(name)
    words = tokenizer.words

    assert (None if tokenizer.begin is None else words[tokenizer.begin]) == begin
    assert words[tokenizer.mark] == mark
    assert [words[number] for number in tokenizer.between] == between
    assert [words[number] for number in tokenizer.after] == after
    assert [words[number] for number in tokenizer.stops] == stops


@pytest.mark.parametrize("name", ["roberta", "bert"])
def test_a_text_and_a_pair_are_laid_out_as_transformers_lays_them_out(name: str, folders: Any, opened: Any) -> None:
    tokenizer, reference = opened(name), theirs(folders(name))
    one, other = tokenizer.encode("the cat"), tokenizer.encode("old books")

    assert [tokenizer.begin, *one, *tokenizer.after] == reference("the cat").input_ids
    pair = [tokenizer.begin, *one, *tokenizer.between, *other, *tokenizer.after]
    assert pair == reference("the cat", "old books").input_ids


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_tokenizer_that_is_saved_is_the_same_when_it_is_loaded(name: str, opened: Any, tmp_path: Path) -> None:
    tokenizer = opened(name)

    tokenizer.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)

    assert isinstance(loaded, ForeignTokenizer)
    assert (loaded.kind, loaded.facts, loaded.note) == ("foreign", tokenizer.facts, tokenizer.note)
    assert loaded.encode_batch(TEXTS[:100]) == tokenizer.encode_batch(TEXTS[:100])
    assert loaded.of_source.encode_batch(TEXTS[:100]) == tokenizer.of_source.encode_batch(TEXTS[:100])
    assert loaded.source_vocab_size == tokenizer.source_vocab_size is None
    (tmp_path / "again").mkdir()
    loaded.save(tmp_path / "again")
    for path in tmp_path.glob("tokenizer*.json"):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_control_words_that_a_program_writes_are_control_tokens(opened: Any) -> None:
    tokenizer = opened("qwen")

    ids = tokenizer.encode_with_control("<|im_start|>user\nthe cat<|im_end|>")

    assert (tokenizer.words[ids[0]], ids[-1]) == ("<|im_start|>", tokenizer.mark)
    assert tokenizer.decode(ids) == "user\nthe cat"
    assert tokenizer.token_text(tokenizer.mark) == "<|im_end|>"


def test_ids_beyond_the_tokenizers_own_stand_for_nothing(opened: Any) -> None:
    tokenizer = opened("qwen")  # the model has 640 ids, the tokenizer 604

    assert tokenizer.vocab_size == 640
    assert tokenizer.decode([639, *tokenizer.encode("cat"), 610]) == "cat"
    with pytest.raises(InputError, match="there is no token 640"):
        tokenizer.decode([640])


def test_an_unknown_word_is_shown_as_such(opened: Any) -> None:
    tokenizer = opened("bert")
    [number] = tokenizer.encode("\u13a0")

    assert (number, tokenizer.token_text(number).strip()) == (tokenizer.facts.unknown, "\ufffd")
    assert not tokenizer.exact


def test_a_language_code_before_a_text_is_one_token(folders: Any, opened: Any) -> None:
    source = opened("marian").of_source
    reference = theirs(folders("marian"))

    for text in (">>fra<< the cat", ">>xyz<<the cat", ">>fra", "a >>fra<< b", ">><<"):
        assert source.encode(text) == reference(text, add_special_tokens=False).input_ids
        assert len(source.offsets(text)) == len(source.encode(text))
    assert source.words[source.encode(">>fra<< cat")[0]] == ">>fra<<"


# --- what is refused


def changed(folder: Path, name: str, change: Callable[[Any], Any]) -> Path:
    path = folder / name
    put(folder, name, change(json.loads(path.read_text(encoding="utf-8"))))
    return folder


def refused(folder: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        foreign_tokenizer(folder)
    return caught.value


def test_a_folder_without_a_tokenizer_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    error = refused(tmp_path)

    assert error.where == str(tmp_path)
    assert "tokenizer.json" in str(error.hint) and "source.spm" in str(error.hint)
    assert "no such folder" in refused(tmp_path / "none").message


@pytest.mark.parametrize("content", ["{", "[]", '{"model": {"type": "Tekken"}}', "{}", '{"a": 1, "a": 2}', "\0"])
def test_what_is_no_tokenizer_json_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(content, encoding="utf-8")

    assert refused(tmp_path).where == str(tmp_path / "tokenizer.json")


def test_a_tokenizer_of_another_vocabulary_is_refused(tmp_path: Path) -> None:
    folder = changed(qwen(tmp_path / "qwen"), "config.json", lambda said: said | {"vocab_size": 500})

    assert "604 ids, and the model 500" in refused(folder).message


def test_a_vocabulary_without_what_a_merge_needs_is_refused_at_that_line(tmp_path: Path) -> None:
    folder = gpt2(tmp_path / "gpt2")
    last = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()[-1]
    word = last.replace(" ", "")
    changed(folder, "vocab.json", lambda vocab: {key: number for key, number in vocab.items() if key != word})

    error = refused(folder)

    assert repr(word) in error.message
    assert str(error.where).startswith(f"{folder / 'merges.txt'}:")


@pytest.mark.parametrize("broken", ["a b c\n", "one\n", "a b\nb\n"])
def test_merges_that_are_no_pairs_are_refused(broken: str, tmp_path: Path) -> None:
    folder = gpt2(tmp_path / "gpt2")
    (folder / "merges.txt").write_text(broken, encoding="utf-8")

    assert "merges.txt:" in str(refused(folder).where)


def test_two_words_of_one_id_are_refused(tmp_path: Path) -> None:
    folder = changed(gpt2(tmp_path / "gpt2"), "vocab.json", lambda vocab: vocab | {"new": 5})

    assert "one id, 5" in refused(folder).message


def test_vocab_json_alone_and_a_class_that_is_not_known_are_refused(tmp_path: Path) -> None:
    folder = changed(
        gpt2(tmp_path / "gpt2"), "tokenizer_config.json", lambda said: {"tokenizer_class": "WhisperTokenizer"}
    )
    changed(folder, "config.json", lambda said: said | {"model_type": "whisper"})
    assert "'whisper'" in refused(folder).message

    (folder / "merges.txt").unlink()
    assert "without merges.txt" in refused(folder).message


@pytest.mark.parametrize("keep", [0, 10, 5000])
def test_a_sentencepiece_file_that_is_cut_is_refused(keep: int, tmp_path: Path) -> None:
    folder = llama2(tmp_path / "llama")
    path = folder / "tokenizer.model"
    path.write_bytes(path.read_bytes()[:keep])

    assert refused(folder).where == str(path)


def test_one_side_of_a_translator_alone_is_refused(tmp_path: Path) -> None:
    folder = marian(tmp_path / "marian")
    (folder / "target.spm").unlink()

    assert refused(folder).where == str(folder / "target.spm")


def test_without_sentencepiece_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = llama2(tmp_path / "llama")
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "sentencepiece":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra) as caught:
        foreign_tokenizer(folder)

    assert caught.value.hint == "pip install 'textmill[hf]'"


def test_a_vocabulary_of_words_without_an_unknown_one_is_refused(tmp_path: Path) -> None:
    folder = bert(tmp_path / "bert")
    words = (folder / "vocab.txt").read_text(encoding="utf-8")
    (folder / "vocab.txt").write_text(words.replace("[UNK]", "[NONE]"), encoding="utf-8")

    assert "[UNK]" in refused(folder).message


def test_a_tokenizer_that_nothing_ends_is_refused(tmp_path: Path) -> None:
    folder = qwen(tmp_path / "qwen")
    for name in ("tokenizer_config.json", "config.json", "generation_config.json"):
        (folder / name).unlink()

    assert "ends a text" in refused(folder).message


@pytest.mark.parametrize("name", ["tokenizer_config.json", "config.json", "special_tokens_map.json"])
def test_a_broken_file_beside_a_tokenizer_is_named(name: str, tmp_path: Path) -> None:
    folder = qwen(tmp_path / "qwen")
    (folder / name).write_text("{", encoding="utf-8")

    assert refused(folder).where == str(folder / name)


def test_a_pickle_beside_a_tokenizer_is_not_read(tmp_path: Path) -> None:
    folder = qwen(tmp_path / "qwen")
    canary = folder / "ran"
    (folder / "tokenizer.pkl").write_bytes(f"cos\nsystem\n(S'touch {canary}'\ntR.".encode())
    changed(folder, "tokenizer_config.json", lambda said: said | {"auto_map": {"AutoTokenizer": ["evil.py", None]}})
    (folder / "evil.py").write_text(f"open({str(canary)!r}, 'w')", encoding="utf-8")

    foreign_tokenizer(folder).encode("the cat")

    assert not canary.exists()


@pytest.mark.parametrize(
    "spoil", ["{", '{"kind": "foreign", "note": ""}', '{"kind": "foreign", "note": "", "foreign": {}}']
)
def test_spoilt_facts_beside_a_saved_tokenizer_are_damage(spoil: str, opened: Any, tmp_path: Path) -> None:
    opened("gpt2").save(tmp_path)
    (tmp_path / "tokenizer.textmill.json").write_text(spoil, encoding="utf-8")

    with pytest.raises(Damaged):
        Tokenizer.load(tmp_path)


def test_ids_are_of_one_type_whatever_the_text(opened: Any) -> None:
    for name in LAYOUTS:
        for text in ("", "the cat", "今天"):
            [ids] = opened(name).encode_arrays([text])
            assert ids.dtype == np.int32 and ids.ndim == 1
