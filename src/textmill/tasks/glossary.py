"""A glossary: how terms of the source are to be translated. Room: tasks/. Used by translating.

The terms are forced inside the search (generation/forced.py); nothing is replaced in a finished text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from textmill.errors import InputError
from textmill.generation.forced import Letters, Term
from textmill.metrics.translation import UNSPACED
from textmill.tokens import Tokenizer

LETTER = rf"[^\W{UNSPACED}]"
"""Of a script with blanks between words."""
OPENING = "([{<\"'„“‚‘«»-/–—"


@dataclass(frozen=True)
class Entry:
    """A term and its translation."""

    source: str
    target: str


class Glossary:
    """Entries, of one translation for each term."""

    def __init__(self, entries: Sequence[Entry]):
        self.entries = list(entries)

    @classmethod
    def load(cls, path: str) -> Glossary:
        """Lines "term TAB translation", UTF-8; empty lines are passed over.

        Raises InputError for a file that is not there or no UTF-8, another line, and two translations of one term.
        """
        try:
            text = Path(path).read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise InputError(f"the glossary cannot be read ({error.strerror})", where=path) from None
        except UnicodeDecodeError as error:
            raise InputError(f"the glossary is no UTF-8 (byte {error.start + 1})", where=path) from None
        entries: list[Entry] = []
        line_of: dict[str, int] = {}
        conflicts: list[str] = []
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            columns = [column.strip() for column in line.rstrip("\r").split("\t")]
            if len(columns) != 2 or not all(columns):
                raise InputError("a line of a glossary is a term, a tab and its translation", where=f"{path}:{number}")
            entry, key = Entry(*columns), columns[0].casefold()
            before = next((known for known in entries if known.source.casefold() == key), None)
            if before is None:
                line_of[key] = number
                entries.append(entry)
            elif before.target != entry.target:
                two = f"{before.target!r} in line {line_of[key]} and {entry.target!r} in line {number}"
                conflicts.append(f"{entry.source!r} is {two}")
        if conflicts:
            raise InputError(
                f"two translations of one term: {'; '.join(conflicts[:3])}",
                where=path,
                hint="Keep one line for each term.",
            )
        if not entries:
            raise InputError("there is no term in this glossary", where=path)
        return cls(entries)

    def terms_in(self, text: str) -> list[Entry]:
        """The entries whose term stands in a text as whole words, each once; of two that overlap the longer one."""
        found = [self._by_source[match[0].casefold()] for match in self._pattern.finditer(text)]
        return list(dict.fromkeys(found))

    @cached_property
    def _by_source(self) -> dict[str, Entry]:
        return {entry.source.casefold(): entry for entry in self.entries}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted((entry.source for entry in self.entries), key=len, reverse=True)
        return re.compile("|".join(map(as_word, longest_first)), re.IGNORECASE)


def as_word(term: str) -> str:
    """A pattern that finds the term, and not inside a word."""
    before = rf"(?<!{LETTER})" if re.match(LETTER, term) else ""
    after = rf"(?!{LETTER})" if re.match(LETTER, term[-1]) else ""
    return f"{before}{re.escape(term)}{after}"


def lacking(entries: Sequence[Entry], translation: str) -> list[str]:
    """The translations of terms that do not stand in a text."""
    return [entry.target for entry in entries if not re.search(as_word(entry.target), translation)]


def as_term(target: str, tokenizer: Tokenizer) -> Term:
    """What is to be written of a translation."""
    needs_blank = re.match(LETTER, target) is not None or not re.match(rf"[\W{UNSPACED}]", target)
    alone = tuple(tokenizer.encode(target))
    return Term(alone, tuple(tokenizer.encode(f" {target}")) if needs_blank else alone)


def letters_of(tokenizer: Tokenizer) -> Letters:
    """Of each id, whether it goes on inside a word, and whether a word behind it wants a blank."""
    begins, ends = (np.zeros(tokenizer.vocab_size, dtype=bool) for _ in range(2))
    for number in range(tokenizer.vocab_size):
        if number == tokenizer.mark:
            continue
        text = tokenizer.token_bytes(number).decode(errors="replace")
        if text:
            begins[number] = re.match(rf"{LETTER}|\ufffd", text) is not None
            last = text[-1]
            ends[number] = not (last.isspace() or last in OPENING or re.match(f"[{UNSPACED}，。！？；：、]", last))
    return Letters(begins, ends)
