"""A voice of the committee on labels that reads in order: a small GRU both ways over words. Room: training/.

evaluation/label_mistakes.py asks it beside its own voices, which know phrases but not how they go together ("not very
good", "A, but B"). It takes as many updates whatever the number of texts, on which its cost depends little.
Shapes: N texts, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from textmill.config import TrainConfig
from textmill.config.model import RecurrentConfig
from textmill.evaluation.label_mistakes import Bools, Fitted, Floats, Ints
from textmill.models import build_model
from textmill.tasks.classify import HEAD, Classify, LabelledIds
from textmill.tasks.length_batches import LengthSampler
from textmill.tokens import Tokenizer
from textmill.training.optimizers import build_optimizers
from textmill.training.schedule import Plan
from textmill.training.updates import Lanes, MicroBatches, updates

NAME = "a network that reads in order"
STEPS = 300
PLACES = 32 * 32  # of tokens in an update, padding counted
WIDTH = 64
WINDOW = 128
LR = 1e-2
VOCABULARY = 4096
AT_ONCE = 64


def reader(texts: Sequence[str], n_classes: int, seed: int) -> Fitted:
    """The voice, as evaluation.label_mistakes takes it."""
    tokenizer = Tokenizer.train("word", texts, VOCABULARY, seed)
    ids = [tuple(found.tolist()) for found in tokenizer.encode_arrays(texts)]
    classes = [str(number) for number in range(n_classes)]
    task: Any = Classify(WINDOW, begin_mark=True, label_smoothing=0.05)
    model_config = RecurrentConfig(arch="gru", d_model=WIDTH, n_layers=1, seq_len=WINDOW, dropout=0.1)
    train = TrainConfig(optimizer="adamw", lr=LR, weight_decay=0.05)

    def fitted(given: Ints, inside: Bools, outside: Bools) -> Floats:
        learnt = np.flatnonzero(inside).tolist()
        rows = [LabelledIds(ids[number], (classes[given[number]],), "", 0, 0) for number in learnt]
        sampler = LengthSampler([min(len(row.ids) + 1, PLACES) for row in rows], PLACES, 1, seed)
        model = build_model(
            model_config,
            tokenizer.vocab_size,
            form="encoder",
            heads={HEAD: {"classes": classes, "several": False}},
            seed=seed,
        )
        plan = Plan(
            steps=STEPS,
            seed=seed,
            schedule="linear",
            warmup_steps=STEPS // 20,
            decay_share=1.0,
            lr_end=0.0,
            max_grad_norm=1.0,
            eval_every=STEPS,
            save_every=STEPS,
            log_every=STEPS,
        )

        def batches(step: int) -> MicroBatches:
            numbers = sampler.numbers(step)
            batch = task.batch([rows[number] for number in numbers], tokenizer.mark, classes, several=False)
            return [(batch, Lanes())]

        model.train()
        for _ in updates(model, build_optimizers(model, train), task, batches, plan):
            pass
        told = task.log_probs(model, [ids[number] for number in np.flatnonzero(outside)], tokenizer.mark, AT_ONCE)
        probabilities: Floats = np.exp(told)
        return probabilities

    return fitted
