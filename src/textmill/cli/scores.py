"""Numbers beside their floor, as train, eval, info and demo print them. Room: cli/. Computes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from textmill.cli.output import table

COLUMNS = {
    "em": "exact match",
    "f1": "F1",
    "f1_answerable": "F1, answerable",
    "f1_unanswerable": "F1, no answer",
    "asked_f1": "F1, asked",
    "asked_right": "answered rightly",
    "asked_refused": "refused rightly",
    "accuracy": "accuracy",
    "f1_macro": "macro F1",
    "ece": "ECE",
    "brier": "Brier",
    "bleu": "BLEU",
    "chrf": "chrF",
    "bleu_back": "BLEU back",
    "chrf_back": "chrF back",
    "bpb": "bits per byte",
    "bpc": "bits per character",
    "loss": "nats per token",
    "perplexity": "perplexity",
}
FLOORS = {
    "uniform": "uniform",
    "ngram": "5-gram over the same tokens",
    "ngram_bytes": "5-gram over bytes",
    "copy": "the source as it stands",
    "dictionary": "word by word",
    "majority": "the most frequent class",
    "emptied": "the emptied stories",
    "unigram": "the most frequent token",
    "tfidf": "tf-idf and logistic regression",
    "network": "the network alone",
    "no_answer": "always no answer",
    "first_sentence": "the first sentence",
    "lexical_overlap": "the sentence with most words of the question",
    "sliding_window": "the stretch with most words of the question",
    "evidence": "what needs no training, asked",
}
OF_TEXTS = {"loss": "nats per text"}
OF_QUESTIONS = {"loss": "nats per window"}
"""Columns that mean something else where classes are told or questions answered, and not tokens."""


OF_MASKED = {
    "accuracy": "accuracy on hidden tokens",
    "loss": "nats per hidden token",
    "perplexity": "perplexity of hidden tokens",
}
"""And where hidden tokens are guessed."""


def titles_of(metrics: Mapping[str, float]) -> dict[str, str]:
    """What each column is called beside these metrics."""
    if "n_texts" in metrics:
        return COLUMNS | OF_TEXTS
    if "n_questions" in metrics:
        return COLUMNS | OF_QUESTIONS
    return COLUMNS | (OF_MASKED if "n_masked" in metrics else {})


def scores_table(
    metrics: Mapping[str, float],
    baselines: Mapping[str, Mapping[str, float]],
    intervals: Mapping[str, tuple[float, float]] | None = None,
    confidence: float = 0.95,
) -> str:
    """A row for the model, its intervals where there are any, and a row for each floor. Lower is better, but for BLEU,
    chrF, accuracy and F1."""
    from textmill.report.numbers import shown
    from textmill.report.words import comparable

    rows = {"this model": metrics}
    for name, values in baselines.items():  # a number of another unit would be read as the column's
        rows[FLOORS.get(name, name)] = {key: value for key, value in values.items() if comparable(key, name)}
    columns = [name for name in COLUMNS if name in metrics]
    titles = titles_of(metrics)
    cells = [["", *(titles[name] for name in columns)]]
    for title, values in rows.items():
        cells.append([title, *(shown(name, values.get(name)) for name in columns)])
        if values is metrics and intervals:
            ends = [
                " to ".join(shown(name, end) for end in intervals[name]) if name in intervals else ""
                for name in columns
            ]
            cells.append([f"  {confidence:.0%} interval", *ends])
    return table(cells, right=range(1, len(columns) + 1))
