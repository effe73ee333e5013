"""Texts in, classes out: what a run offers of its network, its floor and their mixture. Room: tasks/.

Used by the verb, by evaluation and from Python. What is offered was chosen on held-out text when training ended, and
stands in run.json (Offer); a RUN that is a floor offers itself.
Shapes: N texts, C classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from textmill.config import Config
from textmill.errors import RunError
from textmill.files import dataclass_of, misfits_told
from textmill.metrics.calibration import tempered
from textmill.results import AspectOpinion, Classified, Flag, OpinionSentence
from textmill.runs import Run, open_run
from textmill.tables import OPEN_RUN, load
from textmill.tasks.classify import HEAD as CLASSIFIES
from textmill.tasks.classify import Classify, Probabilities, fitted_on, likeliest, named, sureness
from textmill.tasks.prepare import task_of
from textmill.text.aspects import Aspects, AspectSentence, aspect_sentences, aspects_said
from textmill.tokens import Tokenizer

if TYPE_CHECKING:
    from textmill.models.domain import Domain
    from textmill.models.tfidf import Tfidf

LINES_AT_ONCE = 256
FLOOR = "floor"
FLOOR_OF_STORIES: dict[str, Any] = {"words": (1, 2), "characters": None, "strength": 4.0}
"""Stories are long, alike and of few words: characters add nothing, and comparing strengths takes minutes. On five of
bAbI's tasks this is fitted in 1 to 3 seconds of a processor; on task 6 it answers 75.8 %, with all of it 78.7 %."""
Voice = Literal["offered", "network", "tfidf"]
Opinions = dict[str, AspectOpinion | None]
"""Aspect -> what a text says of it."""


