"""How the lines of a run's training text are parted, so that it can write in a form. Room: tasks/.

The text is that of the run's prepared store; of records with conditions, and of conversations, what is learned of them.
Where it was deleted a person says the breaks, and the characters are those that the vocabulary has tokens for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from textmill.errors import InputError, RunError
from textmill.tasks.lm import spans_of
from textmill.text.verse import HAN_RUN, JOINERS, Unit, VerseHabits, learn_verse
from textmill.tokens import Tokenizer, TokenStore

if TYPE_CHECKING:
    from textmill.runs import Run


def verse_habits(run: Run, unit: Unit | None = None, breaks: frozenset[str] | None = None) -> VerseHabits:
    """The habits of a run's training text. unit: what lines are counted in; None: found out. breaks: what stands
    between lines, and, without blanks, behind the last one; None: as in the text.

    Raises RunError where there is no such text and breaks is None.
    """
    try:
        prepared = run.prepared()
    except (RunError, KeyError) as error:
        if breaks is None:
            raise RunError(
                "how its lines are parted is learned from the training text, which is not there",
                where=str(run.path),
                hint="Repeat the training command, or say it: --breaks '，。', or --breaks '\\n'.",
            ) from error
        return habits_of_vocabulary(run.tokenizer, unit, breaks)
    habits = learn_verse(learned_texts(prepared.train, prepared.tokenizer), unit)
    if breaks is None:
        return habits
    return replace(habits, breaks=breaks, ends=frozenset(text.rstrip() for text in breaks))


def learned_texts(store: TokenStore, tokenizer: Tokenizer) -> Iterator[str]:
    """Of each document of a store what is learned of it."""
    spans = spans_of(store)
    for number in range(store.n_documents):
        ids = store.document(number)
        for start, stop in [(0, len(ids))] if spans is None else spans[number]:
            yield tokenizer.decode(ids[start:stop].tolist())


def habits_of_vocabulary(tokenizer: Tokenizer, unit: Unit | None, breaks: frozenset[str]) -> VerseHabits:
    """Habits without a text: letters are those that a token stands for. Raises InputError where there are none."""
    tokens = [tokenizer.token_bytes(token_id) for token_id in tokenizer.plain_ids.tolist()]
    characters = frozenset(character for token in tokens for character in token.decode(errors="ignore"))
    han = frozenset(character for character in characters if HAN_RUN.fullmatch(character))
    others = frozenset(character for character in characters - han if character.isalnum())
    if unit is None:  # single bytes stand in every vocabulary
        learned = {character for token in tokens if len(token) > 1 for character in token.decode(errors="ignore")}
        unit = "characters" if len(han) > len(others & learned) else "words"
    letters = han if unit == "characters" else others
    if not letters:
        raise InputError(f"no token stands for a letter that lines of {unit} could be made of", where="--form")
    ends = frozenset(text.rstrip() for text in breaks)
    if unit == "characters":
        return VerseHabits(unit, letters, frozenset(), breaks, ends)
    return VerseHabits(unit, letters, characters & JOINERS, breaks, ends, frozenset((" ",)))
