"""A reader measured on held-out questions, beside what needs no training; and when it says that there is no answer.
Room: evaluation/.

Called by evaluate for runs whose task is answer, and by training when it closes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from textmill.evaluation.answer_baselines import BASELINES
from textmill.evaluation.asked_documents import AskedOf, asked_of, contexts_of
from textmill.messages import Message, message, paragraph, record_of
from textmill.metrics.answers import AnswerScore, answer_score, best_threshold, intervals, metrics_of
from textmill.metrics.bootstrap import middle, resampled_sums
from textmill.results import Evaluation
from textmill.runs import Prepared, Run
from textmill.tasks.answer import Asked, SpanAnswer
from textmill.tasks.answering import NO_ANSWER, Reader, Refusal, reader_of
from textmill.tasks.asking import Offer

SCORES = ("em", "f1")
FEW_PASSAGES = 10  # below this an interval is rough, and the notes say so


def chosen_refusal(run: Run, prepared: Prepared) -> Refusal:
    """The least score of an answer that is given, by which F1 on the validation questions is best; never refusing where
    each of them has an answer, and where there are none."""
    if prepared.valid is None:
        return Refusal()
    reader = reader_of(run)
    asked = list(reader.task.examples(prepared.valid, reader.tokenizer))
    found = reader.task.found(reader.model, asked, reader.tokenizer, reader.at_once)
    best = [answers[0] if answers else SpanAnswer(NO_ANSWER, 0, 0, 0.0) for _, _, answers in found]
    own = scores_of(asked, [answer.text for answer in best], run.config.eval.convention)
    always = metrics_of(own)["f1"]
    has_answer = [bool(one.answers) for one in asked]
    if all(has_answer):
        return Refusal(None, len(asked), round(always, 6), round(always, 6))
    threshold = best_threshold(
        [score.f1 for score in own],
        [bool(answer.text) for answer in best],
        has_answer,
        [-answer.score for answer in best],
        least=-max(answer.score for answer in best) - 1,
    )
    return Refusal(-threshold.value, len(asked), round(threshold.score, 6), round(always, 6))


def scores_of(asked: Sequence[Asked], answers: Sequence[str], convention: str) -> list[AnswerScore]:
    """Each answer ("" = there is none) beside the right ones; questions about one passage are drawn together."""
    return [
        answer_score(answer, [text for _, text in one.answers], convention, group=one.context)
        for one, answer in zip(asked, answers, strict=True)
    ]


def evaluated(
    run: Run,
    name: str,
    asked: Sequence[Asked],
    notes: list[str],
    checkpoint: str | int | None = None,
) -> Evaluation:
    """What a run answers, measured beside the baselines that read the same passages. name: of the questions."""
    reader, settings = reader_of(run, checkpoint), run.config.eval
    found = reader.task.measure(reader.model, asked, reader.tokenizer, run.config)
    answers = [reader.refusal.ranked(score.found, 1)[0] for score in found]
    how_sure = settings.resamples, settings.confidence, settings.seed

    ours = scores_of(asked, [answer.text for answer in answers], settings.convention)
    floors = {
        floor: scores_of(asked, [answers_of(one.question, one.context) for one in asked], settings.convention)
        for floor, answers_of in BASELINES.items()
    }
    metrics = reader.task.metrics(found) | metrics_of(ours)
    certain = intervals(ours, *how_sure)
    baselines = {floor: metrics_of(own) for floor, own in floors.items()}
    number_of = {context: number for number, context in enumerate(dict.fromkeys(one.context for one in asked))}
    if len(number_of) < FEW_PASSAGES:
        notes = [*notes, message("There are only %(n)s passages: the intervals are rough.", n=len(number_of))]
    warned = alarms(metrics, baselines)
    told = [*notes, *warned]
    if reader.refusal.least is not None and name == "validation":
        told.append(message("When no answer is given was chosen on these very questions: on new ones it may do worse."))

    said = verdict(metrics, certain, baselines, reader.refusal)
    offer, shown = Offer.of(run), None
    if offer is not None and reader.is_own:
        others = contexts_of(run.prepared(), reader)
        shown = asked_of(reader, offer, asked, others, settings.convention, run.config.data.split_seed)
    if offer is not None and shown is not None:
        metrics |= shown.metrics(shown.trained)
        certain |= shown.intervals(shown.trained, how_sure)
        baselines["evidence"] = shown.metrics(shown.untrained)
        said = paragraph([said, *told_of(shown, offer, metrics, baselines["evidence"], how_sure)])
        if shown.n_left_out:
            told.append(asked_some(len(shown.groups), shown.n_left_out))

    evaluation = Evaluation(
        run=str(run.path),
        data=name,
        checkpoint=str(checkpoint if checkpoint is not None else run.default_checkpoint),
        metrics=metrics,
        intervals=certain,
        baselines=baselines,
        convention=convention_of(reader, len(number_of), settings)
        | {
            f"f1_minus_{floor}": list(own)
            for floor, other in floors.items()
            if (own := difference(ours, other, how_sure))
        }
        | ({"asked_f1_minus_evidence": list(own)} if shown and (own := shown.difference(how_sure)) else {}),
        documents=[
            {
                "source": one.place.encode(errors="backslashreplace").decode(),
                "question_id": one.name,
                "question": one.question,
                "group": number_of[one.context],
                "has_answer": int(bool(one.answers)),
                "nats": score.nats,
                "n_windows": score.n_tokens,
                "output": answer.text,
                "start": answer.start,
                "end": answer.end,
                "score": answer.score,
                "em": own.em,
                "f1": own.f1,
            }
            for one, score, answer, own in zip(asked, found, answers, ours, strict=True)
        ],
    )
    evaluation.convention["notes"] = told
    evaluation.convention["signature"] = (
        f"{name} | {len(asked):,} questions | {len(number_of):,} passages | EM and F1 by {settings.convention} | "
        "bootstrap over passages"
    )
    evaluation.verdict = said
    evaluation.messages = record_of([*evaluation.convention.values(), *told, evaluation.verdict])
    return evaluation


def asked_some(n_asked: int, n_left_out: int) -> Message:
    """Not all questions were asked of documents."""
    return message(
        "%(n)s questions were asked of the passages; %(rest)s more with an answer were not drawn.",
        n=f"{n_asked:,}",
        rest=f"{n_left_out:,}",
    )


def told_of(
    shown: AskedOf, offer: Offer, metrics: dict[str, float], floor: dict[str, float], how_sure: tuple[int, float, int]
) -> Iterator[Message]:
    """What asking the passages came to, with the reader and without, and which of the two is offered."""

    def percent(row: dict[str, float], name: str) -> str:
        return f"{100 * row[name]:.1f} %" if name in row else "–"

    yield message(
        "Asked of the held-out passages together, it answers %(right)s of the questions rightly and refuses "
        "%(refused)s of those that other passages do not answer; what needs no training, %(right_floor)s and "
        "%(refused_floor)s.",
        right=percent(metrics, "asked_right"),
        refused=percent(metrics, "asked_refused"),
        right_floor=percent(floor, "asked_right"),
        refused_floor=percent(floor, "asked_refused"),
    )
    ends = shown.difference(how_sure)
    if is_better(shown, offer, how_sure):
        assert ends is not None
        yield message(
            "Its F1 is higher by %(low)s to %(high)s points: `textmill ask` answers with it.",
            low=f"{100 * ends[0]:.1f}",
            high=f"{100 * ends[1]:.1f}",
        )
    elif not offer.weight:
        yield message("On the validation questions the reader was of no help, so `textmill ask` answers without it.")
    elif ends is None:
        yield message("These are too few passages to tell which is better, so `textmill ask` answers without it.")
    else:
        yield message(
            "The difference in F1 (%(low)s to %(high)s points) does not show that it is better, so `textmill ask` "
            "answers without it.",
            low=f"{100 * ends[0]:.1f}",
            high=f"{100 * ends[1]:.1f}",
        )


def is_better(shown: AskedOf, offer: Offer, how_sure: tuple[int, float, int]) -> bool:
    """Whether F1 with the reader is higher beyond the interval."""
    ends = shown.difference(how_sure) if offer.weight else None
    return ends is not None and ends[0] > 0


def difference(
    ours: Sequence[AnswerScore], theirs: Sequence[AnswerScore], how_sure: tuple[int, float, int], score: str = "f1"
) -> tuple[float, float] | None:
    """The interval of score(ours) − score(theirs), the same passages drawn for both; None below two passages."""
    resamples, confidence, seed = how_sure
    sums: dict[str, list[float]] = {}
    for one, other in zip(ours, theirs, strict=True):
        row = sums.setdefault(one.group, [0.0, 0.0])
        row[0] += getattr(one, score) - getattr(other, score)
        row[1] += 1
    if len(sums) < 2:
        return None
    above, n = resampled_sums(np.array(list(sums.values())), resamples, seed).T
    return middle(above, n, confidence)


def convention_of(reader: Reader, n_passages: int, settings: Any) -> dict[str, Any]:
    """How the numbers were taken."""
    refusal = reader.refusal
    said: dict[str, Any] = {
        "convention": settings.convention,
        "loss": message("nats per window"),
        "em": message("questions whose answer is one of the right ones, as the convention compares them"),
        "f1": message("of the tokens of the convention, with the right answer that is nearest; a mean over questions"),
        "documents": message("read whole, in windows where they are long"),
        "longest_answer": reader.task.longest or reader.model.heads["span"].longest,
        "refuses_below": message("never") if refusal.least is None else round(refusal.least, 4),
        "resampled": message("%(n)s passages", n=f"{n_passages:,}"),
        "resamples": settings.resamples,
        "confidence": settings.confidence,
        "seed": settings.seed,
    }
    if refusal.n_questions:
        said["chosen_on"] = message("%(n)s validation questions", n=f"{refusal.n_questions:,}")
    return said


def verdict(
    metrics: dict[str, float],
    certain: dict[str, tuple[float, float]],
    baselines: dict[str, dict[str, float]],
    refusal: Refusal,
) -> Message:
    """How good it is beside what needs no training."""
    said: list[Message] = []
    if "f1" in certain:
        low, high = certain["f1"]
        said.append(
            message(
                "Of these questions %(em)s %% are answered exactly; F1 is %(f1)s %% (%(low)s to %(high)s %%).",
                em=f"{100 * metrics['em']:.1f}",
                f1=f"{100 * metrics['f1']:.1f}",
                low=f"{100 * low:.1f}",
                high=f"{100 * high:.1f}",
            )
        )
    else:
        said.append(
            message(
                "Of these questions %(em)s %% are answered exactly; F1 is %(f1)s %%.",
                em=f"{100 * metrics['em']:.1f}",
                f1=f"{100 * metrics['f1']:.1f}",
            )
        )
    floor = max(baselines, key=lambda name: baselines[name]["f1"])
    said.append(
        message(
            "The best that needs no training reaches an F1 of %(f1)s %%.",
            f1=f"{100 * baselines[floor]['f1']:.1f}",
        )
    )
    if "f1_unanswerable" in metrics:
        said.append(
            message(
                "Of the questions without an answer it says so of %(percent)s %%.",
                percent=f"{100 * metrics['f1_unanswerable']:.1f}",
            )
        )
        if refusal.least is None:
            said.append(message("It never says that there is none: no validation question taught it when to."))
    return paragraph(said)


def alarms(metrics: dict[str, float], baselines: dict[str, dict[str, float]]) -> list[Message]:
    """What must not be overlooked."""
    worse = [name for name, row in baselines.items() if any(row[score] > metrics[score] for score in SCORES)]
    return [message("It is worse than what needs no training: %(names)s.", names=", ".join(worse))] if worse else []
