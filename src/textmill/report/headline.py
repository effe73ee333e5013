"""The number that a report is about, in words: bits per byte, accuracy where classes are told,
F1 where questions are answered. Room: report/."""

from __future__ import annotations

from dataclasses import dataclass

from textmill.report.words import N_
from textmill.results import Report
from textmill.tables import TASKS_OF_PRETRAINING, TASKS_WITH_LABELS, TASKS_WITH_QUESTIONS


@dataclass(frozen=True)
class Headline:
    """metric: its name in an evaluation. floors: those that every measurement should have."""

    metric: str
    unit: str
    best_first: str
    note: str
    short_note: str
    floors: tuple[str, ...]
    floors_title: str
    floors_picture: str
    floors_axis: str
    loss_picture: str
    loss_axis: str
    is_lower_better: bool = True


BITS = Headline(
    "bpb",
    N_("bits per byte"),
    N_("Bits per byte, best first"),
    N_(
        "A bit per byte is a yes-or-no question that is left open for each byte of unseen text. A byte of which "
        "nothing at all is known, not even which characters occur, costs 8; less is better. Unlike perplexity it can "
        "be compared between tokenizers."
    ),
    N_("Lower is better; a byte of which nothing at all is known costs 8 bits."),
    ("ngram", "ngram_bytes", "uniform"),
    N_("Bits per byte beside the floors"),
    N_("Bar picture of bits per byte, lower is better."),
    N_("bits per byte, lower is better"),
    N_("Line picture of the loss in nats per token by step."),
    N_("loss, nats per token"),
)
ACCURACY = Headline(
    "accuracy",
    N_("accuracy"),
    N_("Accuracy, best first"),
    N_("Accuracy is the share of the texts whose class is told right."),
    N_("Higher is better: the share of the texts whose class is told right."),
    ("tfidf", "majority"),
    N_("Accuracy beside the floors"),
    N_("Bar picture of accuracy, higher is better."),
    N_("accuracy, higher is better"),
    N_("Line picture of the loss in nats per text by step."),
    N_("loss, nats per text"),
    is_lower_better=False,
)
MASKED = Headline(
    "accuracy",
    N_("accuracy on hidden tokens"),
    N_("Accuracy on hidden tokens, best first"),
    N_("Each token of the held-out text is hidden once; this is the share of them whose likeliest guess is right."),
    N_("Higher is better: the share of the hidden tokens that are guessed."),
    ("unigram",),
    N_("Accuracy on hidden tokens beside the floor"),
    N_("Bar picture of the accuracy on hidden tokens, higher is better."),
    N_("accuracy on hidden tokens, higher is better"),
    N_("Line picture of the loss in nats per hidden token by step."),
    N_("loss, nats per hidden token"),
    is_lower_better=False,
)


F1 = Headline(
    "f1",
    N_("F1"),
    N_("F1, best first"),
    N_(
        "F1 is how much an answer has in common with the right one, token by token: all where it is the same, 0 where "
        "it shares nothing; a mean over the questions."
    ),
    N_("Higher is better: what answers have in common with the right ones."),
    ("no_answer", "first_sentence", "lexical_overlap", "sliding_window"),
    N_("F1 beside what needs no training"),
    N_("Bar picture of F1, higher is better."),
    N_("F1, higher is better"),
    N_("Line picture of the loss in nats per window by step."),
    N_("loss, nats per window"),
    is_lower_better=False,
)


def headline_of(report: Report) -> Headline:
    """By what the model is for."""
    if report.task in TASKS_WITH_QUESTIONS:
        return F1
    if report.task in TASKS_OF_PRETRAINING:
        return MASKED
    return ACCURACY if report.task in TASKS_WITH_LABELS else BITS
