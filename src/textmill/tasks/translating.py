"""Lines in, lines out: a run that translates, on texts of any length. Room: tasks/. Used by the verb and from Python.

What a model was not trained to read at once is cut at the ends of sentences, translated piece by piece, and joined.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any
from warnings import warn

from textmill.config.layers import section_with
from textmill.errors import InputError, RunError, did_you_mean
from textmill.generation.beam import BeamSettings
from textmill.generation.forced import Forced, Letters
from textmill.messages import plural_message
from textmill.results import Translated
from textmill.runs import Run
from textmill.tables import OPEN_RUN, load
from textmill.tasks.glossary import Entry, Glossary, as_term, lacking, letters_of
from textmill.tasks.kept import lost
from textmill.tasks.prepare import task_of
from textmill.tasks.translate import Translate, Translation, language_of
from textmill.text.sides import languages_said

LINES_AT_ONCE = 64
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])\s*|\n+")
CLAUSE_END = re.compile(r"(?<=[,;:])\s+|(?<=[，、：])\s*")
BLANK = re.compile(r"\s+")


@dataclass
class Translator:
    """A model that translates, and how its translations are looked for."""

    task: Translate
    model: Any
    tokenizer: Any
    settings: BeamSettings
    longest: int
    """Tokens of a source, its marks counted, that the model was trained to read."""
    notice: Callable[[str], None] = warn
    glossary: Glossary | None = None
    way: int = 0
    """Number of the direction, of a model of both."""

    def lines(self, lines: Iterable[str], at_once: int = LINES_AT_ONCE) -> Iterator[Translated]:
        """The translation of each line, in order; an empty line gives an empty one. at_once changes no translation."""
        lines = iter(lines)
        number = 0
        while some := list(islice(lines, at_once)):
            pieces = [self.pieces(line) for line in some]
            for place, own in enumerate(pieces, start=number + 1):
                if len(own) > 1:
                    self.notice(
                        f"line {place} is longer than the {self.longest} tokens that the model was trained to read: it "
                        f"is translated in {len(own)} pieces"
                    )
            flat = [piece for own in pieces for piece in own]
            terms = [[] if self.glossary is None else self.glossary.terms_in(piece) for piece in flat]
            forced = [self.forced(piece, own) for piece, own in zip(flat, terms, strict=True)] if any(terms) else None
            found = self.task.translations(self.model, self.tokenizer, flat, self.settings, self.way, forced=forced)
            asked = iter(terms)
            for line, own in zip(some, pieces, strict=True):
                translated = self.joined([next(found) for _ in own])
                entries = [entry for _ in own for entry in next(asked)]
                yield translated.model_copy(
                    update={
                        "lost": lost(line, translated.translation),
                        "terms": [entry.target for entry in entries],
                        "terms_lacking": lacking(entries, translated.translation),
                    }
                )
            number += len(some)

    def forced(self, text: str, entries: Sequence[Entry]) -> Forced | None:
        """What a translation of the text must hold; None: nothing."""
        if not entries:
            return None
        terms = [as_term(entry.target, self.tokenizer) for entry in entries]
        return Forced(terms, self.letters, self.tokenizer.mark, len(self.tokenizer.encode(text)))

    @cached_property
    def letters(self) -> Letters:
        return letters_of(self.tokenizer)

    def looked_at(self, text: str) -> tuple[list[str], list[str], list[list[float]]]:
        """Translate.looked_at of a text in one piece. Raises InputError for one that is empty or longer."""
        if not text.strip() or not self.fits(text):
            raise InputError(
                "an empty text looks at nothing" if not text.strip() else "this text is translated in pieces",
                hint=f"Name a sentence of at most {self.longest} tokens.",
            )
        entries = [] if self.glossary is None else self.glossary.terms_in(text)
        forced = self.forced(text, entries)
        return self.task.looked_at(self.model, self.tokenizer, text, self.settings, forced, self.way)

    def pieces(self, text: str) -> list[str]:
        """The text in as few pieces as the model reads, cut at the ends of sentences, clauses, words, or anywhere."""
        if self.fits(text):
            return [text]
        for end in (SENTENCE_END, CLAUSE_END, BLANK):
            parts = [part for part in end.split(text) if part.strip()]
            if len(parts) > 1:
                return self.filled(text, parts)
        middle = len(text) // 2
        return [*self.pieces(text[:middle]), *self.pieces(text[middle:])]

    def filled(self, text: str, parts: Sequence[str]) -> list[str]:
        """Parts that follow each other in the text as pieces of it, each as long as may be."""
        pieces: list[str] = []
        start = end = text.index(parts[0])
        for part in parts:
            first = text.index(part, end)
            if end > start and not self.fits(text[start : first + len(part)]):
                pieces += self.pieces(text[start:end])
                start = first
            end = first + len(part)
        return [*pieces, *self.pieces(text[start:end])]

    def fits(self, text: str) -> bool:
        return len(text) <= 1 or len(self.task.source_ids([text], self.tokenizer, self.way)[0]) <= self.longest

    def joined(self, pieces: list[list[Translation]]) -> Translated:
        """The translations of the pieces of a line as one; of a line in one piece, with the others of its n best."""
        if len(pieces) == 1:
            best, *others = pieces[0]
            return Translated(
                translation=best.text,
                score=best.score,
                finished=best.ended,
                alternatives=[{"translation": other.text, "score": other.score} for other in others],
            )
        best_ones = [found[0] for found in pieces]
        texts = [best.text for best in best_ones if best.text]
        blank = "" if language_of(texts) == "zh" else " "
        hypotheses = [best.hypothesis for best in best_ones if best.hypothesis is not None]
        total = sum(hypothesis.total_logprob for hypothesis in hypotheses)
        n_tokens = sum(len(hypothesis.ids) + hypothesis.ended for hypothesis in hypotheses)
        return Translated(
            translation=blank.join(texts),
            score=total / max(1, n_tokens) ** self.settings.length_power,
            finished=all(best.ended for best in best_ones),
            n_pieces=len(pieces),
        )


def translator_of(
    run: Run,
    checkpoint: str | int | None = None,
    n_best: int = 1,
    notice: Callable[[str], None] = warn,
    glossary: str | None = None,
    to: str | None = None,
) -> Translator:
    """What a run translates with. glossary: a file of terms. to: the language that is wanted. Raises RunError where the
    run does not translate, or not into that language; InputError for a glossary that is none."""
    task = task_of(run.config)
    if not isinstance(task, Translate) or run.kind != "network":
        what = run.config.task.name if run.kind == "network" else "an n-gram model"
        raise RunError(
            f"this run does not translate (it is {what})",
            where=str(run.path),
            hint="Train one that does: textmill train news.en news.de --task translate",
        )
    way = way_to(to, task, run)
    model = run.model(checkpoint, device=run.config.machine.device)
    settings = BeamSettings.of(run.config.generate, n_best)
    terms = None if glossary is None else Glossary.load(glossary)
    return Translator(task, model, run.tokenizer, settings, run.config.model.seq_len, notice, terms, way)


def way_to(language: str | None, task: Translate, run: Run) -> int:
    """The number of the direction that ends in a language. None: the only one there is. Raises RunError."""
    known = task.directions or [name for name in languages_said(run.config.data)[1:] if name]
    if language is None:
        if len(known) < 2:
            return 0
        raise RunError(
            f"this run translates into {' and into '.join(known)}, and it is not said which is wanted",
            where=str(run.path),
            hint=f"--to {known[0]}, or --to {known[1]}",
        )
    names = [name.lower() for name in known]
    if language.lower() in names:
        return names.index(language.lower())
    into = f"it translates into {' and into '.join(known)}" if known else "it has one direction, without a name"
    raise RunError(
        f"this run does not translate into {language}: {into}",
        where=str(run.path),
        hint=did_you_mean(language, known) or (None if known else "Leave --to out."),
    )


def translate(
    run: Run | str | os.PathLike[str],
    texts: str | Sequence[str],
    *,
    checkpoint: str | int | None = None,
    n_best: int = 1,
    notice: Callable[[str], None] = warn,
    glossary: str | os.PathLike[str] | None = None,
    to: str | None = None,
    **settings: Any,
) -> list[Translated]:
    """Translate texts by a run, in order. settings: knobs of [generate], as in translate("runs/news", "…", beams=1).
    glossary: a file of terms, a line each: term, tab, translation. to: the language that is wanted, of a run that
    translates in both directions.

    Raises RunError where the run does not translate, ConfigError for a knob that there is not.
    """
    if not isinstance(run, Run):
        found: Run = load(OPEN_RUN)(os.fspath(run))
        run = found
    config = run.config
    for name, value in settings.items():
        config = section_with(config, f"generate.{name}", value)
    run.config = config
    translator = translator_of(run, checkpoint, n_best, notice, None if glossary is None else os.fspath(glossary), to)
    return list(translator.lines([texts] if isinstance(texts, str) else texts))


def lost_told(n: int, first: int, what: Sequence[str]) -> str:
    """What there is to say of n translations that lack something of their lines, the first of them."""
    return plural_message(
        "%(n)s translation lacks a number, an address, a tag or a placeholder of its line: line %(first)s: %(what)s",
        "%(n)s translations lack a number, an address, a tag or a placeholder of their lines, first line %(first)s: "
        "%(what)s",
        n,
        first=first,
        what=" ".join(what),
    )


def lacking_told(n: int, first: int, what: Sequence[str]) -> str:
    """What there is to say of n translations without a term that the glossary has, the first of them."""
    return plural_message(
        "%(n)s translation lacks a term of the glossary: line %(first)s: %(what)s",
        "%(n)s translations lack a term of the glossary, first line %(first)s: %(what)s",
        n,
        first=first,
        what=", ".join(what),
    )


def unfinished_told(n: int) -> str:
    """What there is to say of translations that were cut."""
    return plural_message(
        "%(n)s translation did not end within generate.max_new_tokens and is cut there.",
        "%(n)s translations did not end within generate.max_new_tokens and are cut there.",
        n,
    )
