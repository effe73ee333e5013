"""Two evaluations beside each other: paired, on the same documents or not at all."""

from __future__ import annotations

import math
import random

import pytest

from textmill.config import Config
from textmill.errors import InputError
from textmill.evaluation.comparing import compared
from textmill.results import Evaluation

SETTINGS = Config().eval.model_copy(update={"resamples": 200})


def evaluation(name: str, nats: list[float], outputs: list[str] | None = None, token: str = "bytes") -> Evaluation:
    rows = []
    for number, spent in enumerate(nats):
        row = {"source": f"a.txt:{number + 1}", "nats": spent, "n_tokens": 10, "n_bytes": 10, "n_chars": 10}
        if outputs is not None:
            row |= {"sentence": number, "output": outputs[number], "reference": REFERENCES[number]}
        rows.append(row)
    convention = {"token": token}
    if outputs is not None:
        convention["bleu_signature"] = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"
    bpb = sum(nats) / math.log(2) / (10 * len(nats))
    return Evaluation(
        run=f"runs/{name}",
        data="test",
        metrics={"bpb": bpb},
        intervals={},
        baselines={},
        convention=convention,
        documents=rows,
    )


DRAW = random.Random(3)
HARD = [DRAW.uniform(5, 50) for _ in range(60)]
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
REFERENCES = [" ".join(DRAW.choices(WORDS, k=8)) for _ in range(60)]


def test_a_small_gain_on_every_document_is_sure_though_documents_differ_much() -> None:
    found = compared([evaluation("a", HARD), evaluation("b", [nats - 0.1 for nats in HARD])], SETTINGS)
    low, high = found.differences["bpb"].interval or (0, 0)
    assert low == pytest.approx(high) and found.differences["bpb"].value == pytest.approx(-0.1 / math.log(2) / 10)
    assert found.verdict == "By bits per byte b is better."
    back = compared([evaluation("b", [nats - 0.1 for nats in HARD]), evaluation("a", HARD)], SETTINGS)
    assert back.verdict == "By bits per byte b is better."


def test_what_goes_up_and_down_shows_no_difference() -> None:
    noisy = [nats + (0.5 if number % 2 else -0.5) for number, nats in enumerate(HARD)]
    assert "shows no difference" in compared([evaluation("a", HARD), evaluation("b", noisy)], SETTINGS).verdict


def test_of_translators_bleu_and_chrf_are_compared_too() -> None:
    worse = [" ".join([*text.split()[:5], "x", "y", "z"]) for text in REFERENCES]
    found = compared([evaluation("a", HARD, worse), evaluation("b", HARD, REFERENCES)], SETTINGS)
    assert set(found.differences) == {"bpb", "bleu", "chrf"}
    assert found.differences["bleu"].value > 20 and (found.differences["bleu"].interval or (0, 0))[0] > 0
    assert "By BLEU b is better." in found.verdict and "By chrF b is better." in found.verdict
    same = compared([evaluation("a", HARD, worse), evaluation("b", HARD, worse)], SETTINGS)
    assert same.differences["bleu"].value == 0 and "By BLEU this text shows no difference." in same.verdict


def test_other_documents_are_refused_and_other_tokens_told() -> None:
    with pytest.raises(InputError, match="not measured on the same documents") as caught:
        compared([evaluation("a", HARD), evaluation("b", HARD[:-1])], SETTINGS)
    assert "--data PATH" in str(caught.value)
    [note] = compared([evaluation("a", HARD), evaluation("b", HARD, token="char")], SETTINGS).notes
    assert "other tokens" in note


def labelled(run: str, outputs: list[str]) -> Evaluation:
    truth = ["a", "b"] * (len(outputs) // 2)
    accuracy = sum(one == other for one, other in zip(truth, outputs, strict=True)) / len(truth)
    return Evaluation(
        run=run,
        data="test",
        metrics={"accuracy": accuracy, "f1_macro": accuracy, "ece": 0.0, "n_texts": len(truth)},
        intervals={},
        baselines={},
        convention={},
        documents=[
            {"source": f"t.csv:{number}", "nats": 0.0, "label": label, "output": output, "probability": 0.9}
            for number, (label, output) in enumerate(zip(truth, outputs, strict=True))
        ],
    )


def test_of_classifiers_accuracy_is_compared_on_the_same_texts() -> None:
    better = ["a", "b"] * 50
    worse = ["b", "b"] * 10 + ["a", "b"] * 40
    found = compared([labelled("worse", worse), labelled("better", better)], SETTINGS)
    assert found.differences["accuracy"].value == pytest.approx(0.1)
    low, high = found.differences["accuracy"].interval or (0, 0)
    assert 0 < low < 0.1 < high
    assert "By accuracy better is better." in found.verdict
    # ten texts, all for the second: 2 · 0.5^10
    assert "only the second 10" in found.notes[0] and "0.002" in found.notes[0]
    with pytest.raises(InputError, match="not measured on the same texts"):
        compared([labelled("worse", worse), labelled("short", better[:20])], SETTINGS)
    with pytest.raises(InputError, match="tells classes and the other tokens"):
        compared([labelled("worse", worse), evaluation("b", HARD)], SETTINGS)
