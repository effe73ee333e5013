"""TextClassifier keeps the contracts of scikit-learn, and is the run that `textmill train` would make."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks
from sklearn.utils.validation import check_is_fitted

import textmill
from textmill.config.layers import load_config
from textmill.errors import ConfigError, InputError, RunError
from textmill.text.worlds import Sentiment
from textmill.training import text_classifier, train
from textmill.training.text_classifier import TextClassifier

TINY = {"model.d_model": 16, "model.n_layers": 1, "model.seq_len": 64, "train.sample_tokens": 0, "eval.resamples": 100}
NAMES = {"negative": 0, "positive": 1}


def classifier(**said: Any) -> TextClassifier:
    return TextClassifier(**{"arch": "gru", "steps": 2, "threads": 1, "knobs": TINY} | said)


@cache
def reviews(n: int = 80) -> tuple[list[str], list[str]]:
    items = list(Sentiment(seed=3, n_sentences=(1, 2)).items(n))
    return [item.text for item in items], [item.label for item in items]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary folders lie; nobody's textmill.toml has a say."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "temporary"


@pytest.fixture(scope="module")
def fitted() -> TextClassifier:
    texts, labels = reviews()
    return classifier().fit(texts, labels)


# Of the checks of scikit-learn, those that give no numbers to read; the others start from a table of them.
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_valid_tag_types,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
        estimator_checks.check_mixin_order,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_estimators_unfitted,
    ],
)
def test_it_passes_the_checks_of_scikit_learn_that_need_no_numbers(check: Any) -> None:
    check("TextClassifier", TextClassifier())


def test_importing_the_package_loads_neither_torch_nor_scikit_learn() -> None:
    program = (
        "import sys, textmill; 'TextClassifier' in dir(textmill) or 1/0; print({'torch', 'sklearn'} & {*sys.modules})"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True, timeout=60) == "set()\n"
    assert textmill.TextClassifier is TextClassifier


def test_what_is_fitted_is_kept_apart_from_what_is_said(fitted: TextClassifier) -> None:
    texts, labels = reviews()
    assert is_classifier(fitted) and fitted.n_features_in_ == 1
    assert fitted.classes_.tolist() == ["negative", "positive"]
    probabilities = fitted.predict_proba(texts)
    assert probabilities.shape == (len(texts), 2) and probabilities.sum(axis=1) == pytest.approx(1)
    predicted = fitted.predict(texts)
    assert predicted.tolist() == [str(fitted.classes_[row.argmax()]) for row in probabilities]
    assert fitted.score(texts, labels) == np.mean(predicted == labels)
    unfitted = clone(fitted)
    assert repr(unfitted.get_params()) == repr(fitted.get_params())
    with pytest.raises(NotFittedError):
        check_is_fitted(unfitted)


def test_a_text_has_the_same_answer_wherever_it_stands(fitted: TextClassifier) -> None:
    texts = reviews()[0][:20]
    together = fitted.predict_proba(texts)
    assert fitted.predict_proba(texts[::-1])[::-1] == pytest.approx(together, abs=1e-6)
    assert np.vstack([fitted.predict_proba([text]) for text in texts]) == pytest.approx(together, abs=1e-6)
    column = np.array(texts, dtype=object)[:, None]
    for same in (np.array(texts), column, iter(texts)):
        assert fitted.predict_proba(same) == pytest.approx(together, abs=1e-9)
    assert fitted.predict_proba([]).shape == (0, 2) and fitted.predict(["", "\n"]).shape == (2,)


def test_two_fits_of_one_seed_are_equal_and_of_another_are_not(fitted: TextClassifier) -> None:
    texts, labels = reviews()
    again, other = clone(fitted).fit(texts, labels), clone(fitted).set_params(random_state=1).fit(texts, labels)
    weights = [
        (one.run_ / json.loads((one.run_ / "best.json").read_text())["checkpoint"] / "model.safetensors").read_bytes()
        for one in (fitted, again, other)
    ]
    assert weights[0] == weights[1] != weights[2]
    assert np.array_equal(fitted.predict_proba(texts), again.predict_proba(texts))
    assert again.fit(texts[:60], labels[:60]) is again  # anew: nothing of the first is left
    assert np.array_equal(again.predict_proba(texts), clone(fitted).fit(texts[:60], labels[:60]).predict_proba(texts))


@pytest.mark.ci
def test_it_is_the_run_that_the_verb_makes(fitted: TextClassifier, tmp_path: Path) -> None:
    texts, labels = reviews()
    rows = [json.dumps({"text": text, "label": label}) + "\n" for text, label in zip(texts, labels, strict=True)]
    (tmp_path / "reviews.jsonl").write_text("".join(rows))
    flags = {"model.arch": "gru", "train.steps": 2, "machine.threads": 1, "task.name": "classify", **TINY}
    flags |= {"data.paths": ("reviews.jsonl",), "data.test_share": 0.0}
    run = train(load_config(flags), with_report=False)
    found = [
        [one.probabilities[name] for name in ("negative", "positive")] for one in textmill.classify(run.path, texts)
    ]
    assert np.array_equal(fitted.predict_proba(texts), np.array(found))


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(lambda name: NAMES[name] * 7 - 1, id="int", marks=pytest.mark.ci),
        pytest.param(lambda name: name == "positive", id="bool"),
        pytest.param(lambda name: {"negative": "差 ", "positive": "007"}[name], id="str", marks=pytest.mark.ci),
        pytest.param(lambda name: np.uint8(NAMES[name]), id="uint8", marks=pytest.mark.ci),
    ],
)
def test_labels_come_back_as_they_were(labels: Any, fitted: TextClassifier) -> None:
    texts, names = reviews()
    y = np.array([labels(name) for name in names])
    one = classifier().fit(texts, y)

    assert one.classes_.tolist() == sorted(set(y.tolist()))
    assert one.predict(texts).dtype == y.dtype
    assert one.score(texts, y) >= 0.5  # it learnt these labels, and not others in their place
    column = one.classes_.tolist().index(labels("positive"))
    assert one.predict_proba(texts)[:, column] == pytest.approx(fitted.predict_proba(texts)[:, 1], abs=0.2)
    again = TextClassifier.from_run(one.run_)
    assert [type(label) for label in again.classes_.tolist()] == [type(label) for label in one.classes_.tolist()]


@pytest.mark.ci
def test_it_goes_through_a_pipeline_and_a_search(temporary: Path) -> None:
    texts, labels = reviews()
    lowered = make_pipeline(FunctionTransformer(np.char.lower), classifier())
    search = GridSearchCV(lowered, {"textclassifier__steps": [1, 2]}, cv=2, error_score="raise")
    search.fit(np.array(texts), labels)

    assert search.predict_proba(np.array(texts)).shape == (80, 2)
    assert list(search.classes_) == ["negative", "positive"]
    gc.collect()
    assert len(list(temporary.glob("textmill-*"))) == 1  # the best; those of the folds went with their estimators
    scores = cross_val_score(lowered, np.array(texts), labels, cv=2, error_score="raise")
    assert scores == pytest.approx([0.5, 0.5], abs=0.5)


def test_a_temporary_folder_goes_with_its_estimator(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, labels = reviews()
    one = classifier().fit(texts, labels)
    first = one.run_
    one.fit(texts, labels)
    assert not first.exists() and one.run_.is_dir()
    del one
    gc.collect()
    assert list(temporary.glob("textmill-*")) == []

    def stopped(*arguments: Any, **named: Any) -> None:
        raise textmill.errors.Interrupted("stopped", signal_number=2)

    monkeypatch.setattr(text_classifier, "train", stopped)
    with pytest.raises(KeyboardInterrupt, match="nothing is kept"):  # a search goes on after any other error
        classifier().fit(texts, labels)
    assert list(temporary.glob("textmill-*")) == []


@pytest.mark.ci
def test_pickled_copied_and_saved_ones_answer_alike(fitted: TextClassifier, tmp_path: Path) -> None:
    texts, _ = reviews()
    expected = fitted.predict_proba(texts)
    for other in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert np.array_equal(other.predict_proba(texts), expected)
        assert other.run_ != fitted.run_
    saved = fitted.save(tmp_path / "runs/kept")
    loaded = TextClassifier.from_run(saved)
    assert np.array_equal(loaded.predict_proba(texts), expected)
    assert (saved / "report.html").is_file()
    assert textmill.open_run(saved).info["next"][0].startswith(f"textmill classify {saved} ")
    with pytest.raises(RunError, match="something lies there"):
        fitted.save(saved)
    assert np.array_equal(TextClassifier.from_run(saved / "floor").predict_proba(texts).sum(axis=1).round(9), [1] * 80)


@pytest.mark.ci
def test_one_like_a_run_trains_another_like_it(fitted: TextClassifier) -> None:
    texts, labels = reviews()
    like = clone(TextClassifier.from_run(fitted.run_)).set_params(threads=1)

    assert (like.arch, like.steps, like.random_state) == ("gru", 2, 0)
    assert np.array_equal(like.fit(texts, labels).predict_proba(texts), fitted.predict_proba(texts))


@pytest.mark.ci
def test_in_a_folder_of_its_own_it_stays_and_refuses_another_text(tmp_path: Path) -> None:
    texts, labels = reviews()
    one = classifier(run=tmp_path / "runs/own").fit(texts, labels)
    assert one.run_ == tmp_path / "runs/own" and (one.run_ / "report.html").is_file()
    written = (one.run_ / "checkpoints").stat().st_mtime_ns
    assert classifier(run=str(tmp_path / "runs/own")).fit(texts, labels).run_ == one.run_  # finished: nothing to do
    assert (one.run_ / "checkpoints").stat().st_mtime_ns == written
    for other in (lambda: one.fit(texts[1:], labels[1:]), lambda: clone(one).set_params(steps=1).fit(texts, labels)):
        with pytest.raises(RunError):
            other()
    assert one.predict(texts[:1]).shape == (1,)  # what was fitted is kept


@pytest.mark.parametrize(
    ("texts", "labels", "error", "why"),
    [
        ("one text", ["a"], InputError, "not a list of texts"),
        (["a", float("nan")], ["a", "b"], InputError, r"X\[1\] is no text: nan \(float\)"),
        (["a", b"b"], ["a", "b"], InputError, r"X\[1\] is no text"),
        (["a", "\ud800"], ["a", "b"], InputError, r"X\[1\] is no text"),
        (np.array([["a", "b"]]), ["a"], InputError, "one column"),
        (["a", "b"], ["a"], ValueError, "inconsistent numbers"),
        (["a", "b"], None, ValueError, "requires y"),
        (["a", "b"], [0.5, 1.25], ValueError, "continuous"),
        (["a", "b"], [["a", "b"], ["b", "c"]], ValueError, "1d array"),
        (["a", "b"], [" a", "a"], InputError, "are one class"),
        (["a", "b"], ["nan", "a"], InputError, "stands for a missing one"),
        (["a few words", "others"] * 30, ["a"] * 60, InputError, "one label"),
    ],
)
def test_what_cannot_be_fitted_is_refused(texts: Any, labels: Any, error: type, why: str, temporary: Path) -> None:
    with pytest.raises(error, match=why):
        classifier().fit(texts, labels)
    assert list(temporary.glob("textmill-*")) == []


def test_a_knob_is_said_once_and_known() -> None:
    texts, labels = reviews()
    with pytest.raises(ConfigError, match=r"train.steps, which the estimator says"):
        classifier(knobs={"train.steps": 3}).fit(texts, labels)
    with pytest.raises(ConfigError, match=r"did you mean 'train.lr'"):
        classifier(knobs={"train.lrr": 3}).fit(texts, labels)


def test_a_class_of_which_nothing_is_left_is_told() -> None:
    texts, labels = reviews()
    with pytest.raises(InputError, match="no text of the class 'void' is left"):
        classifier().fit([*texts, ""], [*labels, "void"])
