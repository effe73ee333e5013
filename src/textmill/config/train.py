"""[train]: how the weights are fitted, and when they are measured and saved."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from textmill.config.section import Section, knob
from textmill.errors import ConfigError

N_STEPS_MOST = 1_000_000_000
"""More updates than a lifetime of one machine makes: a larger number is a slip of the finger."""

N_MINUTES_MOST = 1_000_000.0
"""Two years."""
LENGTHS = {
    "train.steps": ("--steps", "so many steps"),
    "train.epochs": ("--epochs", "so many passes over the text"),
    "train.minutes": ("--minutes", "for so long"),
}
"""key -> (flag, what one trains by it): the ways to say how long to train, of which one is said."""


class TrainConfig(Section):
    """How the weights are fitted."""

    steps: int | None = knob(None, ge=1, le=N_STEPS_MOST, flag="--steps", on_resume="grow")
    """Updates of the weights. Default: from epochs or minutes."""
    epochs: float | None = knob(None, gt=0.0, flag="--epochs")
    """Passes over the training text, as another way to say steps: one of the ways is said, not two."""
    minutes: float | None = knob(None, gt=0.0, le=N_MINUTES_MOST, flag="--minutes")
    """Time for all, from the start to the report: size, batch and steps are chosen for it by measuring this machine.
    Default: 10, where neither steps nor epochs are said. Beside steps it is a note of what they were chosen for."""
    pretrain: tuple[str, ...] = knob((), flag="--pretrain")
    """Of a task that reads whole texts: text without labels on which it first learns to guess hidden words, in a run of
    its own, NAME-pretrained; may be said several times. same: only the texts that have labels. Held-out texts are left
    out of it."""
    pretrain_share: float = knob(0.5, gt=0.0, lt=1.0)
    """Share of minutes that goes into it."""
    pretrain_steps: int | None = knob(None, ge=1, le=N_STEPS_MOST)
    """Its steps. Default: its share of minutes; beside --steps or --epochs as many as the run itself."""
    tune: Literal["full", "lora", "last", "frozen"] = knob("full", flag="--tune")
    """Of a run that begins from another, what is trained. full: every weight. lora: small adapters beside the matrices
    (Hu et al. 2021). last: the last layers and the heads. frozen: the heads alone. What is new, such as a head for
    another task, is trained in any case."""
    tune_layers: int = knob(1, ge=1)
    """Of last, how many layers; of each side where a source is read."""
    layer_decay: float = knob(1.0, gt=0.0, le=1.0)
    """Each layer learns at so many times the rate of the one above it, the embedding at the least (Howard & Ruder
    2018). 1: all at the same rate."""
    lora_rank: int = knob(8, ge=1)
    """Of lora, the rank of what is added to a matrix."""
    lora_alpha: float = knob(16.0, gt=0.0)
    """Of lora, alpha: what is added is multiplied by alpha / rank."""
    lora_dropout: float = knob(0.0, ge=0.0, lt=1.0)
    """Of lora, share of what goes into an adapter that is set to 0 in training. Not of recurrent cells."""
    lora_targets: tuple[str, ...] = knob(())
    """Of lora, which matrices: query, key, value, out, up, gate, down; of recurrent cells input, state. Default: all
    that there are."""
    teacher: str | None = knob(None, flag="--teacher")
    """A trained run of the same task, of any architecture and size, or a folder of another tool, that this one learns
    from too: beside what stands in the text, what the teacher held likely there (Hinton et al. 2015). Its tokenizer is
    taken. The loss that is told is the model's own."""
    teacher_share: float = knob(0.5, gt=0.0, le=1.0)
    """Share of the teacher in what is minimised; the rest is the text's. 1: the teacher alone."""
    teacher_temperature: float = knob(1.0, gt=0.0)
    """By which the scores of both are divided before they are compared: above 1, what is unlikely counts more."""
    batch: int | None = knob(None, ge=1)
    """Rows in a micro-batch. Default: chosen for the architecture and the amount of text."""
    accumulate: int = knob(1, ge=1)
    """Micro-batches in an update; each target weighs the same."""
    fit: bool = knob(False, flag="--fit", on_resume="take")
    """Where a micro-batch does not fit into memory, make it smaller and accumulate more of them: an update reads the
    same rows. Freed memory goes back to the system at once, so that less is needed, and updates may take twice as long.
    Without, such a run is refused before it begins."""
    order: Literal["shuffle", "stream"] | None = knob(None)
    """shuffle: rows in random order. stream: contiguous lanes, the state carried on. Default: the architecture's."""
    optimizer: Literal["auto", "sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "adafactor", "muon"] = knob(
        "auto"
    )
    """auto: muon for a Transformer and a translator, adamw for a recurrence. muon: inner matrices by Muon, the rest by
    AdamW. adafactor: keeps a row and a column beside each matrix, where adamw keeps two more of its size."""
    lr: float | None = knob(None, gt=0.0)
    """Peak learning rate. Default: the optimizer's own for this architecture. Of adafactor: the largest relative
    step, a share of the size of the weights."""
    lr_rest: float | None = knob(None, gt=0.0)
    """Peak rate of the AdamW beside Muon (embeddings, head, vectors). Default: 3e-3, of recurrent translators 0.01."""
    momentum: float = knob(0.95, ge=0.0, lt=1.0)
    """Of momentum, nesterov, rmsprop and muon."""
    beta1: float = knob(0.9, ge=0.0, lt=1.0)
    """Adam's decay of the mean gradient."""
    beta2: float = knob(0.95, ge=0.0, lt=1.0)
    """Adam's decay of the mean squared gradient."""
    weight_decay: float | None = knob(None, ge=0.0)
    """Decoupled decay of matrices. Default: 0.1 for adamw, 0 otherwise."""
    schedule: Literal["constant", "linear", "cosine", "wsd"] = knob("wsd")
    """Course of the rate after warm-up. wsd: level, then a straight line down over decay_share of the steps."""
    warmup_steps: int | None = knob(None, ge=0)
    """Steps in which the rate rises linearly from 0. Default: a fiftieth of steps."""
    decay_share: float = knob(0.6, gt=0.0, le=1.0)
    """Share of the steps in which wsd falls."""
    lr_end: float = knob(0.0, ge=0.0, le=1.0)
    """Last rate as a share of the peak."""
    max_grad_norm: float | None = knob(1.0, gt=0.0)
    """The gradient is scaled down to this norm."""
    bad_step: Literal["stop", "skip", "rollback"] = knob("stop", on_resume="take")
    """Where the loss or the gradient is no number, or the loss jumps: stop before the weights change; skip that update;
    or go back to the last checkpoint and on at half the rate. Each is told in metrics.jsonl. Of classifiers
    the default is skip."""
    spike: float | None = knob(6.0, gt=0.0, on_resume="take")
    """A loss jumps when it is so many standard deviations, and a quarter, above the mean of the last 128."""
    precision: Literal["auto", "float32", "bfloat16"] = knob("auto")
    """Of multiplications in training (weights stay float32). auto: bfloat16 where processor and model gain by it."""
    recompute: bool = knob(False, flag="--recompute", on_resume="take")
    """Compute each layer's activations again in the backward pass instead of keeping them: less memory, more time, the
    same weights to the bit."""
    compile: bool = knob(False, flag="--compile", on_resume="warn")
    """Compile the model by torch.compile: the first updates take longer, the others perhaps less; recurrent cells stay
    as they are. The run is then repeatable within rounding, not to the bit. Where it fails, the run goes on without."""
    label_smoothing: float | None = knob(None, ge=0.0, lt=1.0)
    """Share of each target's probability that training spreads over all others (Szegedy et al. 2016); the loss that is
    told is without it. Default: 0.1 for translate, else 0."""
    average: float | None = knob(None, gt=0.0, lt=1.0)
    """Decay of the running average of the weights that is evaluated and kept instead of them. Default: off."""
    best_by: Literal["loss", "accuracy", "bleu", "chrf", "f1"] = knob("loss")
    """What the best checkpoint is best by: the loss on validation text; of classifiers also accuracy; of translators
    also BLEU or chrF of greedy translations of its first 200 pairs; of answers also F1."""
    patience: int | None = knob(None, ge=1)
    """Stop after this many evaluations without a new best. Default: off."""
    eval_every: int | None = knob(None, ge=1, on_resume="take")
    """Steps between evaluations. Default: a tenth of steps."""
    eval_tokens: int | None = knob(200_000, ge=1, on_resume="take")
    """Validation tokens read at an evaluation during training; the final one reads all."""
    save_every: int | None = knob(None, ge=1, on_resume="take")
    """Steps between checkpoints. Default: as evaluations."""
    log_every: int = knob(10, ge=1, on_resume="take")
    """Steps between lines of metrics.jsonl."""
    sample_tokens: int = knob(100, ge=0, on_resume="take")
    """Tokens of the sample written at every evaluation. 0: none."""
    keep: int = knob(2, ge=1, flag="--keep", on_resume="take")
    """Checkpoints kept beside the best."""

    exportable: Literal["hf", "onnx", "gguf"] | None = knob(None, flag="--exportable", on_resume="take")
    """A format that the run is to leave in (textmill export): what it has no place for is refused before the first
    step. hf: as transformers' own classes; onnx; gguf: as llama.cpp reads it."""

    @model_validator(mode="after")
    def warmup_ends_in_time(self) -> TrainConfig:
        if self.warmup_steps is not None and self.steps is not None and self.warmup_steps >= self.steps:
            raise ValueError(f"warmup_steps ({self.warmup_steps}) must be below steps ({self.steps})")
        return self


def two_lengths(one: str, other: str, found: str | None = None) -> ConfigError:
    """The error of a config that says how long to train in two ways. one, other: keys of LENGTHS."""
    (flag, so_long), (other_flag, other_so_long) = LENGTHS[one], LENGTHS[other]
    return ConfigError(
        f"{one} ({flag}) and {other} ({other_flag}) both say how long to train" + (f": {found}" if found else ""),
        hint=f"Drop {other_flag} to train {so_long}, or {flag} to train {other_so_long}.",
    )
