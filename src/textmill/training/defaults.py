"""What a person left unsaid, decided from the text and the architecture before step 0. Room: training/.

Every decision is written to config.toml before it takes effect: the run is repeated by its config alone.
"""

from __future__ import annotations

import math
from typing import Any

from textmill.config import Config, ModelConfig
from textmill.config.model import sizes_of
from textmill.config.train import N_STEPS_MOST, two_lengths
from textmill.errors import ConfigError
from textmill.models.cost import parameters
from textmill.tables import FOREIGN, FORMS, TASK_FORMS, load
from textmill.text.wording import counted
from textmill.training.processor import available_processors, multiplies_in_bfloat16

TARGETS_PER_UPDATE = (768, 4096)  # least, most: a 32nd of the text lies between for 25 to 130 thousand tokens
N_LANES = (8, 32)
ROWS_PER_LANE = 16  # at least, before there are more lanes
N_UPDATES_LEAST = 100
N_EPOCHS_MOST = 20
PARAMETERS_A_TOKEN = 10  # above, a model is said to be too large for its text
DROPOUT_OF_LABELS = 0.3
OF_LABELS = {"optimizer": "adamw", "lr": 1e-3, "weight_decay": 0.01}
"""Of recurrent classifiers with MANY_LABELS. Muon learns 67,000 phrases by heart sooner than it tells new ones; of a
few texts there are too few updates for so low a rate."""
OPTIMIZER_OF_TUNING = {"lora": "adamw", "frozen": "adamw"}
"""Adapters are no maps of their own that Muon could turn, and heads are none that it takes."""
MANY_LABELS = 20_000
LABELS_PER_UPDATE = 64
OF_STORIES = {"batch": 64, "optimizer": "adamw", "weight_decay": 0.01}
"""Each word and each sentence counts: nothing is dropped, and 64 stories are read together."""
OF_MADE_QUESTIONS = {"optimizer": "adamw", "lr": 3e-3, "weight_decay": 0.01}
"""Of questions that are made from documents. In 27 s of one processor on 200 pages of the world facts a GRU answered
held-out ones with an F1 of 0.81; with Muon, after 50 s, 0.47 (before whole words were compared)."""
MADE_QUESTIONS_DROPPED = {"dropout": 0.1, "token_dropout": 0.15}
RATE_OF_STORIES = 1e-3
"""With 3e-3 neither a GRU nor a Transformer learned anything of bAbI's task 2 in 240 steps (facts weighing 1)."""
OF_ANOTHERS: dict[str, Any] = {"optimizer": "adamw", "weight_decay": 0.01}
RATES_OF_ANOTHERS = {"full": 5e-5, "last": 5e-5, "lora": 3e-4, "frozen": 1e-3}
"""Of a model that others trained on far more text, by what is trained of it (Devlin et al. 2019, 1810.04805; adapters:
Hu et al. 2021, 2106.09685): higher rates undo what it knows, and so does hiding what it was never trained without."""
DROPOUT_OF_ANOTHERS = {"encoder": 0.1, "encoder-decoder": 0.1, "decoder": 0.0}
LABELS_PER_UPDATE_OF_ANOTHERS = 32
EPOCHS_OF_ANOTHERS = 4
"""Passes over labels, at most."""
SMALLEST = "micro"
SMOOTHING_OF_PAIRS = 0.1  # Vaswani et al. 2017


