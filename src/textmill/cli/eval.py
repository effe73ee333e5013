"""`textmill eval RUN`: a run measured on held-out text, beside its floor. Room: cli/."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.class_tables import classes_text
from textmill.cli.output import Shell, table
from textmill.cli.plan import show_plan
from textmill.cli.remote_options import PROBABILITIES, PROMPTS, TEXT_WAYS, remote_instead
from textmill.cli.run_argument import run_argument, settings_of, use_threads
from textmill.cli.scores import FLOORS, scores_table
from textmill.cli.verb import verb
from textmill.errors import InputError, UsageError

if TYPE_CHECKING:
    from textmill.results import Evaluation
    from textmill.runs import Run

DEFAULT_TEXTS = 100
ADD_WRITING = "textmill eval RUN --writing"


@verb(
    "eval",
    writes=True,
    knobs=("eval", "machine", "generate"),
    unlisted=("generate",),
    examples=(
        "textmill eval runs/novel                    on the test part that training held out",
        "textmill eval runs/novel --data other.txt   on another text",
        "textmill eval runs/novel --eval.window 256 --eval.stride 128",
        "textmill eval runs/novel -v                 with the whole convention",
        "textmill eval runs/novel --writing          how it writes: loops, repetition, copies, beside people's text",
        "textmill eval runs/novel --writing --choose      the way of writing nearest to people's, kept in the run",
        "textmill eval runs/reviews --fail-under floor   exit 1 where its floor does better",
        "textmill eval runs/reviews --abstain 0.8    what not answering below 0.8 would do",
        "textmill eval runs/novel/floor --json       the 5-gram floor is a run too",
        "textmill eval openai:NAME --data new.txt    a model of a server, by the probabilities that it echoes",
        "textmill eval openai:NAME --data new.csv --prompts reviews.toml      by what it answers",
    ),
)
@remote_instead("evaluate", **PROMPTS, **PROBABILITIES, **TEXT_WAYS)
@run_argument
@click.option("--data", metavar="PATH", help="Text to measure on. Default: the held-out test part.")
@click.option(
    "--fail-under",
    type=click.Choice(["floor"]),
    help="Exit with 1 where the model does not do better than its floor.",
)
@click.option(
    "--abstain",
    type=click.FloatRange(min=0.0, max=1.0),
    metavar="P",
    help="Of a classifier: how often it would be wrong, and answer, if it gave no answer below this probability.",
)
@click.option("--writing", is_flag=True, help="Measure how it writes instead; knobs of generate are taken.")
@click.option("--choose", is_flag=True, help="With --writing: choose the way of writing on validation, and keep it.")
@click.option(
    "--texts",
    type=click.IntRange(min=4),
    metavar="N",
    help="With --writing: texts to write for a number. Default: 100.",
)
@checkpoint_option
def eval_command(
    shell: Shell,
    run: Run,
    data: str | None,
    fail_under: str | None,
    abstain: float | None,
    writing: bool,
    choose: bool,
    texts: int | None,
    checkpoint: str | None,
) -> int:
    """Measure RUN on held-out text: loss, perplexity, bits per byte and per character; of a classifier accuracy, F1,
    confusion and calibration; each with an interval.

    Kept in RUN/eval/, unless another checkpoint or other settings than the run's own are asked for.
    """
    if writing:
        from textmill.cli.writing import measure_writing

        refuse_together("--writing", {"--data": data, "--fail-under": fail_under, "--abstain": abstain})
        if choose and checkpoint is not None:
            raise UsageError("say --choose or --checkpoint, not both: what is chosen is for the run as it is used")
        config = settings_of(run, shell, ("eval", "machine", "generate"))
        return measure_writing(shell, run, config, checkpoint, texts or DEFAULT_TEXTS, choose)
    refuse_without_writing(shell, {"--choose": choose, "--texts": texts})
    from textmill.evaluation import evaluate, save_evaluation

    settings = settings_of(run, shell, ("eval", "machine"))
    as_trained = checkpoint is None and settings.eval == run.config.eval
    run.config = settings
    if shell.dry_run:
        writes = [str(run.path / "eval")] if as_trained and run.keeps_results else []
        plan = {"data": data or "what training held out", "checkpoint": checkpoint or run.default_checkpoint}
        show_plan(shell, verb="eval", run=str(run.path), writes=writes, plan=plan)
        return 0
    use_threads(settings)
    found = evaluate(run, data=data, checkpoint=checkpoint, abstain=abstain)
    if as_trained and run.keeps_results:  # what the report and `ls` show is measured in the run's own way
        save_evaluation(run.path, found)
    return shown(shell, found, fail_under)


def refuse_together(flag: str, others: dict[str, Any]) -> None:
    """Raises UsageError where one of the others was said too."""
    for other, value in others.items():
        if value is not None:
            raise UsageError(f"say {flag} or {other}, not both")


def refuse_without_writing(shell: Shell, said: dict[str, Any]) -> None:
    """Raises UsageError for what only --writing reads."""
    knobs = {f"--{key}": True for key in shell.said if key.startswith("generate.")}
    for flag, value in (said | knobs).items():
        if value:
            raise UsageError(
                f"{flag} says how a run writes, which eval measures with --writing alone", hint=ADD_WRITING
            )


def shown(shell: Shell, found: Evaluation, fail_under: str | None) -> int:
    """Show a measurement; the exit code: 1 where it has to be better than its floor and is not."""
    shell.show(found, partial(evaluation_text, whole=shell.verbose))
    if fail_under is None:
        return 0
    worse = floors_ahead(found)
    if worse:
        shell.notice(f"not better than its floor: {', '.join(FLOORS.get(name, name) for name in worse)}")
    return 1 if worse else 0


def floors_ahead(found: Evaluation) -> list[str]:
    """The floors that the model is not better than: by accuracy or F1 not as good, else by bits per byte no better.
    Raises InputError where it has no floor."""
    metric = next(name for name in ("accuracy", "f1", "bpb", "bleu") if name in found.metrics)
    floors = {name: row[metric] for name, row in found.baselines.items() if metric in row and name != "network"}
    if not floors:
        raise InputError("there is no floor to compare it with", where=found.run)
    ours = found.metrics[metric]
    return [name for name, value in floors.items() if (value <= ours if metric == "bpb" else value > ours)]


def evaluation_text(found: Evaluation, whole: bool = False) -> str:
    """whole: the convention in full, not only its signature."""
    from textmill.report.numbers import count

    counted = ", ".join(
        f"{count(found.metrics[name])} {words}"
        for name, words in (
            ("n_texts", "texts"),
            ("n_questions", "questions"),
            ("n_masked", "hidden tokens"),
            ("n_sentences", "sentences"),
            ("n_tokens", "tokens"),
            ("n_bytes", "bytes"),
            ("n_chars", "characters"),
        )
        if name in found.metrics
    )
    how = dict(found.convention)
    notes, signature = how.pop("notes", []), how.pop("signature", "")
    confidence = how.get("confidence", 0.95)
    blocks = [f"{found.run} on {found.data}: {counted}"]
    blocks.append(scores_table(found.metrics, found.baselines, found.intervals, confidence))
    if found.classes is not None:
        blocks += classes_text(found)
    if whole or not signature:
        blocks.append(table(convention_rows(how) or [["", ""]]))
    blocks.append("\n".join([*([f"how: {signature}"] if signature else []), *(f"note: {note}" for note in notes)]))
    return "\n\n".join(block for block in [*blocks, found.verdict] if block.strip())


def convention_rows(how: dict[str, Any]) -> list[list[str]]:
    """How the numbers were taken, a row for each fact, in words and rounded."""
    from textmill.report.numbers import NO_VALUE, count, measure, share

    rows = []
    for name, value in how.items():
        title = name.replace("_", " ")
        if name == "bpb_minus_floor":
            for floor, ends in value.items():
                low, high = (f"{'+' if end > 0 else ''}{measure(end)}" for end in ends)
                rows.append(["bits per byte, model minus floor", f"{low} to {high}: {FLOORS.get(floor, floor)}"])
        elif isinstance(value, list):
            low, high = (f"{'+' if end > 0 else ''}{measure(end)}" for end in value)
            score, _, other = name.rpartition("minus_")
            title = "F1" if score else "accuracy"
            rows.append([f"{title}, minus that of {FLOORS.get(other, other)}", f"{low} to {high}"])
        elif isinstance(value, bool):
            rows.append([title, "yes" if value else "no"])
        elif isinstance(value, float):
            rows.append([title, share(value) if name == "confidence" else measure(value)])
        elif isinstance(value, int):
            rows.append([title, str(value) if name == "seed" else count(value)])
        else:
            rows.append([title, NO_VALUE if value is None else str(value)])
    return rows
