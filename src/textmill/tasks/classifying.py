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
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from textmill.errors import Damaged, RunError
from textmill.metrics.calibration import tempered
from textmill.results import Classified, Flag
from textmill.runs import Run, open_run
from textmill.tasks.classify import HEAD, Classify, Probabilities, fitted_on, named, sureness
from textmill.tasks.prepare import task_of
from textmill.tokens import Tokenizer

if TYPE_CHECKING:
    from textmill.models.domain import Domain
    from textmill.models.tfidf import Tfidf

LINES_AT_ONCE = 256
FLOOR = "floor"
Voice = Literal["offered", "network", "tfidf"]


@dataclass(frozen=True)
class Offer:
    """What a run answers with: weight × the network + (1 − weight) × the floor, in probabilities.

    temperature: the network's scores are divided by it (Guo et al. 2017); 1 where a text may have several labels.
    n_texts: held-out texts on which both were chosen; 0 = there were none, and the network answers as it is. losses:
    nats a text there, by who answers.
    """

    weight: float = 1.0
    temperature: float = 1.0
    n_texts: int = 0
    losses: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """network, tfidf or mixture."""
        return {1.0: "network", 0.0: "tfidf"}.get(self.weight, "mixture")

    @classmethod
    def of(cls, run: Run) -> Offer:
        """That of run.json. Raises Damaged where it makes no sense."""
        said = run.info.get("offer", {})
        try:
            return cls(**said)
        except TypeError as error:
            raise Damaged(f"this is no offer ({error})", where=str(run.path / "run.json")) from error

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
        ids = self.tokenizer.encode_batch(list(texts))
        return self.task.log_probs(self.model, ids, self.tokenizer.mark, self.at_once)

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
        answers_flagged: bool = True,
    ) -> Iterator[Classified]:
        """What each line is, in order; of an empty one nothing. at_once changes no answer. least: an answer that is
        less probable is not given. answers_flagged: so is that of a text with a flag, otherwise."""
        lines = iter(lines)
        while some := list(islice(lines, at_once)):
            full = [line for line in some if line.strip()]
            found = iter(zip(*self.answers(full), strict=True) if full else ())
            for line in some:
                if not line.strip():
                    yield Classified(label="", probabilities={})
                    continue
                own, flags = next(found)
                answers = sureness(own, self.several) >= least and (answers_flagged or not flags)
                names = named(own, self.classes, self.several) if answers else []
                yield Classified(
                    label=", ".join(names),
                    labels=names,
                    probabilities={name: float(p) for name, p in zip(self.classes, own, strict=True)},
                    abstained=not answers,
                    flags=flags,
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
            domain=domain_in(run.path),
            at_once=at_once,
        )
    model: Any = run.model(checkpoint, device=run.config.machine.device)
    own = checkpoint is None or str(checkpoint) == str(run.default_checkpoint)
    offer = Offer.of(run) if own else Offer()
    head = model.heads[HEAD]
    floor = floor_of(run) if (run.path / FLOOR / "run.json").is_file() or offer.weight < 1 else None
    domain = domain_in(run.path / FLOOR) if floor is not None else None
    return Classifier(list(head.classes), head.several, offer, task, run.tokenizer, model, floor, domain, at_once)


def domain_in(floor: Path) -> Domain | None:
    """What the folder of a floor keeps beside it. Raises Damaged."""
    from textmill.models.domain import Domain

    return Domain.load(floor)


def floor_of(run: Run) -> Tfidf:
    """The floor that the run keeps; where that is gone, one fitted now, on the same texts: the same to the bit. Raises
    RunError where they are gone too."""
    if (run.path / FLOOR / "run.json").is_file():
        kept: Tfidf = open_run(run.path / FLOOR).model()
        return kept
    from textmill.models.tfidf import Tfidf

    prepared = run.prepared()
    texts, labels, classes, several = fitted_on(prepared.train, prepared.tokenizer)
    return Tfidf.fit(texts, labels, classes, several, run.config.run.seed)


def classify(
    run: Run | Path | str,
    texts: str | Iterable[str],
    checkpoint: str | int | None = None,
    least: float = 0.0,
) -> list[Classified]:
    """What each text is by a run: label, labels, probabilities, flags.

    >>> textmill.classify("runs/reviews", "A fine film.")[0].label  # doctest: +SKIP
    'positive'
    """
    opened = run if isinstance(run, Run) else open_run(run)
    some = [texts] if isinstance(texts, str) else texts
    return list(classifier_of(opened, checkpoint).lines(some, least=least))
