"""A measured classifier -> the tables of page and card. Room: report/. Sorts, folds and rounds."""

from __future__ import annotations

from typing import Any

from textmill.report import numbers
from textmill.report.class_pictures import asked_row
from textmill.report.words import FLOORS, N_, Words, floor_name
from textmill.results import Report

MOST_SQUARED = 25
"""Classes whose confusion is a square table; of more, the pairs that were confused."""
CLASSES_SHOWN, PAIRS_SHOWN = 40, 20
OF_CLASS = "f1_class."
OFFER_LOSSES = ("offered", "network", "tfidf")
FLAGS = {
    "language": N_("in a language that training has not"),
    "unseen": N_("none of its words and letter groups is known"),
    "domain": N_("too many of its words or letter groups are not known"),
}


def classes_of(report: Report, words: Words) -> dict[str, Any]:
    """Values for the template; `classes` is None where this is no classifier, or was measured before there were any."""
    evaluation = report.evaluation
    if evaluation is None or evaluation.classes is None:
        return {"classes": None, "alarms": []}
    classes = evaluation.classes
    floor = next((name for name in ("tfidf", "network") if name in evaluation.baselines), None)
    rows = []
    for number, own in enumerate(classes.scores, start=1):
        name = f"{OF_CLASS}{own.name}"
        interval = evaluation.intervals.get(name)
        f1 = evaluation.metrics.get(name)
        beside = evaluation.baselines[floor].get(name) if floor else None
        rows.append(
            {
                "number": number,
                "name": own.name,
                "n_texts": own.n_texts,
                "n_given": own.n_given,
                "precision": (own.precision, numbers.share(own.precision)),
                "recall": (own.recall, numbers.share(own.recall)),
                "f1": (f1, numbers.share(f1)),
                "interval": interval,
                "low": numbers.share(interval[0]) if interval else "",
                "high": numbers.share(interval[1]) if interval else "",
                "floor": (beside, numbers.share(beside)),
            }
        )
    is_square = classes.confusion is not None and len(classes.names) <= MOST_SQUARED
    pairs = [(pair.label, pair.output, pair.n) for pair in classes.confused]
    shown = PAIRS_SHOWN if len(pairs) > PAIRS_SHOWN + 1 else len(pairs)
    kept = CLASSES_SHOWN if len(rows) > CLASSES_SHOWN + 1 else len(rows)
    return {
        "classes": classes,
        "alarms": [words.told(alarm, evaluation.messages) for alarm in classes.alarms],
        "class_rows": rows[:kept],
        "folded_class_rows": rows[kept:],
        "folded_class_summary": words.plural("%(n)s more class", "%(n)s more classes", len(rows) - kept),
        "class_floor": floor_name(floor, words) if floor else "",
        "confusion": list(zip(range(1, len(classes.names) + 1), classes.names, classes.confusion or [], strict=False))
        if is_square
        else [],
        "pairs": [] if is_square else pairs[:shown],
        "folded_pairs": [] if is_square else pairs[shown:],
        "folded_pairs_summary": words.plural("%(n)s more pair", "%(n)s more pairs", len(pairs) - shown),
        "reliability_caption": reliability_caption(report, words),
        "risk_caption": risk_caption(report, words),
        "abstaining": [
            {
                "threshold": row.threshold,
                "is_asked": row.threshold == classes.asked,
                "n_answered": row.n_answered,
                "coverage": (row.coverage, numbers.share(row.coverage)),
                "risk": (row.risk, numbers.share(row.risk)),
                "interval": row.interval,
                "low": numbers.share(row.interval[0]) if row.interval else "",
                "high": numbers.share(row.interval[1]) if row.interval else "",
            }
            for row in classes.abstaining
        ],
        "offer_rows": [
            (words("what answers") if name == "offered" else words(FLOORS[name]), classes.offer.losses[name])
            for name in OFFER_LOSSES
            if name in classes.offer.losses
        ],
        "offer_told": offer_told(report, words),
        "flag_rows": [(name, words(FLAGS[name]), n) for name, n in classes.flagged.by.items()]
        if classes.flagged
        else [],
        "flagged_told": flagged_told(report, words),
    }


def reliability_caption(report: Report, words: Words) -> str:
    evaluation = report.evaluation
    assert evaluation is not None and evaluation.classes is not None
    ece, noise = evaluation.metrics.get("ece"), evaluation.metrics.get("ece_noise")
    if ece is None or noise is None or evaluation.classes.ece_noise_high is None:
        return ""
    high = evaluation.classes.ece_noise_high
    said = words(
        "Expected calibration error: %(ece)s. A calibrated model shows %(noise)s on so many texts by chance alone, and "
        "stays below %(high)s in 95 of 100 cases.",
        ece=numbers.share(ece),
        noise=numbers.share(noise),
        high=numbers.share(high),
    )
    judged = (
        words("So its probabilities can be believed as far as so few texts can tell.")
        if ece <= high
        else words("So its probabilities are off by more than chance makes.")
    )
    return said + words.space + judged


def risk_caption(report: Report, words: Words) -> str:
    assert report.evaluation is not None and report.evaluation.classes is not None
    said = words("From left to right less sure texts are answered too.")
    if row := asked_row(report.evaluation.classes):
        said += words.space + words("The dot is --abstain %(p)s, with its interval.", p=f"{row.threshold:g}")
    return said


def offer_told(report: Report, words: Words) -> str:
    assert report.evaluation is not None and report.evaluation.classes is not None
    offer = report.evaluation.classes.offer
    if not offer.n_texts:
        return words("Nothing was chosen: there were too few held-out texts to choose by, or the run is a floor.")
    return words(
        "Network, floor and mixtures of them in steps of 5 %% were compared by their loss on %(n)s validation texts, "
        "and the least one answers: the network by %(percent)s %%, at a temperature of %(temperature)s.",
        n=numbers.count(offer.n_texts),
        percent=f"{100 * offer.weight:.0f}",
        temperature=numbers.measure(offer.temperature),
    )


def flagged_told(report: Report, words: Words) -> str:
    assert report.evaluation is not None and report.evaluation.classes is not None
    found = report.evaluation.classes.flagged
    if found is None:
        return words("This run does not know which texts are unlike its own.")
    return words(
        "Of %(texts)s texts measured on, %(n)s look unlike those of training (%(percent)s); of texts like the held-out "
        "ones %(expected)s are flagged for nothing.",
        texts=numbers.count(found.n_texts),
        n=numbers.count(found.n),
        percent=numbers.share(found.n / max(1, found.n_texts)),
        expected=numbers.share(found.expected),
    )
