"""A run measured on held-out text: metrics, intervals, floors, and by which convention. Room: evaluation/.

Called by training (once, at the end) and by the eval verb; writes nothing but through save_evaluation.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textmill.errors import InputError, RunError
from textmill.evaluation.floor import Floor, table_of_bytes, uniform_scores
from textmill.evaluation.landmarks import verdict
from textmill.evaluation.overlap import share_seen_in_training
from textmill.files import make_folder, sealed, write_atomically
from textmill.messages import message, record_of
from textmill.metrics.bootstrap import difference_interval, intervals
from textmill.metrics.language import ExampleScore, metrics_of
from textmill.models import NextToken
from textmill.results import Evaluation
from textmill.runs import device_named
from textmill.tables import TASKS_WITH_LABELS, TASKS_WITH_QUESTIONS
from textmill.tasks import Task, task_of
from textmill.tasks.measuring import DocumentIds
from textmill.text import ReadReport, languages, read_documents
from textmill.tokens import Tokenizer

if TYPE_CHECKING:
    from textmill.runs import Run
    from textmill.runs.prepared import Prepared

BLOCKS = 64  # of a document that is alone, for the interval
FEW_DOCUMENTS = 10  # below this an interval over documents is rough, and the notes say so
LANGUAGE_SAMPLE = 2_000_000  # characters that the language shares are counted on


@dataclass
class HeldOut:
    """The text that is measured on. name: "test", "validation" or a path."""

    name: str
    examples: list[Any]
    notes: list[str] = field(default_factory=list)


def evaluate(
    run: Run,
    data: str | None = None,
    checkpoint: str | int | None = None,
    window: int | None = None,
    stride: int | None = None,
    abstain: float | None = None,
) -> Evaluation:
    """Measure a run's model beside its floors; every document is read apart, each token predicted exactly once.

    data: a file or folder, read as the run's own text was; None = the test part that training held out, else the
    validation part. checkpoint: "best", "last" or a step; None = the one RUN names. window, stride: tokens; None = as
    the run's [eval] says, else the model's context.
    abstain: of a classifier, the probability below which it would give no answer; what that would do is measured too.
    Intervals resample documents, or contiguous blocks where there is one. Raises NothingScored, InputError, RunError.
    """
    if run.kind == "network":
        device_named(run.config.machine.device)  # refuses one that is not here, before the text is read
    tokenizer, settings, begin_mark = run.tokenizer, run.config.eval, run.config.tokens.begin_mark
    window, stride = window or settings.window, stride or settings.stride
    task = task_of(run.config)
    if abstain is not None and run.config.task.name not in TASKS_WITH_LABELS:
        raise RunError(
            f"abstaining is for runs that classify (this is {run.config.task.name})",
            where=str(run.path),
            hint="Leave --abstain out.",
        )
    if task.form == "encoder" and run.kind == "network" and not run.info["heads"]:
        raise RunError(
            "this model reads texts and says nothing of them: it has no head to be measured",
            where=str(run.path),
            hint=f"It is a beginning for others: textmill train reviews.csv --task classify --from {run.path}",
        )
    prepared, held_out = _held_out(run, data, task, tokenizer)
    which = checkpoint if checkpoint is not None else run.default_checkpoint
    n_blocks = BLOCKS if len(held_out.examples) == 1 else None
    if run.config.task.name in TASKS_WITH_QUESTIONS:
        from textmill.evaluation.answers import evaluated as answers_evaluated

        return answers_evaluated(run, held_out.name, held_out.examples, held_out.notes, checkpoint)
    if run.config.task.is_of_masks:
        from textmill.evaluation import masked  # which makes the same document

        return masked.evaluated(run, held_out.name, held_out.examples, held_out.notes, checkpoint, prepared, n_blocks)
    if task.form == "encoder":
        from textmill.evaluation.labels import evaluated  # and so does this

        return evaluated(run, held_out.name, held_out.examples, held_out.notes, checkpoint, prepared, abstain)
    model = run.model(which, device=run.config.machine.device)

    asked = settings.model_copy(update={"window": window, "stride": stride})
    config = run.config.model_copy(update={"eval": asked})
    scores = task.measure(model, held_out.examples, tokenizer, config, n_blocks)
    metrics = _finite(task.metrics(scores), held_out.notes)
    how_sure = settings.resamples, settings.confidence, settings.seed
    found = intervals(scores, *how_sure)

    baselines = {"uniform": metrics_of(uniform_scores(scores, tokenizer.vocab_size))}
    floor = _floor_of(run, prepared, tokenizer, held_out.notes)
    floor_convention: dict[str, Any] = {}
    documents = task.as_documents(held_out.examples)
    if floor is not None:
        floor_scores = floor.score(documents, tokenizer, begin_mark, settings.batch, n_blocks)
        baselines |= {name: _finite(metrics_of(own), held_out.notes) for name, own in floor_scores.items()}
        floor_convention = floor.convention() | {"bpb_minus_floor": _differences(scores, floor_scores, how_sure)}
    if not found:
        held_out.notes.append(message("This is too little text for an interval."))
    elif n_blocks is None and len(scores) < FEW_DOCUMENTS:
        held_out.notes.append(message("There are only %(n)s documents: the intervals are rough.", n=len(scores)))

    rows: list[dict[str, Any]] = [vars(score) | {"source": printable(score.source)} for score in scores]
    judgement = task.judge(model, tokenizer, held_out.examples, config, None if prepared is None else prepared.train)
    if judgement is not None:
        metrics |= judgement.metrics
        found |= judgement.intervals
        baselines |= judgement.baselines
        floor_convention |= judgement.convention
        held_out.notes += judgement.notes
        rows = [row | written for row, written in zip(rows, judgement.rows, strict=True)]

    evaluation = Evaluation(
        run=str(run.path),
        data=held_out.name,
        checkpoint=str(which) if run.kind == "network" else "",
        metrics=metrics,
        intervals=found,
        baselines=baselines,
        convention=convention_of(tokenizer, model, begin_mark, window, stride)
        | {"resampled": _resampled(len(scores), n_blocks)}
        | {"resamples": settings.resamples, "confidence": settings.confidence, "seed": settings.seed}
        | floor_convention
        | {"notes": held_out.notes},
        documents=rows,
    )
    evaluation.convention["signature"] = signature(evaluation)
    if floor is not None or run.kind == "network":
        text = _sample(documents, tokenizer)
        evaluation.verdict = verdict(evaluation, languages([text]), run.config.data.paths if data is None else (data,))
    evaluation.messages = record_of([*evaluation.convention.values(), *held_out.notes, evaluation.verdict])
    return evaluation


def save_evaluation(run_path: Path, evaluation: Evaluation) -> Path:
    """Write eval/NAME.json of a run folder, atomically; the path. Raises NoSpace.

    NAME is test or validation, or a path's stem and a hash of the path.
    """
    folder = run_path / "eval"
    make_folder(folder)
    path = folder / f"{file_name(evaluation)}.json"
    write_atomically(path, sealed(evaluation.model_copy(update={"seal": ""}).to_json(indent=2) + "\n"))
    return path


def file_name(evaluation: Evaluation) -> str:
    """The NAME of save_evaluation."""
    if evaluation.data in ("test", "validation"):
        return evaluation.data
    stem = re.sub(r"[^\w-]+", "_", Path(evaluation.data).stem)[:60] or "text"
    return f"{stem}-{hashlib.sha256(evaluation.data.encode(errors='surrogatepass')).hexdigest()[:8]}"


def printable(source: str) -> str:
    """A file name that is not UTF-8 has lone surrogates in Python, which JSON cannot hold: they become \\udcXX."""
    return source.encode(errors="backslashreplace").decode()


# the text


def _held_out(run: Run, data: str | None, task: Task, tokenizer: Tokenizer) -> tuple[Prepared | None, HeldOut]:
    if data is None:
        prepared = run.prepared()
        for name, store in (("test", prepared.test), ("validation", prepared.valid)):
            if store is not None and store.n_documents:
                return prepared, HeldOut(name, list(task.examples(store, tokenizer)))
        raise InputError(
            "nothing was held out when this run was trained, so there is nothing to measure on",
            where=str(run.path),
            hint="Name a text: --data PATH",
        )
    report = ReadReport()
    documents = read_documents([data], run.config.data, report)
    if run.config.data.make_questions:
        from textmill.text.question_making import with_questions_made  # as splits does

        documents = with_questions_made(documents, run.config.data.split_seed)
    texts = list(documents)
    if not texts:
        raise InputError("there is no document here to measure on", where=data)
    held_out = HeldOut(data, task.documents(texts, tokenizer), unread_told(report))
    try:
        prepared = run.prepared()
    except RunError as error:
        held_out.notes.append(
            message("Whether this text stands in the training text was not checked: %(why)s.", why=error.message)
        )
        return None, held_out
    share = share_seen_in_training([document.text for document in texts], prepared.train, table_of_bytes(tokenizer))
    if share is None:
        held_out.notes.append(
            message("Whether this text stands in the training text was not checked: it is too large for that.")
        )
    elif share:
        held_out.notes.append(
            message(
                "%(percent)s %% of this text (by bytes, in whole lines) stand in the training text: the numbers are "
                "better than on new text.",
                percent=f"{100 * share:.1f}",
            )
        )
    return prepared, held_out


def unread_told(report: ReadReport) -> list[str]:
    """What is to be told of a text that was read: the reader's notes, and records that could not be read."""
    notes = list(report.notes)
    if report.n_bad_records:
        first = report.bad_records[0] if report.bad_records else ""
        notes.append(
            message(
                "%(n)s records could not be read and were left out; first: %(first)s",
                n=f"{report.n_bad_records:,}",
                first=first,
            )
        )
    return notes


