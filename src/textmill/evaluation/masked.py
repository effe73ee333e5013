"""Masked words measured on held-out text: how many are guessed, beside saying the most frequent one. Room: evaluation/.

Called by evaluate for runs of task mask. Each token is hidden exactly once (tasks/mask.py): no chance is in a number.
Letters: V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from textmill.messages import message, record_of
from textmill.metrics.bootstrap import intervals, middle, resampled_sums
from textmill.results import Evaluation
from textmill.runs import Prepared, Run
from textmill.tasks import task_of
from textmill.tasks.mask import N_PASSES, MaskScore
from textmill.tasks.measuring import DocumentIds
from textmill.tokens import TokenStore

FEW_DOCUMENTS = 10
UNIGRAM, UNIFORM = "unigram", "uniform"


def evaluated(
    run: Run,
    name: str,
    examples: Sequence[DocumentIds],
    notes: list[str],
    checkpoint: str | int | None,
    prepared: Prepared | None,
    n_blocks: int | None,
) -> Evaluation:
    """What the model spends on hidden tokens and how many it guesses, beside the frequencies of the training text.

    name: of the texts. n_blocks: of a document that is alone. prepared: None where the training text is not there.
    """
    task, tokenizer, settings = task_of(run.config), run.tokenizer, run.config.eval
    which = checkpoint if checkpoint is not None else run.default_checkpoint
    model = run.model(which, device=run.config.machine.device)
    scores: list[Any] = task.measure(model, examples, tokenizer, run.config, n_blocks)
    metrics = task.metrics(scores)
    how_sure = settings.resamples, settings.confidence, settings.seed
    found = {key: value for key, value in intervals(scores, *how_sure).items() if key in metrics}
    if (of_accuracy := accuracy_interval(scores, *how_sure)) is not None:
        found["accuracy"] = of_accuracy
    baselines = {UNIFORM: {"loss": math.log(tokenizer.vocab_size), "perplexity": float(tokenizer.vocab_size)}}
    if prepared is not None:
        baselines[UNIGRAM] = unigram(prepared.train, [ids for ids, *_ in examples])
    else:
        notes.append(message("There is no floor: the run's training text is not there."))
    if not found:
        notes.append(message("This is too little text for an interval."))
    elif n_blocks is None and len(scores) < FEW_DOCUMENTS:
        notes.append(message("There are only %(n)s documents: the intervals are rough.", n=len(scores)))
    resampled = (
        message("%(n)s documents", n=f"{len(scores):,}")
        if n_blocks is None
        else message("%(n)s contiguous blocks of one document", n=f"{len(scores):,}")
    )
    evaluation = Evaluation(
        run=str(run.path),
        data=name,
        checkpoint=str(which),
        metrics=metrics,
        intervals=found,
        baselines=baselines,
        convention={
            "loss": message("nats per hidden token"),
            "perplexity": message("per hidden token"),
            "accuracy": message("share of the hidden tokens whose likeliest guess is right"),
            "token": message("%(kind)s, vocabulary %(n)s", kind=tokenizer.kind, n=f"{tokenizer.vocab_size:,}"),
            "hidden": message(
                "each token once, in one of %(n)s readings that are the same for every run", n=str(N_PASSES)
            ),
            "begin_mark": run.config.tokens.begin_mark,
            "window": run.config.model.seq_len,
            "resampled": resampled,
            "resamples": settings.resamples,
            "confidence": settings.confidence,
            "seed": settings.seed,
            "notes": notes,
            "signature": (
                f"{name} | {tokenizer.kind}, vocabulary {tokenizer.vocab_size:,} | each of "
                f"{metrics['n_masked']:,} tokens hidden once | bootstrap over {resampled}"
            ),
        },
        documents=[vars(score) | {"source": printable(score.source)} for score in scores],
    )
    evaluation.verdict = verdict(metrics, baselines)
    evaluation.messages = record_of([*evaluation.convention.values(), *notes, evaluation.verdict])
    return evaluation


def unigram(training: TokenStore, texts: Sequence[Any]) -> dict[str, float]:
    """What the frequencies of the tokens in training cost, one added to each count, and how often the most frequent one
    is right. The mark is never hidden."""
    counts = training.counts().astype(np.float64)
    counts[training.mark] = -1.0
    nats = -np.log(np.maximum(counts + 1, 1e-300) / (counts + 1).sum())
    ids = np.concatenate([np.asarray(own, dtype=np.int64) for own in texts])
    loss = float(nats[ids].mean())
    return {
        "loss": loss,
        "perplexity": math.exp(min(loss, 700.0)),
        "accuracy": float((ids == counts.argmax()).mean()),
    }


def accuracy_interval(
    scores: Sequence[MaskScore], resamples: int, confidence: float, seed: int
) -> tuple[float, float] | None:
    """(low, high) over documents or blocks; None where fewer than 2 were scored."""
    table = np.array([(score.n_right, score.n_tokens) for score in scores if score.n_tokens], dtype=np.float64)
    if len(table) < 2:
        return None
    n_right, n_tokens = resampled_sums(table, resamples, seed).T
    return middle(n_right, n_tokens, confidence)


def verdict(metrics: dict[str, float], baselines: dict[str, dict[str, float]]) -> str:
    """Whether it has learned more than how frequent each token is."""
    ours = f"{100 * metrics['accuracy']:.1f}"
    floor = baselines.get(UNIGRAM)
    if floor is None:
        return message("It guesses %(ours)s %% of the hidden tokens.", ours=ours)
    said = {"ours": ours, "theirs": f"{100 * floor['accuracy']:.1f}"}
    if metrics["loss"] >= floor["loss"]:
        return message(
            "It guesses %(ours)s %% of the hidden tokens, always the most frequent one would be right for %(theirs)s "
            "%%; its loss is no better than that of the frequencies: it has learned nothing of the words around.",
            **said,
        )
    return message(
        "It guesses %(ours)s %% of the hidden tokens by what stands around them; always the most frequent one would be "
        "right for %(theirs)s %%.",
        **said,
    )


def printable(source: str) -> str:
    return source.encode(errors="backslashreplace").decode()
