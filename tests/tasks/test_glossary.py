"""Glossaries: files that are read, terms that are found as whole words, and what is forced of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from textmill.errors import InputError
from textmill.tasks.glossary import Entry, Glossary, as_term, lacking, letters_of
from textmill.tokens import Tokenizer


def written(folder: Path, text: str) -> str:
    path = folder / "terms.tsv"
    path.write_bytes(text.encode())
    return str(path)


def test_terms_are_found_as_whole_words_the_longer_one_first(tmp_path: Path) -> None:
    glossary = Glossary.load(
        written(tmp_path, "\ufeffcat\tKater\r\n\nwild cat\tWildkatze\nC++\tC++\n猫\tcat\n图书馆\tlibrary\n")
    )
    assert [entry.target for entry in glossary.terms_in("A Cat, a catalogue and a wild cat; the cat.")] == [
        "Kater",
        "Wildkatze",
    ]
    assert [entry.target for entry in glossary.terms_in("用C++写，图书馆的猫")] == ["C++", "library", "cat"]
    assert glossary.terms_in("concatenate") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cat\tKater\ncat\tKatze\n", "'cat' is 'Kater' in line 1 and 'Katze' in line 2"),
        ("cat\tKater\nCAT\tKatze\n", "'CAT' is 'Kater' in line 1"),
        ("cat Kater\n", "terms.tsv:1"),
        ("cat\tKater\tm\n", "terms.tsv:1"),
        ("dog\tHund\ncat\t \n", "terms.tsv:2"),
        ("\n\n", "no term"),
    ],
)
def test_what_is_no_glossary_is_refused(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        Glossary.load(written(tmp_path, text))
    assert caught.value.exit_code == 2 and told in str(caught.value)
    with pytest.raises(InputError, match="cannot be read"):
        Glossary.load(str(tmp_path / "none.tsv"))
    (tmp_path / "bad.tsv").write_bytes(b"a\t\xff\n")
    with pytest.raises(InputError, match="no UTF-8"):
        Glossary.load(str(tmp_path / "bad.tsv"))


def test_the_same_entry_twice_is_one(tmp_path: Path) -> None:
    assert len(Glossary.load(written(tmp_path, "cat\tKater\ncat\tKater\n")).entries) == 1


def test_a_term_inside_another_word_is_lacking() -> None:
    entries = [Entry("dog", "Hund"), Entry("library", "图书馆")]
    assert lacking(entries, "Ein Hund in 大图书馆里") == []
    assert lacking(entries, "Ein Hundehaus") == ["Hund", "图书馆"]


def test_a_term_has_a_blank_behind_a_word_and_none_in_chinese() -> None:
    tokenizer = Tokenizer.train("bpe", ["der Hund und die Katze, (Hund) 图书馆里的猫。"] * 30, 300, seed=0)
    term = as_term("Hund", tokenizer)
    assert (tokenizer.decode(term.alone), tokenizer.decode(term.behind_a_word)) == ("Hund", " Hund")
    term = as_term("图书馆", tokenizer)
    assert term.alone == term.behind_a_word
    letters = letters_of(tokenizer)
    for text, begins, ends in (("a", True, True), (" ", False, False), (",", False, True), ("(", False, False)):
        [number] = tokenizer.encode(text)
        assert (letters.begins[number], letters.ends[number]) == (begins, ends), text