def _sample(documents: Sequence[DocumentIds], tokenizer: Tokenizer) -> str:
    pieces: list[str] = []
    left = LANGUAGE_SAMPLE
    for ids, *_ in documents:
        pieces.append(tokenizer.decode(int(i) for i in ids[:left]))
        left -= len(ids)
        if left <= 0:
            break
    return "".join(pieces)


# beside it


def _floor_of(run: Run, prepared: Prepared | None, tokenizer: Tokenizer, notes: list[str]) -> Floor | None:
    """The floor that the run keeps; where it has none, one fitted now; none beside an n-gram, which is the floor."""
    if run.kind != "network":
        return None
    if (run.path / "floor" / "run.json").is_file():
        return Floor.load(run.path / "floor")
    if prepared is None:
        notes.append(message("There is no floor: the run keeps none, and its training text is not there."))
        return None
    written = task_of(run.config).written(prepared.train)
    return Floor.fit(prepared.train, tokenizer, run.config.run.seed, documents=written)


def _finite(metrics: dict[str, float], notes: list[str]) -> dict[str, float]:
    """Without what is no finite number, and a note that says so: JSON has no infinity, and a perplexity of more than
    e to the 700th is one."""
    for name, value in metrics.items():
        if not math.isfinite(value):
            sentence = message("%(name)s is too large for a number and is left out.", name=name)
            if sentence not in notes:
                notes.append(sentence)
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def _differences(
    scores: list[ExampleScore], floor_scores: dict[str, list[ExampleScore]], how_sure: tuple[int, float, int]
) -> dict[str, list[float]]:
    """Interval of bpb(model) − bpb(floor), paired, for each floor that was scored on the same examples."""
    found = {}
    for name, theirs in floor_scores.items():
        same = [(s.source, s.n_bytes) for s in scores] == [(s.source, s.n_bytes) for s in theirs]
        interval = difference_interval(scores, theirs, *how_sure) if same else None
        if interval is not None:
            found[name] = list(interval)
    return found


