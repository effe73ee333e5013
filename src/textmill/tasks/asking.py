"""Questions and documents -> answers with their place, or that there is none. Room: tasks/.

Used by the verb and from Python. The index finds passages; what reads them is evidence (text/evidence), which needs no
training, or the reader of a run, whose score is tempered by how well the index found the passage. What is less sure
than the threshold is refused, with the nearest three.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from textmill.config import Config
from textmill.errors import Damaged, InputError
from textmill.messages import message
from textmill.results import Asked, AskedAll, AskedAnswer
from textmill.tables import OPEN_RUN, load
from textmill.text import evidence
from textmill.text.evidence import Evidence
from textmill.text.passage_index import Hit, PassageIndex
from textmill.text.search_terms import folded, terms

if TYPE_CHECKING:
    from textmill.runs import Run

HITS = 20
"""Passages that are read for a question."""
N_NEAREST = 3
READER_THRESHOLD = 0.5
"""Of a reader: an answer as likely as that there is none."""
N_READ = 5
"""Answers of a passage that a reader gives beside the evidence."""
MOST_NATS = 8.0
"""A reader that is surer than that, or less sure, is no more so."""
KEPT_MISTAKES = 10
TRAINED_WEIGHT = 0.1
"""Of a reader that does not count in what its run offers, where it is asked for all the same."""
ReadBy = Literal["offered", "trained", "untrained"]
READER = "textmill.tasks.answering:reader_of"
"""Loaded where a run is to read, as what opens it: both load torch."""
INDEX_FOLDER = ".index"


class Span(Protocol):
    """An answer of a reader: code points of its context; text "" where the context has none."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def score(self) -> float: ...


class Reads(Protocol):
    """What reads contexts for a question: for each its answers, the best first. Scores are nats by which an answer is
    likelier than that there is none; one below `least` is rather not given."""

    @property
    def least(self) -> float: ...

    def read(self, question: str, contexts: Sequence[str], n_best: int = 1) -> Sequence[Sequence[Span]]: ...


@dataclass(frozen=True)
class Offer:
    """What a run that was trained on documents answers with; it stands in its run.json.

    weight: how much its reader counts beside the evidence, in log odds a nat; 0: not at all. threshold: what is less
    sure is refused. is_better: on held-out documents, beyond the interval, than the evidence alone, which is offered
    otherwise.
    """

    weight: float = 0.0
    threshold: float = evidence.THRESHOLD
    is_better: bool = False

    @classmethod
    def of(cls, run: Run) -> Offer | None:
        """That of run.json; None where the run was not trained on documents. Raises Damaged where it makes no sense."""
        if "asks" not in run.info:
            return None
        try:
            return cls(**run.info["asks"])
        except TypeError as error:
            raise Damaged(f"this is no offer ({error})", where=str(run.path / "run.json")) from error

    def facts(self) -> dict[str, Any]:
        """For run.json."""
        return asdict(self)


@dataclass(frozen=True)
class Candidate:
    """A sentence that may answer, by the evidence; and the likeliest answer of a reader in it: its place, and nats
    above what it would rather not give. None: it has none there."""

    evidence: Evidence
    span: tuple[int, int] | None
    nats: float


def blended(candidates: Iterable[Candidate], weight: float) -> list[Evidence]:
    """The sentences, the surest first. A score is σ(log odds of the evidence + weight × nats of the reader, of which
    MOST_NATS count at most); the answer is the reader's where it would give one and counts, else the evidence's."""
    found = []
    for one in candidates:
        own = one.evidence
        if weight:
            sure = min(1 - 1e-12, max(1e-12, own.score))
            nats = max(-MOST_NATS, min(MOST_NATS, one.nats))
            score = 1 / (1 + math.exp(-(math.log(sure / (1 - sure)) + weight * nats)))
            place = one.span if one.span is not None and one.nats >= 0 else (own.answer_start, own.answer_end)
            own = replace(own, answer_start=place[0], answer_end=place[1], score=score)
        found.append(own)
    return sorted(found, key=lambda one: -one.score)


