"""What a remote model does in a run's place: writing, scoring, classes, translations, answers. Room: hub/.

Used by the verbs and by remote_evaluation.py. Prompts come from few_shot.py. An answer is taken as it came or not at
all: what is none of the labels, or stands in no passage, is told as such.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from textmill.config.measure import GenerateConfig
from textmill.errors import NothingScored
from textmill.hub.few_shot import NAMES, NO_ANSWER, FewShot
from textmill.hub.remote_model import Prompt, RemoteModel
from textmill.hub.remote_odds import ENDS, QUOTES, folded_label
from textmill.results import Asked, AskedAnswer, Classified, Generated, Scored, ScoredToken, Translated
from textmill.tasks.asking import HITS, N_NEAREST, Asker, refuse_nothing, sentence_around, with_subject
from textmill.text import evidence
from textmill.text.evidence import Evidence
from textmill.text.passage_index import Hit, PassageIndex

LINES_AT_ONCE = 64
READ_PASSAGES = 5
"""That are shown with a question."""
LONGEST_ANSWER = 100  # tokens
TOKENS_OF_A_BYTE = 1  # at most: what a label may take
ASK = {
    "en": "Answer the question with words copied from the passages. If no passage answers it, say: none",
    "zh": "用从段落中原样摘录的词句回答问题。如果没有段落回答这个问题，就说：无",
}
ASK_NAMES = {
    "en": {},
    "zh": {"passage": "段落", "question": "问题", "answer": "答案"},
}
ASK_NONE = {"en": NO_ANSWER, "zh": "无"}


def write_remote(model: RemoteModel, text: str, settings: GenerateConfig, seed: int, n: int = 1) -> list[Generated]:
    """n texts that go on from a prompt; the server draws them from one seed."""
    [found] = model.complete([Prompt.plain(text)], settings, seed, n)
    return [
        Generated(
            prompt=text,
            text=own,
            finish_reason=reason,
            seed=seed,
            n_prompt_tokens=found.n_prompt_tokens,
            n_tokens=found.n_tokens if n == 1 else None,
            remote=found.use if place == 0 else None,
        )
        for place, (own, reason) in enumerate(zip(found.texts, found.finish_reasons, strict=True))
    ]


def score_remote(model: RemoteModel, text: str, n_alternatives: int = 3) -> Scored:
    """ln P of each token of a text given those before it, as the server echoes it.

    The first token has none there, unless the server sets a mark before it: `unscored` is what it is. Raises
    NothingScored where no token has one, RemoteError where the server gives none.
    """
    if not text:
        raise NothingScored("there is no token to score: the text is empty")
    echo = model.echo(text)
    scored = echo.scored
    if not scored:
        raise NothingScored("there is no token to score: the first one has no probability on this server")
    tokens = [
        ScoredToken(
            text=token.text,
            id=None,
            start=token.start,
            end=token.end,
            logprob=token.logprob or 0.0,
            rank=token.rank,
            alternatives=[{"text": word, "logprob": value} for word, value in token.alternatives[:n_alternatives]],
        )
        for token in scored
    ]
    return Scored(
        text=text,
        tokens=tokens,
        total_logprob=math.fsum(token.logprob for token in tokens),
        unscored=text[: echo.place],
        remote=echo.use,
    )


# --- classes


def label_of(answer: str, labels: Sequence[str]) -> str | None:
    """The label that an answer is; None where it is none of them: what it may mean is not guessed.

    >>> label_of(" Positive.", ["positive", "negative"]), label_of("positive I think", ["positive", "negative"])
    ('positive', None)
    """
    folded = folded_label(answer)
    return next((label for label in labels if folded_label(label) == folded), None)


def classify_remote(
    model: RemoteModel, few: FewShot, lines: Iterable[str], at_once: int = LINES_AT_ONCE, probable: bool = False
) -> Iterator[Classified]:
    """The label of each text, in order; of an empty one none, unasked. An answer that is none of the labels has label
    "" and stands in `said`. probable: the likeliest label, with the probability of each, as the server tells them."""
    if probable:
        yield from _classified_by_odds(model, few, lines, at_once)
        return
    longest = max(len(label.encode()) for label in few.labels)
    settings = GenerateConfig(temperature=0.0, max_new_tokens=longest * TOKENS_OF_A_BYTE + 8)
    lines = iter(lines)
    while some := list(itertools.islice(lines, at_once)):
        full = [few.prompt(text=text) for text in some if text.strip()]
        answers = model.complete(full, settings, seed=0)
        for text in some:
            if not text.strip():
                yield Classified(label="", probabilities={})
                continue
            found = next(answers)
            label = label_of(found.texts[0], few.labels)
            yield Classified(
                label=label or "",
                labels=[label] if label else [],
                probabilities={},
                said=found.texts[0],
                remote=found.use,
            )


def _classified_by_odds(model: RemoteModel, few: FewShot, lines: Iterable[str], at_once: int) -> Iterator[Classified]:
    lines = iter(lines)
    while some := list(itertools.islice(lines, at_once)):
        told = model.odds([few.prompt(text=text) for text in some if text.strip()], few.labels)
        for text in some:
            if not text.strip():
                yield Classified(label="", probabilities={})
                continue
            found = next(told)
            if found.shares is None:
                yield Classified(label="", probabilities={}, said=found.said, remote=found.use)
                continue
            shares = dict(zip(few.labels, found.shares, strict=True))
            label = max(shares, key=lambda name: shares[name])
            yield Classified(label=label, labels=[label], probabilities=shares, remote=found.use)


# --- translations


def translate_remote(
    model: RemoteModel, few: FewShot, lines: Iterable[str], settings: GenerateConfig, at_once: int = LINES_AT_ONCE
) -> Iterator[Translated]:
    """The translation of each text, in order, by the likeliest tokens; of an empty one the empty text, unasked."""
    greedy = settings.model_copy(update={"temperature": 0.0})
    lines = iter(lines)
    while some := list(itertools.islice(lines, at_once)):
        answers = model.complete([few.prompt(source=text) for text in some if text.strip()], greedy, seed=0)
        for text in some:
            if not text.strip():
                yield Translated(translation="", score=None)
                continue
            found = next(answers)
            yield Translated(
                translation=found.texts[0].strip(),
                score=None,
                finished=found.finish_reasons[0] != "length",
                remote=found.use,
            )


# --- answers


def answer_settings() -> GenerateConfig:
    """Greedy, and short."""
    return GenerateConfig(temperature=0.0, max_new_tokens=LONGEST_ANSWER)


def asked_by_default(question: str) -> FewShot:
    """How a question is put where no file of examples says it, in its own language."""
    language = "zh" if re.search("[\u3400-\u9fff]", question) else "en"
    return FewShot("answer", ASK[language], none=ASK_NONE[language], names=NAMES | ASK_NAMES[language])


def answer_of(said: str, few: FewShot) -> str:
    """An answer without what stands around it; "" where it says that there is none."""
    text = said.strip().strip(QUOTES).strip()
    return "" if folded_label(text) in ("", folded_label(few.none)) else text


def place_of(answer: str, passage: str) -> tuple[int, int] | None:
    """Where an answer stands in a passage, in code points: as it is, else without regard to case, blanks and its last
    mark. None where it does not.

    >>> place_of("24  Months.", "It runs for 24 months, or so."), place_of("two years", "It runs for 24 months.")
    ((12, 21), None)
    """
    at = passage.find(answer)
    if at >= 0:
        return at, at + len(answer)
    words = answer.rstrip(ENDS).split()
    found = re.search(r"\s+".join(map(re.escape, words)), passage, re.IGNORECASE) if words else None
    return found.span() if found else None


class RemoteAsker(Asker):
    """Documents that can be asked, read by a remote model: it is shown the best passages, and what it says is found
    only where it stands in one of them."""

    def __init__(
        self, index: PassageIndex, model: RemoteModel, few: FewShot | None = None, threshold: float | None = None
    ):
        """threshold: of √(the passage's BM25 / the best passage's); default: none. The model gives no probability."""
        super().__init__(index, None, 0.0 if threshold is None else threshold)
        self.model, self.few = model, few

    def ask(self, question: str, n: int = 1, about: str = "") -> Asked:
        """The answer where it stands in a passage, one at most; else, as `unplaced`, what was said."""
        refuse_nothing(question)
        full = with_subject(question, about)
        hits = evidence.found_for(full, self.index, HITS)
        said, unplaced, placed = "", "", list[Evidence]()
        use = None
        if hits:
            few = self.few or asked_by_default(question)
            shown = hits[:READ_PASSAGES]
            passages = "\n\n".join(hit.passage.text for hit in shown)
            [found] = self.model.complete([few.prompt(passage=passages, question=full)], answer_settings(), seed=0)
            said, use = answer_of(found.texts[0], few), found.use
            placed = [own for hit in shown if (own := self._standing(said, hit, hits)) is not None] if said else []
            unplaced = said if said and not placed else ""
        sure = [one for one in placed if one.score >= self.threshold][:1]
        near = sorted(self.weigh(full, hits), key=lambda one: -one.score)
        answers: list[AskedAnswer] = [self.placed(one) for one in sure]
        nearest = [] if answers else [self.placed(one) for one in [*placed, *near][:N_NEAREST]]
        score = sure[0].score if sure else 0.0
        document = self.document(question, about, answers, nearest, score)
        return document.model_copy(update={"unplaced": unplaced, "remote": use})

    def _standing(self, said: str, hit: Hit, hits: Sequence[Hit]) -> Evidence | None:
        text = hit.passage.text
        at = place_of(said, text)
        if at is None:
            return None
        start, end = sentence_around(text, *at)
        most = max(other.score for other in hits)
        return Evidence(hit.passage, start, end, *at, math.sqrt(hit.score / most) if most > 0 else 1.0)


def remote_asker(
    docs: Sequence[str],
    config: Any,
    model: RemoteModel,
    few: FewShot | None,
    threshold: float | None,
    notice: Any,
) -> RemoteAsker:
    """Documents with their index, as asking.asker_of, read by a remote model."""
    from pathlib import Path

    from textmill.tasks.asking import INDEX_FOLDER

    index = PassageIndex.open(docs, config.data, Path(config.run.dir) / INDEX_FOLDER, notice)
    return RemoteAsker(index, model, few, threshold)
