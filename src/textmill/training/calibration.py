"""How fast this machine trains this text: real updates of each candidate, timed in turns. Room: training/.

Called by session before the first step of a run with a budget. Models, optimizers and positions in the text are its
own, and nothing of them stays: the run begins as if it had not been. What is chosen by it is in budget.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import torch

from textmill.config import Config
from textmill.models.adapters import numbers_of_tuning
from textmill.models.cost import flops_per_token, parameters
from textmill.models.ngram import NGram
from textmill.runs import Prepared, device_named
from textmill.tasks import task_of
from textmill.tasks.teacher import Teacher
from textmill.training.batching import batches_of
from textmill.training.beginning import new_model
from textmill.training.budget import Speed
from textmill.training.compiling import N_FIRST, Compiled, WarmUp
from textmill.training.faults import LossWatch
from textmill.training.optimizers import build_optimizers
from textmill.training.schedule import Plan
from textmill.training.updates import Update, updates

N_ROUNDS_LEAST = 2
N_ROUNDS_MOST = 4
SLICE_S = 0.4
"""Updates of one candidate follow each other for about so long within a round."""
N_UPDATES_OF_A_SLICE = 20
N_TOKENS_WRITTEN = 16
N_TOKENS_COUNTED = 20_000
"""Of an n-gram model that is timed."""

Now = Callable[[], float]


@dataclass
class Candidate:
    """One size: a model that is trained in each precision in turn, from its own first weights."""

    config: Config
    prepared: Prepared
    precisions: Sequence[str]
    now: Now
    compiles: bool = False
    begun: Collection[str] = ()
    teacher: Teacher | None = None
    compile_s: dict[str, float] = field(default_factory=dict)
    warm_s: dict[str, float] = field(default_factory=dict)
    rounds: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        config, task = self.config, task_of(self.config)
        task.teacher = self.teacher
        self.device = device_named(config.machine.device)
        model = new_model(config, self.prepared, self.device, begun=self.begun)
        compiled = Compiled(model, lambda why: None) if self.compiles else None  # the run will say why it fails
        model.train()
        optimizers = build_optimizers(model, config.train)
        rows = task.rows(self.prepared.train, self.prepared.tokenizer, config)
        batches = batches_of(task, rows, config, model, self.device)
        self.steps: dict[str, Iterator[Update]] = {
            precision: updates(
                model,
                optimizers,
                task,
                batches,
                plan_of(config, precision),
                watch=LossWatch(skips=True),
                compiled=compiled,
            )
            for precision in self.precisions
        }
        self.model = model
        for precision in self.precisions:  # the first updates of all, which allocate and compile, and are no measure
            warm_up = WarmUp()
            for _ in range(1 + N_FIRST * self.compiles):
                self.warm_s[precision] = self.timed(precision, 1)
                warm_up.took(self.warm_s[precision])
            self.compile_s[precision] = warm_up.extra_s

    def timed(self, precision: str, n_updates: int) -> float:
        """Seconds of an update, on average over n_updates."""
        start = self.now()
        for _ in range(n_updates):
            next(self.steps[precision])
        if self.device == "cuda":
            torch.cuda.synchronize()
        return (self.now() - start) / n_updates

    def written_s(self) -> float:
        """Seconds of a token that the model writes; 0 of one that only reads."""
        if task_of(self.config).form == "encoder":
            return 0.0
        tokenizer = self.prepared.tokenizer
        self.model.eval()
        start = self.now()
        with torch.no_grad():
            [text] = task_of(self.config).samples(self.model, tokenizer, self.config, "a", 1, N_TOKENS_WRITTEN)
        self.model.train()
        return (self.now() - start) / max(1, len(tokenizer.encode(text)) - 1)

    def n_updates(self, precision: str) -> int:
        """Of a slice."""
        return max(1, min(N_UPDATES_OF_A_SLICE, int(SLICE_S / max(self.warm_s[precision], 1e-9))))

    @property
    def round_s(self) -> float:
        """What a round of it is expected to take."""
        return sum(seconds * self.n_updates(precision) for precision, seconds in self.warm_s.items())

    def speeds(self) -> list[Speed]:
        form = task_of(self.config).form
        n_parameters = parameters(self.config.model, self.prepared.tokenizer.vocab_size, form).backbone
        written_s = self.written_s()
        return [
            Speed(
                size=self.config.model.size,
                precision=precision,
                n_parameters=n_parameters,
                batch=self.config.train.batch or 0,
                seconds=tuple(self.rounds.get(precision) or [self.warm_s[precision]]),
                written_s=written_s,
                compile_s=self.compile_s[precision] if self.compiles else None,
            )
            for precision in self.precisions
        ]


def plan_of(config: Config, precision: str) -> Plan:
    """Steps without end, at rates so low that no loss can jump."""
    return Plan(
        steps=10**9,
        seed=config.run.seed,
        schedule="constant",
        warmup_steps=10**8,
        decay_share=1.0,
        lr_end=1.0,
        max_grad_norm=config.train.max_grad_norm,
        eval_every=1,
        save_every=1,
        log_every=1,
        precision=precision,
    )


def calibrate(
    configs: Sequence[Config],
    precisions: Sequence[str],
    prepared: Prepared,
    seconds: float,
    now: Now,
    compiles: bool = False,
    begun: Collection[str] = (),
    teacher: Teacher | None = None,
) -> tuple[list[Speed], list[str]]:
    """The speeds of the configs (one a size, the smallest first) in each precision, and the sizes that were left out.

    All candidates are timed in turns, in two rounds or more, within `seconds`. A size that is too slow for that is left
    out, with all larger ones: of it, a few dozen updates would fit into ten times `seconds`. The smallest is timed in
    any case, in the first precision alone where time is short. compiles: each is compiled first, and timed for it.
    begun: tensors that another run gives. teacher: reads along with each.
    """
    end = now() + seconds
    torch.set_num_threads(configs[0].machine.threads or 1)
    candidates: list[Candidate] = []
    for number, config in enumerate(configs):
        left_s = end - now() - N_ROUNDS_LEAST * sum(candidate.round_s for candidate in candidates)
        if candidates:
            expected_s = max(candidates[-1].warm_s.values()) * relative_cost(config, candidates[-1].config, prepared)
            if expected_s * len(precisions) * (1 + N_ROUNDS_LEAST) > left_s:
                return timed_in_turns(candidates, end, now), [other.model.size for other in configs[number:]]
        candidates.append(Candidate(config, prepared, precisions, now, compiles, begun, teacher))
        if not number and candidates[0].round_s * N_ROUNDS_LEAST > end - now():
            candidates[0].precisions = precisions[:1]
    return timed_in_turns(candidates, end, now), []


def relative_cost(config: Config, other: Config, prepared: Prepared) -> float:
    """Of an update, in updates of the other."""
    vocab_size, form = prepared.tokenizer.vocab_size, task_of(config).form
    costs = []
    for one in (config, other):
        trained = numbers_of_tuning(one.model, one.train, vocab_size, form, prepared.tokenizer.source_vocab_size)
        costs.append(flops_per_token(one.model, vocab_size, form=form, trained=trained))
    return costs[0] / costs[1]


def timed_in_turns(candidates: Sequence[Candidate], end: float, now: Now) -> list[Speed]:
    """A B C, C B A, … while time is left for another round; a first round that has begun is finished."""
    turns = [(candidate, precision) for candidate in candidates for precision in candidate.precisions]
    for number in range(N_ROUNDS_MOST):
        if now() + sum(candidate.round_s for candidate in candidates) > end:
            break
        for candidate, precision in turns if number % 2 == 0 else turns[::-1]:
            seconds = candidate.timed(precision, candidate.n_updates(precision))
            candidate.rounds.setdefault(precision, []).append(seconds)
    return [speed for candidate in candidates for speed in candidate.speeds()]


def counting_s(prepared: Prepared, now: Now) -> float:
    """Seconds that an n-gram model takes for a token, to count it or to score it."""
    tokens = prepared.train.tokens[:N_TOKENS_COUNTED]
    start = now()
    NGram.fit(tokens, prepared.train.vocab_size, prepared.train.mark)
    return (now() - start) / max(1, len(tokens))