class Asker:
    """Documents that can be asked."""

    def __init__(
        self,
        index: PassageIndex,
        reader: Reads | None = None,
        threshold: float | None = None,
        weight: float | None = None,
    ):
        """threshold: what is less sure is refused; default, that of what reads. weight: how much the reader counts
        beside the evidence; None: it alone reads."""
        self.index, self.reader, self.weight = index, reader, weight
        default = evidence.THRESHOLD if reader is None else READER_THRESHOLD
        self.threshold = default if threshold is None else threshold

    def ask(self, question: str, n: int = 1, about: str = "") -> Asked:
        """The answers that are sure enough, at most n. about: what a question is about that names nothing itself.

        Raises InputError for a question without a letter or a digit, and where a file changed since it was read.
        """
        refuse_nothing(question)
        full = with_subject(question, about)
        ranked = self.ranked(full, max(n, N_NEAREST))
        answers = [self.placed(one) for one in ranked if one.score >= self.threshold][:n]
        nearest = [] if answers else [self.placed(one) for one in ranked[:N_NEAREST]]
        return self.document(question, about, answers, nearest, ranked[0].score if ranked else 0.0)

    def document(
        self, question: str, about: str, answers: list[AskedAnswer], nearest: list[AskedAnswer], score: float
    ) -> Asked:
        """What is said to a question. score: of the surest, where there is no answer."""
        facts: dict[str, Any] = {"answer": "", "score": score}
        if answers:
            keys = ("answer", "score", "source", "line", "start", "end", "byte_start", "byte_end", "text")
            facts = {key: getattr(answers[0], key) for key in keys}
        return Asked(
            question=question,
            about=about,
            found=bool(answers),
            **facts,
            answers=answers,
            nearest=nearest,
            threshold=self.threshold,
            n_files=self.index.n_files,
        )

    def ranked(self, question: str, n: int) -> list[Evidence]:
        """The n surest sentences, each once."""
        hits = evidence.found_for(question, self.index, HITS)
        if self.reader is None:
            found = self.weigh(question, hits)
        elif self.weight is not None:
            found = blended(self.candidates(question), self.weight)
        else:
            found = self.read(question, hits, n)
        once: dict[tuple[int, int], Evidence] = {}
        for one in found:
            once.setdefault((one.passage.number, one.start), one)
        return list(once.values())[:n]

    def weigh(self, question: str, hits: Sequence[Hit]) -> list[Evidence]:
        """What speaks for each sentence."""
        return evidence.weigh(question, hits, self.index.n_with, self.index.n_passages)

    def candidates(self, question: str) -> list[Candidate]:
        """What evidence and reader find in the passages for a question."""
        assert self.reader is not None
        hits = evidence.found_for(question, self.index, HITS)
        if not hits:
            return []
        read = self.reader.read(question, [hit.passage.text for hit in hits], N_READ)
        spans = {hit.passage.number: own for hit, own in zip(hits, read, strict=True)}
        found = []
        for one in self.weigh(question, hits):
            inside = (s for s in spans[one.passage.number] if s.text and one.start <= s.start and s.end <= one.end)
            span = next(iter(inside), None)
            nats = -MOST_NATS if span is None else float(span.score) - self.reader.least
            found.append(Candidate(one, None if span is None else (span.start, span.end), nats))
        return found

    def read(self, question: str, hits: Sequence[Hit], n: int) -> list[Evidence]:
        """What the reader finds in the passages. A score is σ(nats above what it would rather not give), times √(the
        passage's BM25 / the best passage's)."""
        assert self.reader is not None
        if not hits:
            return []
        most = max(hit.score for hit in hits)
        spans = self.reader.read(question, [hit.passage.text for hit in hits], n)
        found = []
        for hit, own in zip(hits, spans, strict=True):
            for span in own:
                if span.text:
                    start, end = sentence_around(hit.passage.text, span.start, span.end)
                    sure = 1 / (1 + math.exp(-max(-500.0, min(500.0, float(span.score) - self.reader.least))))
                    score = sure * math.sqrt(hit.score / most)
                    found.append(Evidence(hit.passage, start, end, span.start, span.end, score))
        return sorted(found, key=lambda one: -one.score)

    def placed(self, one: Evidence) -> AskedAnswer:
        """An answer with its place in the file."""
        place = self.index.place(one.passage, one.answer_start, one.answer_end)
        return AskedAnswer(
            answer=one.answer,
            score=one.score,
            source=place.source,
            line=place.line,
            start=place.start,
            end=place.end,
            byte_start=place.byte_start,
            byte_end=place.byte_end,
            text=one.sentence,
            context=one.passage.text,
            text_start=one.start,
            answer_start=one.answer_start,
            question=one.passage.question,
        )


