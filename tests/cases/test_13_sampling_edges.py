"""Case 13: sampling settings at their edges. Base logits are ln of 1/2, 1/4, 1/8, 1/16, 1/16: fractions by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from textmill.config.knobs import all_knobs
from textmill.config.measure import GenerateConfig
from textmill.errors import InputError
from textmill.generation import distribution

HERE = Path(__file__).parent / "13-sampling-edges"
CASES = json.loads((HERE / "cases.json").read_text("utf-8"))
REFUSED = json.loads((HERE / "refuse.json").read_text("utf-8"))

OURS = {"T": "temperature", "rp": "repetition_penalty", "top_k": "top_k", "top_p": "top_p"}
OFF = {"temperature": 1.0, "top_p": 1.0}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_distribution_is_the_one_worked_out_by_hand(case):
    knobs = {OURS[name]: value for name, value in case["settings"].items() if name != "seen"}
    seen = case["settings"].get("seen", [])
    logits = [float(logit) for logit in case["logits"]]

    probabilities = distribution(logits, GenerateConfig(**OFF | knobs), seen)

    assert not np.isnan(probabilities).any()
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)
    assert probabilities == pytest.approx(np.array(case["probabilities"]), abs=1e-6)


def test_the_case_has_nineteen_distributions_and_seven_refusals():
    assert (len(CASES), len(REFUSED)) == (19, 7)


@pytest.mark.parametrize("entry", REFUSED, ids=str)
def test_a_setting_out_of_range_is_refused_by_name(entry):
    ((name, value),) = entry.items()
    if name == "logits":
        with pytest.raises(InputError, match="logits are all −inf"):
            distribution([-np.inf] * 3, GenerateConfig())
        return
    with pytest.raises(ValidationError) as refusal:
        GenerateConfig(**{name: value})
    assert [error["loc"] for error in refusal.value.errors()] == [(name,)]
    assert name in str(refusal.value)


def test_the_help_says_whether_the_prompt_counts_as_seen():
    help_text = all_knobs()["generate.repetition_penalty"].help
    assert "prompt included" in help_text
    assert "padding never" in help_text
