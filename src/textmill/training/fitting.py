"""Whether a run fits into memory, said before step 0; and the micro-batch that does. Room: training/.

Called by session, spending and dry_run. What a run needs is models/cost.py's; what there is, the machine says here. A
micro-batch is made smaller by a whole number, and as many more are accumulated: an update reads the same rows.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import torch

from textmill.config import Config
from textmill.config.model import sizes_of
from textmill.errors import ConfigError, NoMemory, TextmillError
from textmill.models.activations import Reading, is_counted
from textmill.models.adapters import numbers_of_tuning
from textmill.models.cost import training_bytes
from textmill.report.numbers import size
from textmill.tables import TASK_FORMS
from textmill.tokens import Tokenizer
from textmill.training.processor import multiplies_in_bfloat16

THREAD_BYTES = 72 * 2**20
"""Addresses that a thread of torch takes: its stack, and a heap of its own."""
NO_LIMIT = 2**60
"""A limit of the control group beyond it is none."""
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "Cannot allocate memory", "out of memory")
"""In what torch and its libraries say."""


@dataclass(frozen=True)
class Room:
    """Memory that this process can still get, and what bounds it."""

    n_bytes: int
    bound: str
    is_of_addresses: bool = False

    def holds(self, need: dict[str, int]) -> bool:
        """need: as training_bytes tells it."""
        return need["total"] + (need["reserved"] if self.is_of_addresses else 0) <= self.n_bytes

    def __str__(self) -> str:
        return f"{size(self.n_bytes)} ({self.bound})"


def room_on(device: str, n_threads: int = 1) -> Room:
    """On a processor: the least of what the machine, the control group and the limit of addresses leave free."""
    if device == "cuda":
        return Room(int(torch.cuda.mem_get_info()[0]), "free on the GPU")
    rooms = [Room(int(psutil.virtual_memory().available), "free memory of the machine")]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        left = limit - psutil.Process().memory_info().vms - THREAD_BYTES * (n_threads - 1)
        rooms.append(Room(max(0, left), "the limit of addresses, ulimit -v", is_of_addresses=True))
    group = left_to_group(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    if group is not None:
        rooms.append(Room(group, "the limit of the control group"))
    return min(rooms, key=lambda room: room.n_bytes)


def left_to_group(told: Path, root: Path) -> int | None:
    """Bytes that the control group of this process leaves, caches that can be dropped counted as free; None: no limit.

    told: /proc/self/cgroup. root: where groups lie; version 2, and version 1's `memory`.
    """
    try:
        lines = [line.split(":", 2) for line in told.read_text().splitlines()]
    except OSError:
        return None
    found: list[int] = []
    for _, kinds, path in (line for line in lines if len(line) == 3):
        if kinds and "memory" not in kinds.split(","):
            continue
        base, names = (root / "memory", VERSION_1) if kinds else (root, VERSION_2)
        own = base / path.lstrip("/")
        for folder in [own, *own.parents] if own.is_dir() else [base]:  # in a container its own group is the root
            found += [left] if (left := left_in(folder, *names)) is not None else []
            if folder == base:
                break
    return min(found, default=None)


VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
VERSION_2 = ("memory.max", "memory.current", "inactive_file")


def left_in(folder: Path, limit: str, usage: str, cache: str) -> int | None:
    """Bytes left in one control group; None where it has no limit."""
    try:
        most, used = (folder / limit).read_text().strip(), int((folder / usage).read_text())
        counts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    if most == "max" or int(most) >= NO_LIMIT:
        return None
    return max(0, int(most) - used + int(counts.get(cache, 0)))


# --- what a run needs


@dataclass(frozen=True)
class Facts:
    """What a config does not say of a run. n_rows: that the text fills. continues: it goes on from a checkpoint."""

    vocab_size: int
    device: str
    n_rows: int
    continues: bool = False
    source_vocab_size: int | None = None
    teacher_bytes: int = 0
    """That a teacher takes beside the run."""

    @classmethod
    def of(
        cls, tokenizer: Tokenizer, device: str, n_rows: int, continues: bool = False, teacher_bytes: int = 0
    ) -> Facts:
        return cls(tokenizer.vocab_size, device, n_rows, continues, tokenizer.source_vocab_size, teacher_bytes)


def needed(config: Config, facts: Facts) -> dict[str, int]:
    """Bytes by kind and in all (`total`) of a run whose micro-batch and optimizer are decided."""
    train, form = config.train, TASK_FORMS[config.task.name]
    seq_len, has_source = config.model.seq_len, form == "encoder-decoder"
    is_masked = config.task.is_of_masks
    n_rows = min(train.batch or 1, facts.n_rows)
    reading = Reading(
        n_rows=n_rows,
        n_tokens=seq_len,
        n_source=seq_len if has_source else 0,
        is_padded=fills_by_length(config) or not config.tokens.pack,
        is_apart=config.tokens.isolate,
        is_fused=facts.device != "cpu",
        is_made_again=train.recompute,
        n_masked=round(n_rows * seq_len * config.task.mask_share) if is_masked else 0,
    )
    need = training_bytes(
        config.model,
        facts.vocab_size,
        reading,
        train.optimizer,
        form,
        accumulates=train.accumulate > 1,
        averages=train.average is not None,
        continues=facts.continues,
        steps_together=not multiplies_in_bfloat16(facts.device),
        leaves_holes=facts.device == "cpu" and not train.fit,
        source_vocab_size=facts.source_vocab_size,
        heads={"mask": {"vocab_size": facts.vocab_size}} if is_masked else None,
        trained=numbers_of_tuning(config.model, train, facts.vocab_size, form, facts.source_vocab_size),
    )
    if not facts.teacher_bytes:
        return need
    return need | {"teacher": facts.teacher_bytes, "total": need["total"] + facts.teacher_bytes}


def needed_told(need: dict[str, int]) -> str:
    """`about 5.2 GB at most (weights 0.4 GB, …)`."""
    parts = ", ".join(
        f"{name} {size(n_bytes)}" for name, n_bytes in need.items() if name not in ("total", "reserved") and n_bytes
    )
    return f"about {size(need['total'])} at most ({parts})"


# --- what fits


def halved(config: Config) -> Config | None:
    """The same rows an update in micro-batches half as large, or divided by the least number that divides them. None
    where it is one row already.

    Each new micro-batch lies within an old one, so lanes stay what they were.
    """
    batch, accumulate = config.train.batch or 1, config.train.accumulate
    if batch == 1:
        return None
    parts = next(parts for parts in range(2, batch + 1) if batch % parts == 0)
    train = config.train.model_copy(update={"batch": batch // parts, "accumulate": accumulate * parts})
    return config.model_copy(update={"train": train})


def fills_by_length(config: Config) -> bool:
    """Whether a batch is filled with examples of like length, and not with rows of one."""
    return TASK_FORMS[config.task.name] != "decoder"


def with_fit(config: Config) -> Config:
    return config.model_copy(update={"train": config.train.model_copy(update={"fit": True})})


def fitting(config: Config, fits: Callable[[Config], bool]) -> Config | None:
    """The config with the largest of its micro-batches that fits; None where not one row does."""
    smaller: Config | None = config
    while smaller is not None and not fits(smaller):
        smaller = halved(smaller)
    return smaller


def fitted(config: Config, facts: Facts, room: Room, below: int | None = None) -> tuple[Config, list[str]]:
    """The config as it is where it fits into the room; with train.fit else with smaller micro-batches, and what is to
    be said of them. below: rows with which memory ran out before, however little was expected to be needed.

    Raises ConfigError that says what is needed, what there is, and what would fit.
    """

    def fits(other: Config) -> bool:
        ran_out = below is not None and (other.train.batch or 1) >= below
        return not ran_out and room.holds(needed(other, facts))

    if fits(config):
        unknown = f"memory was looked at without what {config.model.arch} keeps for backward, which is not known"
        return config, [] if is_counted(config.model) else [unknown]
    need, smaller = needed(config, facts), fitting(config, fits)
    too_little = f"there is too little memory: training needs {needed_told(need)}; there are {room}"
    if config.train.fit and fills_by_length(config) and smaller is not None:
        too_little += (
            "; --fit is not for pairs, labelled texts and questions, as what an update reads of them depends on "
            "train.batch"
        )
    elif config.train.fit and smaller is not None:
        before, now = config.train, smaller.train
        why = f"need about {size(need['total'])}, there are {room}" if below is None else "were too many before"
        told = f"{before.batch} rows at once {why}: {now.batch} at once, {now.accumulate} times an update"
        return smaller, [f"{told}, which reads the same rows"]
    raise ConfigError(too_little, hint=advice(config, facts, room))


def advice(config: Config, facts: Facts, room: Room, below: int | None = None) -> str:
    """What would fit into the room: smaller micro-batches, and the largest smaller size. below: as in fitted."""

    def fits(other: Config) -> bool:
        return room.holds(needed(other, facts))

    def fits_below(other: Config) -> bool:
        return (below is None or (other.train.batch or 1) < below) and fits(other)

    ways = []
    asked = config if fills_by_length(config) else with_fit(config)
    smaller = fitting(asked, fits_below)
    if smaller is not None and smaller.train.batch == config.train.batch and not fills_by_length(config):
        ways.append("--fit, which gives freed memory back at once, and is slower for it")
    elif smaller is not None and smaller is not config:
        batch, accumulate = smaller.train.batch, smaller.train.accumulate
        if fills_by_length(config):
            ways.append(f"--train.batch {batch} --train.accumulate {accumulate}")
        else:
            ways.append(f"--fit, which reads the same rows, {batch} at once and {accumulate} times an update")
    total = needed(config, facts)["total"]
    for name, knobs in reversed(sizes_of(TASK_FORMS[config.task.name]).get(config.model.arch, {}).items()):
        other = config.model_copy(update={"model": config.model.model_copy(update={"size": name, **knobs})})
        reduced = fitting(other, fits)
        if reduced is not None and needed(other, facts)["total"] < total:
            ways.append(f"--size {name}" + ("" if reduced is other else f" --train.batch {reduced.train.batch}"))
            break
    if not ways:
        return "Not one row fits, nor a smaller size: free some memory, or shorten --model.seq_len."
    return f"This would fit: {'; or '.join(ways)}."


# --- memory that runs out all the same


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python or torch got no memory."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, (RuntimeError, OSError)) and any(words in str(error) for words in OUT_OF_MEMORY)


@contextmanager
def told_of_memory(config: Config, facts: Facts, room: Room, kept: Callable[[], str]) -> Iterator[None]:
    """Raises NoMemory in place of what Python or torch raise without memory. kept: says what stays of the run."""
    try:
        yield
        return
    except TextmillError:
        raise
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
    total = needed(config, facts)["total"]
    raise NoMemory(
        f"memory ran out: training needs about {size(total)}, and there were {room} when it began; {kept()}",
        hint=advice(config, facts, replace(room, n_bytes=min(room.n_bytes, total - 1)), config.train.batch),
    )