class Session:
    """Questions one after the other: one that names nothing is about what was named last."""

    def __init__(self, asker: Asker, n: int = 1):
        self.asker, self.n, self.about = asker, n, ""

    def ask(self, question: str) -> Asked:
        """As Asker.ask."""
        refuse_nothing(question)
        index = self.asker.index
        if self.about and not evidence.names_something(question, index.n_with, index.n_passages):
            return self.asker.ask(question, self.n, self.about)
        found = self.asker.ask(question, self.n)
        texts = [text for one in found.answers + found.nearest for text in (one.context,)]
        self.about = evidence.named_in(question, texts, index.n_with, index.n_passages) or self.about
        return found


def asker_of(
    docs: Sequence[str],
    config: Config,
    run: Run | str | os.PathLike[str] | None = None,
    threshold: float | None = None,
    notice: Callable[[str], None] = lambda text: None,
    reads: ReadBy = "offered",
) -> Asker:
    """Documents that can be asked, their index made or refreshed (RUNS/.index); with a run, or its name, by its reader.
    Of a run that was trained on documents, what it offers answers, or what `reads` says.

    Raises InputError for documents without a text, RunError for a run that answers nothing, MissingExtra.
    """
    opened: Run | None = load(OPEN_RUN)(run) if isinstance(run, str | os.PathLike) else run
    reader = load(READER)(opened) if opened is not None else None
    offer = Offer.of(opened) if opened is not None else None
    weight: float | None = None
    if reads == "untrained" or (offer is not None and reads == "offered" and not offer.is_better):
        if reads == "offered":
            notice(message("The reader of this run was not better than what needs no training, which answers instead."))
        reader = None
    elif offer is not None:
        weight, threshold = offer.weight or TRAINED_WEIGHT, offer.threshold if threshold is None else threshold
        notice(message("The reader of this run answers, beside what needs no training."))
    index = PassageIndex.open(docs, config.data, Path(config.run.dir) / INDEX_FOLDER, notice)
    return Asker(index, reader, threshold, weight)


def ask(
    docs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    question: str,
    *,
    n: int = 1,
    run: str | os.PathLike[str] | None = None,
    threshold: float | None = None,
    runs: str | os.PathLike[str] = "runs",
) -> Asked:
    """What documents say to a question: what `textmill ask` prints as JSON.

    docs: files or folders. n: most answers. run: a trained reader. threshold: what is less sure is refused. runs: the
    folder of all runs, in which the index is kept.
    Raises InputError for a question of nothing and for documents without a text.
    """
    from textmill.config import DataConfig, RunConfig

    refuse_nothing(question)
    paths = [os.fspath(docs)] if isinstance(docs, str | os.PathLike) else [os.fspath(one) for one in docs]
    config = Config(data=DataConfig(paths=tuple(paths)), run=RunConfig(dir=os.fspath(runs)))
    return asker_of(paths, config, run, threshold).ask(question, n)


def refuse_nothing(question: str) -> None:
    """Raises InputError for a question without a letter or a digit."""
    if not any(char.isalnum() for char in question):
        raise InputError(
            message("a question of nothing: there is no word in it"),
            hint=message("Say it in words, such as: How long is the warranty?"),
        )


