"""Which architecture for this text and this time: one real run of each, and a recommendation. Room: training/.

Called by the verb choose. Each run is what `train --minutes` makes, under a name of its own: what is finished is not
done again, and what was stopped goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from textmill.config.layers import Loaded, load_config
from textmill.errors import ConfigError, InputError
from textmill.files import make_folder, write_atomically
from textmill.metrics.bootstrap import difference_interval
from textmill.metrics.language import ExampleScore
from textmill.report import render_choice
from textmill.report.words import language
from textmill.results import Candidate, Chosen, Evaluation, Plan
from textmill.runs import Run
from textmill.tables import ARCHITECTURES, TASKS_OF_PRETRAINING, TASKS_WITH_LABELS, TASKS_WITH_QUESTIONS
from textmill.training.budget import DEFAULT_MINUTES
from textmill.training.naming import folder_of, named, with_kept_stdin
from textmill.training.progress import Listener, Quiet
from textmill.training.session import prepared_text, train

NOT_SAID = ("model.arch", "train.steps", "train.epochs")
RESULT = "choose.json"


def choose(
    flags: Mapping[str, Any],
    file: Path | None = None,
    *,
    listener: Listener | None = None,
    now: Callable[[], float] = time.perf_counter,
) -> Chosen:
    """Train each architecture for an equal share of train.minutes, measure them on the same text, and recommend one.

    flags, file: as load_config takes them; run.name is the beginning of the runs' names. Preparing the text is shared
    and comes before the shares. Raises as train does: Interrupted once all is saved.
    """
    listener, minutes = listener or Quiet(), minutes_of(flags, file)
    wanted = shares(flags, file)
    listener.notice(f"{minutes:g} minutes in all: {minutes / len(wanted):g} for each of {', '.join(wanted)}")
    first = next(iter(wanted.values())).config
    kept = with_kept_stdin(first)
    if kept != first:
        wanted = shares({**flags, "data.paths": kept.data.paths, "run.name": name_of(first.run.name or "")}, file)
    if not all((folder_of(loaded.config) / "run.json").is_file() for loaded in wanted.values()):
        prepared_text(kept, Path(kept.run.dir), listener)
    runs = {}
    for number, (arch, loaded) in enumerate(wanted.items(), start=1):
        listener.notice(f"{arch}, {number} of {len(wanted)}: {folder_of(loaded.config)}")
        runs[arch] = train(loaded, listener=listener, now=now)
    return concluded(runs, name_of(first.run.name or ""), minutes, listener)


def plan_choice(flags: Mapping[str, Any], file: Path | None = None) -> Plan:
    """What choose would do, without writing anything. Raises as it does."""
    wanted = shares(flags, file)
    folders = {arch: folder_of(loaded.config) for arch, loaded in wanted.items()}
    minutes = minutes_of(flags, file)
    base = next(iter(folders.values())).parent
    facts: dict[str, Any] = {"minutes": minutes, "minutes_of_each": minutes / len(wanted)}
    for arch, folder in folders.items():
        facts[arch] = f"{folder}: {Run.open(folder).status if (folder / 'run.json').is_file() else 'to be trained'}"
    name = name_of(next(iter(wanted.values())).config.run.name or "")
    writes = [*map(str, folders.values()), str(base / f"{name}-choose"), str(base / ".data")]
    return Plan(verb="choose", run=None, writes=writes, plan=facts)


def shares(flags: Mapping[str, Any], file: Path | None) -> dict[str, Loaded]:
    """The run of each architecture. Raises ConfigError for knobs that are not the person's to say here."""
    for key in NOT_SAID:
        if key in flags:
            raise ConfigError(
                f"{key}: choose trains {', '.join(ARCHITECTURES)}, each for a share of --minutes",
                hint=f"Leave {key} out, or train one architecture: textmill train",
            )
    once = named(loaded_once(flags, file)).config
    if once.task.name in (*TASKS_WITH_LABELS, *TASKS_WITH_QUESTIONS, *TASKS_OF_PRETRAINING):
        raise ConfigError(
            f"choose compares architectures by bits per byte, which task {once.task.name} has not",
            where="task.name",
            hint="Train one run of each architecture, and compare two: textmill compare RUN RUN",
        )
    name = once.run.name
    minutes = minutes_of(flags, file) / len(ARCHITECTURES)
    return {
        arch: load_config(
            {**flags, "model.arch": arch, "train.minutes": minutes, "run.name": f"{name}-choose-{arch}"}, file
        )
        for arch in ARCHITECTURES
    }