def convention_of(
    tokenizer: Tokenizer, model: NextToken, begin_mark: bool, window: int | None, stride: int | None
) -> dict[str, Any]:
    read = window or model.max_context
    return {
        "loss": message("nats per token"),
        "perplexity": message("per token"),
        "bpb": message("bits per UTF-8 byte"),
        "bpc": message("bits per code point"),
        "token": message("%(kind)s, vocabulary %(n)s", kind=tokenizer.kind, n=f"{tokenizer.vocab_size:,}"),
        "end_mark": message("scored, 0 bytes"),
        "begin_mark": begin_mark,
        "documents": message("read apart"),
        "window": read if read is not None else message("whole documents"),
        "stride": (stride or read) if read is not None else None,
    }


def _resampled(n: int, n_blocks: int | None) -> str:
    if n_blocks is None:
        return message("%(n)s documents", n=f"{n:,}")
    return message("%(n)s contiguous blocks of one document", n=f"{n:,}")


def signature(evaluation: Evaluation) -> str:
    """One line that tells two evaluations apart which must not be compared."""
    said = evaluation.convention
    mark = "begin mark" if said["begin_mark"] else "no begin mark"
    stride = "" if said["stride"] is None else f" stride {said['stride']}"
    return (
        f"{evaluation.data} | {said['token']} | window {said['window']}{stride} | {mark} | "
        f"documents {said['documents']} | {int(evaluation.metrics['n_tokens']):,} tokens | "
        f"bootstrap over {said['resampled']}"
    )