def decide(config: Config, n_tokens: int, n_rows: int, n_texts: int) -> tuple[Config, list[str]]:
    """The config with nothing left to be decided but steps, and what was decided, as sentences.

    n_tokens: training targets. n_rows: rows they fill. n_texts: documents.
    """
    form = TASK_FORMS[config.task.name]
    is_beginning = config.task.is_of_masks
    backbone = load(load(FORMS[form]).backbones[config.model.arch])
    notes = notes_on_size(config.model, n_tokens, form)
    train: dict[str, Any] = {}
    model: dict[str, Any] = {}

    anothers = is_anothers(config)
    if anothers:
        own = {"dropout": DROPOUT_OF_ANOTHERS[form], "token_dropout": 0.0 if form == "encoder" else None}
        model |= {name: value for name, value in own.items() if getattr(config.model, name) is None}
        if config.train.optimizer in ("auto", OF_ANOTHERS["optimizer"]):
            said = OF_ANOTHERS | {"lr": RATES_OF_ANOTHERS[config.train.tune]}
            train |= {name: value for name, value in said.items() if getattr(config.train, name) in (None, "auto")}
    elif config.data.stories:
        model |= {name: 0.0 for name in ("dropout", "token_dropout") if getattr(config.model, name) is None}
        train |= {name: own for name, own in OF_STORIES.items() if getattr(config.train, name) in (None, "auto")}
        if config.train.lr is None and config.train.optimizer in ("auto", "adamw"):
            train["lr"] = RATE_OF_STORIES
        if "best_by" not in config.train.model_fields_set:
            train["best_by"] = "accuracy"
    elif config.data.make_questions:
        model |= {name: own for name, own in MADE_QUESTIONS_DROPPED.items() if getattr(config.model, name) is None}
        if config.train.optimizer in ("auto", OF_MADE_QUESTIONS["optimizer"]):
            said = {name: getattr(config.train, name) for name in OF_MADE_QUESTIONS}
            train |= {name: own for name, own in OF_MADE_QUESTIONS.items() if said[name] in (None, "auto")}
    elif config.model.dropout is None and form == "encoder" and not is_beginning:
        model["dropout"] = DROPOUT_OF_LABELS
    elif config.model.dropout is None:
        dropout = dropout_for(n_tokens)
        model["dropout"] = dropout
        if dropout:
            notes.append(f"little text ({n_tokens:,} tokens): dropout {dropout}")
    if form == "encoder" and config.model.token_dropout is None and "token_dropout" not in model:
        model["token_dropout"] = 0.0 if is_beginning else token_dropout_for(n_texts)
    if config.task.name == "classify" and anothers and config.train.batch is None:
        length = n_tokens / max(1, n_texts)
        train["batch"] = batch_of_labels(
            length, n_rows, config.model.seq_len, LABELS_PER_UPDATE_OF_ANOTHERS, at_least=True
        )
    elif config.task.name == "classify" and config.model.arch != "transformer" and n_texts >= MANY_LABELS:
        if config.train.optimizer in ("auto", OF_LABELS["optimizer"]):
            train |= {name: own for name, own in OF_LABELS.items() if getattr(config.train, name) in (None, "auto")}
        if config.train.batch is None:
            train["batch"] = batch_of_labels(n_tokens / max(1, n_texts), n_rows, config.model.seq_len)
    order = config.train.order or backbone.default_order
    train["order"] = order
    if config.train.batch is None and "batch" not in train:
        batch = batch_for(order, n_tokens, n_rows, config.model.seq_len)
        train["batch"] = max(1, batch // 2) if config.data.pairs else batch  # a row of pairs holds both sides
    if config.train.optimizer == "auto" and "optimizer" not in train:
        train["optimizer"] = OPTIMIZER_OF_TUNING.get(config.train.tune, backbone.default_optimizer)
    optimizer = train.get("optimizer", config.train.optimizer)
    if config.train.lr is None and "lr" not in train:
        train["lr"] = backbone.default_lr if optimizer == backbone.default_optimizer else DEFAULT_RATES[optimizer]
    if optimizer == "muon" and config.train.lr_rest is None:
        train["lr_rest"] = backbone.default_lr_rest
    if config.train.precision == "auto":
        gains = backbone.gains_by_bfloat16 and multiplies_in_bfloat16(config.machine.device)
        train["precision"] = "bfloat16" if gains else "float32"
    if config.train.label_smoothing is None:
        train["label_smoothing"] = SMOOTHING_OF_PAIRS if config.data.pairs else 0.0
    if form == "encoder" and "bad_step" not in config.train.model_fields_set:
        train["bad_step"] = "skip"  # of few texts learnt by heart a single one makes the loss jump
    if config.train.weight_decay is None and "weight_decay" not in train:
        train["weight_decay"] = 0.1 if optimizer == "adamw" else 0.0
    machine = {"threads": config.machine.threads or available_processors()}
    decided = config.model_copy(
        update={
            "model": config.model.model_copy(update=model),
            "train": config.train.model_copy(update=train),
            "machine": config.machine.model_copy(update=machine),
        }
    )
    return decided, notes


def notes_on_size(model: ModelConfig, n_tokens: int, form: str = "decoder") -> list[str]:
    """What there is to say of a row, or of a model, that is far too large for a text of so many tokens."""
    notes = []
    if model.seq_len > n_tokens:
        notes.append(
            f"model.seq_len ({model.seq_len:,}) is longer than the text ({n_tokens:,} tokens): not one row is full"
        )
    n_parameters = parameters(model, vocab_size=257, form=form).backbone  # the same for any vocabulary
    if model.start is None and n_parameters > PARAMETERS_A_TOKEN * n_tokens:  # else it learned from other text before
        smallest = sizes_of(form).get(model.arch, {}).get(SMALLEST)
        smaller = smallest and parameters(model.model_copy(update=smallest), 257, form=form).backbone < n_parameters
        advice = f"--size {SMALLEST}, or more text, helps" if smaller else "more text helps"
        notes.append(
            f"{n_parameters:,} parameters besides embeddings and head for {n_tokens:,} tokens of text, "
            f"{n_parameters / n_tokens:,.0f} for each: the model can learn the text by heart; {advice}"
        )
    return notes


def batch_for(order: str, n_tokens: int, n_rows: int, seq_len: int) -> int:
    """Rows in a micro-batch: few for little text, so that a pass over it is many updates.

    >>> batch_for("shuffle", 1_000_000, 3907, 256), batch_for("shuffle", 10_000, 40, 256)
    (16, 3)
    """
    if order == "stream":
        return max(1, min(clamped(n_rows // ROWS_PER_LANE, N_LANES), math.ceil(n_rows / 4)))
    return max(1, min(clamped(n_tokens // 32, TARGETS_PER_UPDATE) // seq_len, n_rows))


def batch_of_labels(
    length: float, n_rows: int, seq_len: int, n: int = LABELS_PER_UPDATE, at_least: bool = False
) -> int:
    """Rows that hold n texts of a mean length, within the limits of an update; at_least: not fewer than these, where
    rows are far longer than texts.

    >>> batch_of_labels(10.2, 10_000, 64), batch_of_labels(130, 10_000, 64), batch_of_labels(130, 20, 64)
    (12, 64, 20)
    >>> batch_of_labels(26, 10_000, 512, n=32), batch_of_labels(26, 10_000, 512, n=32, at_least=True)
    (1, 2)
    """
    places = int(clamped(int(n * length), TARGETS_PER_UPDATE))
    return max(1, min(-(-places // seq_len) if at_least else places // seq_len, n_rows))


def clamped(number: int, limits: tuple[int, int]) -> int:
    return min(max(number, limits[0]), limits[1])


def token_dropout_for(n_texts: int) -> float:
    """Of an encoder: the fewer labelled texts, the sooner each is known by single words."""
    return 0.25 if n_texts < 100_000 else 0.1 if n_texts < 1_000_000 else 0.0


def is_anothers(config: Config) -> bool:
    """Whether a run begins with a model that others trained: it has their tokenizer."""
    return config.model.start is not None and config.tokens.kind == FOREIGN


def epochs_of_labels(n_texts: int, anothers: bool = False) -> int:
    """Passes over so many labelled texts, at most: many texts are learnt by heart before the rate has fallen."""
    if anothers:
        return EPOCHS_OF_ANOTHERS
    return max(4, min(N_EPOCHS_MOST, 200_000 // n_texts))


DEFAULT_RATES = {
    "sgd": 0.5,
    "momentum": 0.05,
    "nesterov": 0.05,
    "rmsprop": 1e-3,
    "adam": 2e-3,
    "adamw": 2e-3,
    # 0.03, 0.1, 0.3: 2.82, 2.40, 2.42 nats with a Transformer, 2.22, 2.27, 2.42 with an LSTM (size tiny, 300 steps of
    # 256 characters, 300 kB of tinyshakespeare, seed 0)
    "adafactor": 0.1,
    "muon": 0.02,
}


def dropout_for(n_tokens: int) -> float:
    """More for less text: what is read often is learnt by heart."""
    return 0.2 if n_tokens < 100_000 else 0.1 if n_tokens < 1_000_000 else 0.0


def decide_steps(config: Config, steps_per_epoch: int) -> Config:
    """The config with steps, warm-up and the rhythm of evaluations decided."""
    steps, epochs = config.train.steps, config.train.epochs
    if epochs is not None:
        wanted = max(1, math.ceil(epochs * steps_per_epoch))
        if wanted > N_STEPS_MOST:
            raise ConfigError(
                f"train.epochs ({epochs:g}) asks for {wanted:,} steps; {N_STEPS_MOST:,} are the most",
                hint=f"A pass over this text is {counted(steps_per_epoch, 'step')}.",
            )
        if steps not in (None, wanted):  # equal: a run's own config.toml, which says what came of its epochs
            raise two_lengths(
                "train.steps", "train.epochs", f"{epochs:g} epochs are {counted(wanted, 'step')} here, not {steps:,}"
            )
        steps = wanted
    if steps is None:
        raise AssertionError("training.spending decides steps first, where epochs do not say them")
    warmup = (
        config.train.warmup_steps
        if config.train.warmup_steps is not None
        else steps // (10 if is_anothers(config) else 50)
    )
    if warmup >= steps:
        raise ConfigError(
            f"warmup_steps ({warmup}) must be below steps ({steps})",
            where="train.warmup_steps",
            hint="Choose a shorter warm-up or more --steps.",
        )
    eval_every = config.train.eval_every or max(1, steps // 10)
    decided = {
        "steps": steps,
        "warmup_steps": warmup,
        "eval_every": eval_every,
        "save_every": config.train.save_every or eval_every,
    }
    return config.model_copy(update={"train": config.train.model_copy(update=decided)})
