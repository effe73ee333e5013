"""`--teacher RUN`: a run that learns from another beside the text. Room: training/.

Called by session before the text is prepared: the teacher gives its tokenizer, and, when training begins, what it holds
likely (tasks/teacher.py). The teacher is opened again where a run is resumed, and must be the same to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textmill.config import Config
from textmill.config.layers import Loaded, taught_by
from textmill.errors import ConfigError, RunError
from textmill.files import misfits_told, sha256_of
from textmill.hub import open_run
from textmill.messages import message
from textmill.models.cost import flops_per_token, parameters
from textmill.runs import Prepared, Run
from textmill.runs.folder import MISFIT
from textmill.tasks import Batch, Rows, Task, task_of
from textmill.tasks.teacher import Teacher
from textmill.training.starting import Start

KEPT_BYTES = 2**30
"""What a teacher made of the rows of a text is kept in memory up to here, so that it reads them once."""


@dataclass(frozen=True)
class Teaching:
    """A teacher that is read whole. sha256: of the file its weights were read from."""

    run: Run
    step: int
    sha256: str

    @property
    def n_parameters(self) -> int:
        tokenizer = self.run.tokenizer
        form, heads = str(self.run.info["form"]), dict(self.run.info["heads"] or {})
        counts = parameters(self.run.config.model, tokenizer.vocab_size, form, tokenizer.source_vocab_size, heads)
        return counts.total

    @property
    def flops(self) -> float:
        """Of reading a token."""
        vocab_size, form = self.run.tokenizer.vocab_size, str(self.run.info["form"])
        return flops_per_token(self.run.config.model, vocab_size, training=False, form=form)

    def teacher(self, config: Config, device: str, keeps: bool = False) -> Teacher:
        """The model, ready to teach a run of this config."""
        model = self.run.model(self.run.default_checkpoint, device)
        return Teacher(model, config.train.teacher_share, config.train.teacher_temperature, keeps)


def opened(config: Config) -> Teaching | None:
    """The teacher that a config names; None where it names none. Raises RunError where it is none for this task."""
    if config.train.teacher is None:
        return None
    run = open_run(config.train.teacher)
    if run.kind != "network":
        raise RunError(
            f"this is {'an n-gram model' if run.kind == 'ngram' else 'tf-idf'}: it cannot teach",
            where=str(run.path),
            hint="Name a run that was trained: --teacher runs/NAME",
        )
    theirs, ours = run.config.task.name, config.task.name
    if theirs != ours:
        raise RunError(
            f"this run is of task {theirs}, and cannot teach task {ours}",
            where=str(run.path),
            hint=f"Train a teacher with --task {ours}, or leave --teacher out.",
        )
    reach = run.config.model.seq_len if run.config.model.arch == "transformer" else None
    if ours != "lm" and reach is not None and config.model.seq_len > reach:
        raise ConfigError(
            f"the teacher reads at most {reach} tokens at once, and model.seq_len is {config.model.seq_len}",
            where=f"{run.path} (--teacher)",
            hint=f"Say --model.seq_len {reach}, or name a teacher with a longer context.",
        )
    saved = run.load(run.default_checkpoint)
    return Teaching(run, saved.step, run.weights_sha256(saved))


def taught(loaded: Loaded, start: Start | None) -> tuple[Loaded, Teaching | None]:
    """The config with the tokenizer of the teacher, and the teacher; None where none is said.

    Raises as opened does; ConfigError where another tokenizer was said, RunError where the run begins from one with
    another.
    """
    teaching = opened(loaded.config)
    if teaching is None:
        return loaded, None
    loaded = taught_by(loaded, teaching.run.config, str(teaching.run.path))
    if start is not None:
        into = Path(loaded.config.run.dir) / ".data"
        refuse_other_tokens(teaching.run.tokenizer_folder(into), start.run.tokenizer_folder(into), teaching)
    return loaded, teaching


def refuse_other_tokens(folder: Path, other: Path, teaching: Teaching) -> None:
    """Raises RunError where two folders hold other tokenizers."""
    ours, theirs = ({path.name: sha256_of(path) for path in one.glob("tokenizer*.json")} for one in (folder, other))
    if ours != theirs:
        raise RunError(
            "the teacher and the run to begin from have other tokenizers",
            where=str(teaching.run.path),
            hint="Leave --from out, or name a teacher with the same tokenizer.",
        )


def refuse_other_classes(teaching: Teaching, config: Config, prepared: Prepared) -> None:
    """Raises RunError where the teacher tells other classes apart than the texts have."""
    ours = {name: dict(told) for name, told in task_of(config).heads_of(prepared.train).items()}
    for name, told in ours.items():
        theirs = dict(dict(teaching.run.info["heads"] or {}).get(name) or {})
        if theirs.get("several") != told["several"] or set(theirs.get("classes", ())) != set(told["classes"]):
            raise RunError(
                f"the teacher tells {', '.join(theirs.get('classes', ()))} apart, and the texts have "
                f"{', '.join(told['classes'])}",
                where=str(teaching.run.path),
                hint="Train a teacher on texts with the same labels.",
            )


def facts_of(teaching: Teaching, config: Config, n_rows: int) -> dict[str, Any]:
    """What run.json says of the teacher of a run whose steps are decided."""
    train, seq_len = config.train, config.model.seq_len
    width = teaching.run.config.model.d_model
    kept = 2 * n_rows * seq_len * width if config.task.name == "lm" else 0
    n_read = (train.steps or 0) * (train.batch or 1) * train.accumulate
    keeps = 0 < kept <= KEPT_BYTES and n_read >= n_rows
    return {
        "run": str(teaching.run.path),
        "step": teaching.step,
        "sha256": teaching.sha256,
        "arch": teaching.run.config.model.arch,
        "n_parameters": teaching.n_parameters,
        "keeps": keeps,
        "bytes": memory_of(teaching, config) + (kept if keeps else 0),
    }


def memory_of(teaching: Teaching, config: Config) -> int:
    """Bytes, about, that a teacher takes beside the run: its weights, and what it holds of a micro-batch."""
    shape = teaching.run.config.model
    n_read = (config.train.batch or 1) * config.model.seq_len
    return 4 * teaching.n_parameters + 4 * n_read * shape.d_model * 12


def told_of(facts: dict[str, Any]) -> str:
    """A sentence for whoever begins such a run."""
    if facts["keeps"]:
        return message(
            "it learns from %(run)s too (%(arch)s, %(n)s parameters, step %(step)s), which reads the text once",
            **_named(facts),
        )
    return message(
        "it learns from %(run)s too (%(arch)s, %(n)s parameters, step %(step)s), which reads along", **_named(facts)
    )


def _named(facts: dict[str, Any]) -> dict[str, str]:
    n, step = f"{facts['n_parameters']:,}", f"{facts['step']:,}"
    return {"run": facts["run"], "arch": facts["arch"], "n": n, "step": step}


def put_teacher(run: Run, task: Task, rows: Rows, device: str) -> None:
    """Give a task the teacher that its run began with. Raises RunError where it is another one now."""
    if run.config.train.teacher is None:
        return
    teaching = opened(run.config)
    assert teaching is not None
    with misfits_told(run.path / "run.json", MISFIT):
        begun = str(run.info["teacher"]["sha256"])
        keeps = bool(run.info["teacher"]["keeps"])
    if teaching.sha256 != begun:
        raise RunError(
            f"the teacher changed since this run began (its sha256: {begun[:16]}… -> {teaching.sha256[:16]}…)",
            where=str(teaching.run.path),
            hint="Put the teacher back, or train under another --name.",
        )
    teacher = teaching.teacher(run.config, device, keeps)

    def read(numbers: Sequence[int]) -> Batch:
        return task.collate(rows, [number for number in numbers if number < len(rows)])

    teacher.rows = read
    task.teacher = teacher
