"""The floor of a classifier is a run of its own."""

from __future__ import annotations

import numpy as np
import pytest

from textmill.config import Config
from textmill.errors import Damaged, InputError
from textmill.evaluation.label_floor import fit_label_floor
from textmill.runs import Run
from textmill.tokens import Tokenizer

TEXTS = ["good", "very good", "bad", "very bad", "好", "不好"]
LABELS = [[1], [1], [0], [0], [1], [0]]
CLASSES = ["no", "yes"]


def test_a_fitted_floor_is_a_run_that_can_be_opened_and_classifies(tmp_path):
    tokenizer = Tokenizer.train("bpe", TEXTS * 5, 300, seed=0)
    config = Config.model_validate({"run": {"seed": 7}, "data": {"paths": ["reviews.csv"]}})
    floor = fit_label_floor(
        TEXTS, LABELS, CLASSES, tmp_path / "floor", seed=7, config=config, tokenizer=tokenizer, prepared="FINGERPRINT"
    )

    run = Run.open(tmp_path / "floor")
    assert run.kind == "tfidf" and run.status == "finished" and run.info["form"] == "encoder"
    assert run.info["seed"] == 7 and run.info["data"] == {"prepared": "FINGERPRINT", "paths": ["reviews.csv"]}
    assert run.tokenizer.kind == run.config.tokens.kind == "bpe"
    model = run.model()
    assert model.classes == ("no", "yes") and model.describe() == floor.describe()
    assert np.array_equal(model.probabilities(TEXTS), floor.probabilities(TEXTS))
    assert run.info["n_parameters"] == {"total": model.n_parameters}
    run.refuse_changed_files()


def test_a_changed_file_of_the_floor_is_found(tmp_path):
    fit_label_floor(TEXTS, LABELS, CLASSES, tmp_path / "floor")
    path = tmp_path / "floor" / "tfidf.json"
    path.write_text(path.read_text().replace('"yes"', '"yet"'))
    with pytest.raises(Damaged, match="not what was written"):
        Run.open(tmp_path / "floor").refuse_changed_files()


def test_a_floor_that_cannot_be_fitted_leaves_no_folder(tmp_path):
    with pytest.raises(InputError, match="same label"):
        fit_label_floor(TEXTS, [[1]] * 6, CLASSES, tmp_path / "floor")
    assert list(tmp_path.iterdir()) == []