@dataclass(frozen=True)
class Offer:
    """What a run answers with: weight × the network + (1 − weight) × the floor, in probabilities.

    temperature: the network's scores are divided by it (Guo et al. 2017); 1 where a text may have several labels.
    n_texts: held-out texts on which both were chosen; 0 = there were none, and the network answers as it is. losses:
    nats a text there, by who answers. n_left_out: held-out texts that were not counted, because they stand within a
    training text.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    weight: Annotated[float, Field(ge=0, le=1)] = 1.0
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    n_texts: Annotated[int, Field(ge=0)] = 0
    losses: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = field(default_factory=dict)
    n_left_out: Annotated[int, Field(ge=0)] = 0

    @property
    def name(self) -> str:
        """network, tfidf or mixture."""
        return {1.0: "network", 0.0: "tfidf"}.get(self.weight, "mixture")

    @classmethod
    def of(cls, run: Run) -> Offer:
        """That of run.json. Raises Damaged where it makes no sense."""
        with misfits_told(run.path / "run.json", "its offer makes no sense"):
            return dataclass_of(cls, run.info.get("offer", {}))

    def facts(self) -> dict[str, Any]:
        """For run.json."""
        return asdict(self)


@dataclass
class Classifier:
    """A network, a floor, or both, and how they answer together."""

    classes: list[str]
    several: bool
    """A text may have several labels, or none."""
    offer: Offer
    task: Classify
    tokenizer: Tokenizer
    model: Any = None
    floor: Tfidf | None = None
    domain: Domain | None = None
    """What tells texts that are unlike those of training; None where the run does not know that."""
    at_once: int = 32

    def probabilities(self, texts: Sequence[str], voice: Voice = "offered") -> Probabilities:
        """P of each class (N, C); rows sum to 1, but where a text may have several labels. voice: who answers; a
        network alone answers at its temperature."""
        weight = {"offered": self.offer.weight, "network": 1.0, "tfidf": 0.0}[voice]
        return self._mixed(texts, weight, self.floor.features.rows(texts) if weight < 1 and self.floor else None)

    def _mixed(self, texts: Sequence[str], weight: float, rows: Any) -> Probabilities:
        """weight: of the network. rows: the features of the texts, where the floor has a part in it."""
        found: Probabilities = np.zeros((len(texts), len(self.classes)))
        if weight:
            log_probs = self.log_probs(texts)
            found += weight * (np.exp(log_probs) if self.several else tempered(log_probs, self.offer.temperature))
        if weight < 1:
            assert self.floor is not None, "a floor that answers was opened"
            found += (1 - weight) * self.floor.of_rows(rows)
        return found

    def log_probs(self, texts: Sequence[str]) -> Probabilities:
        """ln P of each class (N, C) by the network as it was trained."""
        ids = self.task.ids_of(texts, self.tokenizer)
        return self.task.log_probs(self.model, ids, self.tokenizer.begin, self.at_once)

    def answers(self, texts: Sequence[str]) -> tuple[Probabilities, list[list[Flag]]]:
        """The probabilities that are offered; and why each text looks unlike those of training: [] for one that does
        not, and where the domain is not known."""
        if self.domain is None:
            return self.probabilities(texts), [[] for _ in texts]
        assert self.floor is not None, "a domain goes by the vocabulary of a floor"
        rows, unknown = self.floor.features.read(texts)  # once, for both
        return self._mixed(texts, self.offer.weight, rows), self.domain.flags(texts, unknown)

    def lines(
        self,
        lines: Iterable[str],
        at_once: int = LINES_AT_ONCE,
        least: float = 0.0,
        aspects: Aspects | None = None,
        answers_flagged: bool = True,
    ) -> Iterator[Classified]:
        """What each line is, in order; of an empty one nothing. at_once changes no answer. least: an answer that is
        less probable is not given. aspects: what each line says of them is told, too. answers_flagged: so is the answer
        of a text with a flag, otherwise it is not given."""
        if self.task.head != CLASSIFIES:
            raise RunError(
                "this run answers questions on stories, and a line is no story", hint="textmill eval RUN --data STORIES"
            )
        lines = iter(lines)
        while some := list(islice(lines, at_once)):
            full = [line for line in some if line.strip()]
            found = iter(zip(*self.answers(full), strict=True) if full else ())
            opinions = iter(self.opinions(full, aspects, least) if aspects else [])
            unsaid: Opinions = dict.fromkeys(aspects.names if aspects else ())
            for line in some:
                if not line.strip():
                    yield Classified(label="", probabilities={}, aspects=unsaid)
                    continue
                own, flags = next(found)
                answers = answers_flagged or not flags
                told = next(opinions) if aspects else {}
                yield Classified(**self.answer(own, least, answers), flags=flags, aspects=told)

    def answer(self, own: NDArray[np.float64], least: float, answers: bool = True) -> dict[str, Any]:
        """label, labels, probabilities and abstained of probabilities (C,). answers: one that is sure enough is
        given."""
        answers = answers and sureness(own, self.several) >= least
        names = named(own, self.classes, self.several) if answers else []
        return {
            "label": ", ".join(names),
            "labels": names,
            "probabilities": self.by_class(own),
            "abstained": not answers,
        }

    def by_class(self, own: NDArray[np.float64]) -> dict[str, float]:
        return {name: float(p) for name, p in zip(self.classes, own, strict=True)}

    def opinions(self, texts: Sequence[str], aspects: Aspects, least: float = 0.0) -> list[Opinions]:
        """What each text says of each aspect; None where it does not name it."""
        passages = [aspect_sentences(text, aspects) for text in texts]
        different = list(dict.fromkeys(one.sentence for own in passages for one in own))
        rows: Probabilities = self.probabilities(different) if different else np.zeros((0, len(self.classes)))
        row_of = dict(zip(different, rows, strict=True))
        return [
            {name: self.opinion([one for one in own if one.aspect == name], row_of, least) for name in aspects.names}
            for own in passages
        ]

    def opinion(
        self, about: Sequence[AspectSentence], row_of: dict[str, Probabilities], least: float
    ) -> AspectOpinion | None:
        """The mean of what the sentences about an aspect are, and the one that speaks most for it."""
        if not about:
            return None
        rows = np.stack([row_of[one.sentence] for one in about])  # (sentences, C)
        mean: NDArray[np.float64] = rows.mean(axis=0)
        numbers = likeliest(mean, self.several)
        carries = about[int((rows[:, numbers].sum(axis=1) if numbers else rows.max(axis=1)).argmax())]
        return AspectOpinion(
            **self.answer(mean, least),
            sentence=carries.sentence,
            start=carries.start,
            end=carries.end,
            sentences=[
                OpinionSentence(
                    sentence=one.sentence,
                    start=one.start,
                    end=one.end,
                    label=", ".join(self.classes[number] for number in likeliest(row, self.several)),
                    probabilities=self.by_class(row),
                )
                for one, row in zip(about, rows, strict=True)
            ],
        )


def classifier_of(run: Run, checkpoint: str | int | None = None, at_once: int | None = None) -> Classifier:
    """What a run answers with. checkpoint: of the network; another than the run's own answers alone, as it is: the
    offer was made for that one. Raises RunError where the run does not classify, Damaged."""
    task = task_of(run.config)
    if not isinstance(task, Classify):
        raise RunError(
            f"this run does not classify (it is {run.config.task.name})",
            where=str(run.path),
            hint="Train one that does: textmill train reviews.csv --task classify",
        )
    at_once = at_once or run.config.eval.batch
    if run.kind != "network":
        alone: Tfidf = run.model()
        offer = Offer(weight=0.0)
        return Classifier(
            list(alone.classes),
            alone.several,
            offer,
            task,
            run.tokenizer,
            floor=alone,
            domain=domain_in(run.path, alone),
            at_once=at_once,
        )
    model: Any = run.model(checkpoint, device=run.config.machine.device)
    own = checkpoint is None or str(checkpoint) == str(run.default_checkpoint)
    offer = Offer.of(run) if own else Offer()
    head = model.heads[task.head]
    floor = floor_of(run) if (run.path / FLOOR / "run.json").is_file() or offer.weight < 1 else None
    domain = domain_in(run.path / FLOOR, floor) if floor is not None else None
    return Classifier(list(head.classes), head.several, offer, task, run.tokenizer, model, floor, domain, at_once)


def domain_in(folder: Path, floor: Tfidf) -> Domain | None:
    """What the folder of a floor keeps beside it. Raises Damaged."""
    from textmill.models.domain import Domain

    return Domain.load(folder, floor.features)


def floor_knobs(config: Config) -> dict[str, Any]:
    """How the floor of a run is fitted, where it is otherwise than that of any labelled texts."""
    return FLOOR_OF_STORIES if config.data.stories else {}


def floor_of(run: Run) -> Tfidf:
    """The floor that the run keeps; where that is gone, one fitted now, on the same texts: the same to the bit. Raises
    RunError where they are gone too."""
    if (run.path / FLOOR / "run.json").is_file():
        kept: Tfidf = open_run(run.path / FLOOR).model()
        return kept
    from textmill.models.tfidf import Tfidf

    prepared = run.prepared()
    texts, labels, classes, several = fitted_on(prepared.train, prepared.tokenizer)
    return Tfidf.fit(texts, labels, classes, several, run.config.run.seed, **floor_knobs(run.config))


def classify(
    run: Run | Path | str,
    texts: str | Iterable[str],
    checkpoint: str | int | None = None,
    least: float = 0.0,
    aspects: Aspects | str | Iterable[str] | None = None,
) -> list[Classified]:
    """What each text is by a run: label, labels, probabilities, flags. aspects: what it says of each is told, too; they
    are made by text.aspects, or said as to the verb: "price,room", ["price", "wifi=wifi,internet"].

    >>> textmill.classify("runs/reviews", "A fine film.")[0].label  # doctest: +SKIP
    'positive'
    """
    opened = run if isinstance(run, Run) else load(OPEN_RUN)(run)
    some = [texts] if isinstance(texts, str) else texts
    wanted = aspects if aspects is None or isinstance(aspects, Aspects) else aspects_said(aspects)
    return list(classifier_of(opened, checkpoint).lines(some, least=least, aspects=wanted))