def loaded_once(flags: Mapping[str, Any], file: Path | None) -> Loaded:
    """What was said, for some architecture."""
    return load_config({**flags, "model.arch": next(iter(ARCHITECTURES))}, file)


def name_of(run: str) -> str:
    """What the names of the runs begin with.

    >>> name_of("novel-choose-gru")
    'novel'
    """
    return run.rpartition("-choose-")[0]


def minutes_of(flags: Mapping[str, Any], file: Path | None) -> float:
    """Of all runs together."""
    return loaded_once(flags, file).config.train.minutes or DEFAULT_MINUTES


def concluded(runs: Mapping[str, Run], name: str, minutes: float, listener: Listener) -> Chosen:
    """The runs, best first, in one document; written beside its picture in RUNS/NAME-choose."""
    measured = {arch: evaluation_of(run) for arch, run in runs.items()}
    order = sorted(runs, key=lambda arch: measured[arch].metrics["bpb"])
    best = order[0]
    candidates = [candidate_of(arch, runs[arch], measured[arch], measured[best]) for arch in order]
    folder = runs[best].path.parent / f"{name}-choose"
    chosen = Chosen(
        name=name,
        data=measured[best].data,
        minutes=minutes,
        candidates=candidates,
        baselines=measured[best].baselines,
        recommended=best,
        reason=reason_for(candidates, measured[best].baselines),
        folder=str(folder),
        next=runs[best].info.get("next", []),
    )
    make_folder(folder)
    chosen, notes = render_choice(chosen, folder, language())
    write_atomically(folder / RESULT, chosen.to_json() + "\n")
    for note in notes:
        listener.notice(note)
    return chosen


def evaluation_of(run: Run) -> Evaluation:
    """Raises InputError where nothing was held out, or not in bits per byte: then nothing can be compared."""
    evaluation = run.evaluation()
    if evaluation is None or "bpb" not in evaluation.metrics:
        raise InputError(
            "the architectures cannot be compared: the run has no bits per byte of held-out text",
            where=str(run.path),
            hint="Hold text out with --valid or --test, or give more of it.",
        )
    return evaluation


def candidate_of(arch: str, run: Run, measured: Evaluation, best: Evaluation) -> Candidate:
    behind = None
    if measured is not best:
        behind = difference_interval(scores_of(measured.documents), scores_of(best.documents))
    return Candidate(
        arch=arch,
        run=str(run.path),
        step=run.step,
        size=run.config.model.size,
        n_parameters=run.info["n_parameters"],
        took_s=run.info.get("budget", {}).get("took_s"),
        metrics=measured.metrics,
        intervals=measured.intervals,
        behind=behind,
    )


def scores_of(documents: Sequence[Mapping[str, Any]]) -> list[ExampleScore]:
    names = ("source", "nats", "n_tokens", "n_bytes", "n_chars")
    return [ExampleScore(**{name: document[name] for name in names}) for document in documents]


def reason_for(candidates: Sequence[Candidate], baselines: Mapping[str, Mapping[str, float]]) -> str:
    """Why the first is recommended, and how sure that is."""
    best, *others = candidates
    told = f"{best.arch}: {best.metrics['bpb']:.3f} bits per byte"
    close = [one.arch for one in others if one.behind is None or one.behind[0] <= 0]
    if close:
        told += f"; {' and '.join(close)} cannot be told apart from it on this text (the 95 % interval holds 0)"
    else:
        nearest = others[0]
        least, most = nearest.behind or (0.0, 0.0)
        told += f"; {nearest.arch}, the next, is behind by {least:.3f} to {most:.3f} (95 % interval, paired)"
    unbeaten = [name for name, row in baselines.items() if row.get("bpb", float("inf")) <= best.metrics["bpb"]]
    if unbeaten:
        told += ". It does not beat its floor yet: give it more minutes"
    return told + ". One seed each: another could order close ones differently."