def with_subject(question: str, about: str) -> str:
    """A question that names nothing, with what it is about.

    >>> with_subject("And its price?", "Kozitek"), with_subject("那价格呢？", "霁霜兰")
    ('And its price? Kozitek', '霁霜兰价格呢？')
    """
    if not about:
        return question
    if re.search("[\u3400-\u9fff]", question):
        return about + re.sub("^(?:那么|那|它的|他的|她的|其|它|他|她|该)+", "", question.strip())
    return f"{question} {about}"


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence of a passage that a stretch stands in; the sentences, where it reaches over several."""
    around = [place for place in evidence.sentences_of(text) if place[0] < end and start < place[1]]
    return min([start, *(one for one, _ in around)]), max([end, *(other for _, other in around)])


# -- questions with known answers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """A question, what answers it (nothing: no document does), and the file that it stands in, where that is said."""

    question: str
    answers: tuple[str, ...]
    source: str
    place: str


def known_questions(path: str) -> Iterator[Known]:
    """Questions of a JSONL file: an object a line with `question`, `answers` (a list of texts, [] where nothing answers
    it; or SQuAD's {"text": […]}) or `answer` (a text), and perhaps `source`, the end of a file's name.

    Raises InputError for a file that cannot be read, a line that is no such object, and no question at all.
    """
    n = 0
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(message("cannot be read: %(why)s", why=error.strerror or str(error)), where=path) from None
    except UnicodeDecodeError as error:
        raise InputError(message("is no UTF-8 at byte %(n)s", n=error.start), where=path) from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            n += 1
            yield _known(line, f"{path}:{number}")
    if not n:
        raise InputError(message("there is no question in it"), where=path)


def _known(line: str, where: str) -> Known:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(message("this line is no JSON: %(why)s", why=error), where=where) from None
    form = message('a line is an object such as {"question": "…", "answers": ["…"]}; [] where nothing answers it')
    answers = row.get("answers", row.get("answer")) if isinstance(row, dict) else None
    if isinstance(answers, dict):
        answers = answers.get("text")
    if isinstance(answers, str):
        answers = [answers] if answers else []
    texts = isinstance(answers, list) and all(isinstance(text, str) and text for text in answers)
    if not texts or not isinstance(row.get("question"), str) or not isinstance(row.get("source", ""), str):
        raise InputError(message("this is no question with its answers"), where=where, hint=form)
    assert isinstance(answers, list)
    return Known(row["question"], tuple(answers), row.get("source", ""), where)


def ask_all(asker: Asker, questions: Iterable[Known], data: str, run: str | None = None) -> AskedAll:
    """How many questions are answered, how many rightly, how many refused that nothing answers; with intervals, beside
    a baseline that never refuses. Raises InputError for a question of nothing, with its line."""
    import numpy as np

    from textmill.metrics.answers import answer_score
    from textmill.metrics.bootstrap import middle, resampled_sums

    rows, overlap_right, mistakes = [], [], list[str]()
    for known in questions:
        try:
            found = asker.ask(known.question)
        except InputError as error:
            raise InputError(error.message, where=error.where or known.place, hint=error.hint) from None
        right = found.found and bool(known.answers) and is_right(known, found.text, found.source or "")
        score = answer_score(found.answer, known.answers)
        refused = not known.answers and not found.found
        rows.append((1, found.found, bool(known.answers), right, not known.answers, refused, score.em, score.f1))
        overlap = by_overlap(asker.index, known.question)
        overlap_right.append(bool(known.answers) and overlap is not None and is_right(known, *overlap))
        if right != found.found or (known.answers and not right):
            said = f"{known.question} {found.text or '–'}"
            if len(mistakes) < KEPT_MISTAKES:
                mistakes.append(said)
    table = np.array(rows, dtype=np.float64)
    sums, drawn = table.sum(axis=0), resampled_sums(table, 1000, 0)
    shares = {"answered": (1, 0), "right": (3, 2), "refused": (5, 4), "precise": (3, 1), "em": (6, 0), "f1": (7, 0)}
    metrics = {name: float(sums[above] / sums[below]) for name, (above, below) in shares.items() if sums[below]}
    intervals = {
        name: interval
        for name, (above, below) in shares.items()
        if name in metrics and (interval := middle(drawn[:, above], drawn[:, below], 0.95)) is not None
    }
    n_with = int(sums[2])
    baseline = {"answered": 1.0, "refused": 0.0} | ({"right": sum(overlap_right) / n_with} if n_with else {})
    return AskedAll(
        data=data,
        n_files=asker.index.n_files,
        n_questions=len(rows),
        n_with_answer=n_with,
        n_without_answer=int(sums[4]),
        threshold=asker.threshold,
        reader=run,
        metrics=metrics,
        intervals=intervals,
        baselines={"overlap": baseline},
        mistakes=mistakes,
    )


def is_right(known: Known, sentence: str, source: str) -> bool:
    """Whether one of the answers stands in a sentence, without regard to case, width and blanks, in the right file."""
    text = " ".join(folded(sentence).split())
    stands = any(" ".join(folded(answer).split()) in text for answer in known.answers)
    file = source.split("#")[0]
    return stands and (not known.source or file == known.source or file.endswith("/" + known.source))


def by_overlap(index: PassageIndex, question: str) -> tuple[str, str] | None:
    """The sentence of the best passage that shares most terms with the question, and its file; None: no passage."""
    hits = index.search(question, 1)
    if not hits:
        return None
    passage, asked = hits[0].passage, set(terms(question))
    places = list(evidence.sentences_of(passage.text)) or [(0, len(passage.text))]
    start, end = max(places, key=lambda place: len(asked & set(terms(passage.text[place[0] : place[1]]))))
    return passage.text[start:end], passage.source
