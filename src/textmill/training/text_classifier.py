"""Texts and labels -> a classifier as scikit-learn has them, trained as `textmill train` does. Room: training/.

For Pipeline, GridSearchCV, cross_val_score and whoever else fits and predicts. What is fitted is a run: it lies in a
folder, and every verb can open it.
Shapes: N texts, C classes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from textmill.config.knobs import knobs_of, value_of
from textmill.config.layers import load_config
from textmill.errors import ConfigError, InputError, Interrupted, RunError
from textmill.files import make_folder, new_folder, write_atomically
from textmill.hub import open_run
from textmill.runs import Run
from textmill.tasks.classifying import classifier_of
from textmill.text.labels import canonical
from textmill.training.closing import next_commands, report_run
from textmill.training.session import train

KNOB_OF = {
    "arch": "model.arch",
    "preset": "model.preset",
    "size": "model.size",
    "steps": "train.steps",
    "epochs": "train.epochs",
    "minutes": "train.minutes",
    "balanced": "task.balanced",
    "device": "machine.device",
    "threads": "machine.threads",
}
"""Parameter -> the knob that it says."""
OF_A_MODEL = ("tokens", "model", "train")
"""Sections whose knobs make a model what it is, wherever it is trained."""
LABEL_TYPE = "label_type"  # the key of run.json
TYPES = {"b": "bool", "i": "int", "u": "int", "f": "float"}
"""Kind of a numpy array -> what its labels are; any other: str."""
FROM_NAME: dict[str, Callable[[str], Any]] = {"bool": "true".__eq__, "int": int, "float": float, "str": str}
"""Type of a label -> how it is made of the name of a class."""

Labels = NDArray[Any]


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Says which class a text belongs to, by a network, its tf-idf floor, or both: what does best on held-out text.

    arch, preset, size, steps, epochs, minutes, balanced, device, threads: the flags of `textmill train`, and None what
    they are unsaid. With minutes, and where no length is said, the machine is measured: then two fits may differ.
    random_state: of weights and order; with one seed, and a length in steps or epochs, two fits are equal to the bit.
    run: the folder to train in; a fit that was stopped goes on there, one with other texts or parameters is refused.
    None: a temporary one, which goes with the estimator; leave it so in a search, and `save` the best.
    knobs: any others, by their full names: {"train.lr": 1e-3, "model.dropout": 0.2}.

    Of X a twentieth is held out to choose the checkpoint and who answers (data.valid_share), and nothing to test on: a
    caller who fits and predicts does that.

    Once fitted: classes_ (C,) sorted; run_, the folder of the run; n_features_in_, 1: a text is one feature.

    >>> reviews = textmill.TextClassifier(arch="gru", epochs=5).fit(texts, labels)  # doctest: +SKIP
    >>> reviews.predict(["A fine film."])  # doctest: +SKIP
    array(['positive'], dtype='<U8')
    """

    def __init__(
        self,
        arch: str | None = None,
        *,
        preset: str | None = None,
        size: str | None = None,
        steps: int | None = None,
        epochs: float | None = None,
        minutes: float | None = None,
        balanced: bool | None = None,
        device: str | None = None,
        threads: int | None = None,
        random_state: int | RandomState | None = 0,
        run: str | Path | None = None,
        knobs: Mapping[str, Any] | None = None,
    ):
        self.arch, self.preset, self.size = arch, preset, size
        self.steps, self.epochs, self.minutes = steps, epochs, minutes
        self.balanced, self.device, self.threads = balanced, device, threads
        self.random_state, self.run, self.knobs = random_state, run, knobs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = tags.input_tags.string = True
        return tags

    @classmethod
    def from_run(cls, run: Run | Path | str) -> Self:
        """The classifier that a run is, whoever trained it; its parameters are those that would train another like it.

        Labels are of the type that they were fitted with; of a run of `textmill train`, str. Raises RunError where the
        run does not classify, or where a text may have several labels; Damaged.
        """
        opened = run if isinstance(run, Run) else open_run(run)
        estimator = cls(**parameters_of(opened))
        estimator._answer_by(opened)
        return estimator

    def fit(self, X: Iterable[str], y: Any) -> Self:  # noqa: N803 scikit-learn's name
        """Train on texts X (N,) and labels y (N,): str, int, bool or float, one each.

        Raises InputError for what is no text, for labels that are one class when written down (" a" and "a", 1.0 and
        "1") or stand for a missing one, and as `train` does; ValueError where X and y do not fit together.
        """
        texts = texts_in(X)
        classes, numbers = labels_in(y, len(texts))
        names = names_of(classes)
        content = lines_of(texts, [names[number] for number in numbers])
        label_type = TYPES.get(classes.dtype.kind) or type_of(classes)
        if self.run is not None:
            run = self._trained(content, Path(self.run), label_type)
            self._forget()
            self._answer_by(run, classes)
            return self
        temporary = Path(tempfile.mkdtemp(prefix="textmill-"))
        try:
            run = self._trained(content, temporary / "run", label_type)
            self._forget()
            self._answer_by(run, classes)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        self._clear_away = weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)
        return self

    def predict(self, X: Iterable[str]) -> Labels:  # noqa: N803 scikit-learn's name
        """(N,) the likeliest class of each text, of the type that y had."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        found: Labels = self.classes_[likeliest]
        return found

    def predict_proba(self, X: Iterable[str]) -> NDArray[np.float64]:  # noqa: N803 scikit-learn's name
        """(N, C) in the order of classes_; rows sum to 1. An empty text is a text like others."""
        check_is_fitted(self, "run_")
        texts = texts_in(X)
        if not texts:
            return np.zeros((0, len(self.classes_)))
        found: NDArray[np.float64] = self._classifier.probabilities(texts)[:, self._columns]
        return found

    def save(self, folder: str | Path) -> Path:
        """Copy the run to a folder that is not there yet, with its report: for `from_run`, and for every verb.

        Its texts are not copied: a run that is to be trained on lies in `run` from the start.
        Raises RunError where something lies there, NoSpace.
        """
        check_is_fitted(self, "run_")
        folder = Path(folder)
        if folder.exists():
            raise RunError("something lies there already", where=str(folder), hint="Name a folder that is new.")
        with new_folder(folder) as temporary:
            shutil.copytree(self.run_, temporary, dirs_exist_ok=True, ignore=shutil.ignore_patterns("lock"))
        run = open_run(folder)
        run.info["next"] = next_commands(run)[:1]  # the others read its texts
        run.write_info()
        report_run(run)
        return folder

    def __getstate__(self) -> dict[str, Any]:
        """With the whole run folder: what is unpickled elsewhere needs no other file."""
        state: dict[str, Any] = dict(super().__getstate__())
        for name in ("_classifier", "_clear_away"):
            state.pop(name, None)
        if "run_" in state:
            files = [path for path in self.run_.rglob("*") if path.is_file() and path.name != "lock"]
            state["_files"] = {path.relative_to(self.run_).as_posix(): path.read_bytes() for path in files}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("_files", None)
        super().__setstate__(state)
        if files is None:
            return
        temporary = Path(tempfile.mkdtemp(prefix="textmill-"))
        self._clear_away = weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)
        for name, content in files.items():
            path = temporary / "run" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self._answer_by(open_run(temporary / "run"), self.classes_)

    def _trained(self, content: str, folder: Path, label_type: str) -> Run:
        """The finished run of these texts in a folder."""
        digest = hashlib.sha256(content.encode()).hexdigest()
        path = folder.parent / ".data" / f"texts-{digest[:16]}.jsonl"  # beside what standard input held
        make_folder(path.parent)
        if not path.is_file():
            write_atomically(path, content)
        try:
            run = train(load_config(self._said(path, folder)), with_report=self.run is not None)
        except Interrupted as stopped:  # a search goes on after any other error
            if stopped.signal_number != signal.SIGINT:
                raise SystemExit(stopped.exit_code) from None
            kept = "the same fit goes on" if self.run is not None else "nothing is kept; with run=FOLDER a fit goes on"
            raise KeyboardInterrupt(f"the fit was stopped: {kept}") from None
        if run.info.get(LABEL_TYPE) != label_type:
            run.info[LABEL_TYPE] = label_type
            run.write_info()
        return run

    def _said(self, path: Path, folder: Path) -> dict[str, Any]:
        """Every knob that is said. Raises ConfigError for one that is said twice."""
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        said = {
            "task.name": "classify",
            "data.paths": (str(path),),
            "data.text": ("text",),
            "data.label": ("label",),
            "run.seed": int(seed),
            "run.name": folder.name,
            "run.dir": str(folder.parent),
        }
        said |= {key: getattr(self, name) for name, key in KNOB_OF.items() if getattr(self, name) is not None}
        knobs = dict(self.knobs or {})
        for key in knobs:
            if key in said:
                raise ConfigError(f"knobs has {key}, which the estimator says", hint="Leave it out of knobs.")
        return {"data.test_share": 0.0} | knobs | said

    def _answer_by(self, run: Run, classes: Labels | None = None) -> None:
        """Be what a run is. classes: as they were given, sorted."""
        classifier = classifier_of(run)
        if classifier.several:
            raise RunError(
                "a text may have several labels by this run, and a classifier of scikit-learn gives one",
                where=str(run.path),
                hint="Call textmill.classify.",
            )
        if classes is None:
            made = FROM_NAME[run.info.get(LABEL_TYPE, "str")]
            classes = np.unique(np.array([made(name) for name in classifier.classes]))
        names = names_of(classes)
        lost = [name for name in names if name not in classifier.classes]
        if lost:
            raise InputError(
                f"no text of the class {lost[0]!r} is left to train on: they are empty, or all held out",
                hint="Give more texts of it, or none.",
            )
        self._columns = [classifier.classes.index(name) for name in names]
        self._classifier, self.run_ = classifier, run.path
        self.classes_, self.n_features_in_ = classes, 1

    def _forget(self) -> None:
        """What was fitted before, and its folder where it is a temporary one."""
        if clear_away := self.__dict__.pop("_clear_away", None):
            clear_away()
        for name in ("_classifier", "_columns", "run_", "classes_", "n_features_in_"):
            self.__dict__.pop(name, None)


def texts_in(given: Iterable[str]) -> list[str]:
    """Texts as a list: of a list, an array, a Series, or a table of one column. Raises InputError for anything else."""
    if isinstance(given, str | bytes):
        raise InputError("X is one text, and not a list of texts", hint="Write [text].")
    shape = getattr(given, "shape", None)
    if shape is not None and len(shape) != 1:
        if len(shape) != 2 or shape[1] != 1:
            raise InputError(f"X has the shape {tuple(shape)}, and texts stand in one column", hint="Name one column.")
        given = np.asarray(given, dtype=object)[:, 0]
    texts = list(given)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(
                f"X[{number}] is no text: {text!r} ({type(text).__name__})", hint="Mend it or leave it out."
            )
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"X[{number}] is no text: {error.reason} at {error.start}") from None
    return [str(text) for text in texts]  # numpy's strings are str of their own kind


def labels_in(y: Any, n_texts: int) -> tuple[Labels, NDArray[np.int64]]:
    """The classes (C,), sorted, and the number of each label's (N,). Raises ValueError for what is no labels."""
    if y is None:
        raise ValueError("TextClassifier requires y to be passed, but the target y is None")
    labels: Labels = column_or_1d(y)
    check_consistent_length(range(n_texts), labels)
    check_classification_targets(labels)
    classes, numbers = np.unique(labels, return_inverse=True)
    return classes, numbers


def names_of(classes: Labels) -> list[str]:
    """The name of each class in a run. Raises InputError where two have one name, or one has none."""
    names: dict[str, Any] = {}
    for label in classes.tolist():
        name = canonical(label)
        if name is None:
            raise InputError(
                f"the label {label!r} stands for a missing one", hint="Leave such texts out, or rename it."
            )
        if name in names:
            raise InputError(
                f"the labels {names[name]!r} and {label!r} are one class when they are written down: {name!r}"
            )
        names[name] = label
    return list(names)


def type_of(classes: Labels) -> str:
    """What labels in an array of objects are: one of FROM_NAME."""
    kinds = {type(label).__name__ for label in classes.tolist()}
    return kinds.pop() if len(kinds) == 1 and kinds <= set(FROM_NAME) else "str"


def lines_of(texts: list[str], names: list[str]) -> str:
    """JSON lines of texts and labels."""
    rows = zip(texts, names, strict=True)
    return "".join(json.dumps({"text": text, "label": name}, ensure_ascii=False) + "\n" for text, name in rows)


def parameters_of(run: Run) -> dict[str, Any]:
    """Those of a TextClassifier that trains a run like this one."""
    config = run.config
    known = knobs_of(config.model.arch)
    values = {key: value_of(config, key) for key, knob in known.items() if value_of(config, key) != knob.default}
    found = {name: values[key] for name, key in KNOB_OF.items() if key in values and not key.startswith("machine.")}
    if "steps" in found:  # what came of the other ways to say how long
        found = {name: value for name, value in found.items() if name not in ("epochs", "minutes")}
    said = set(KNOB_OF.values())
    knobs = {key: value for key, value in values.items() if key.partition(".")[0] in OF_A_MODEL and key not in said}
    return found | {"arch": config.model.arch, "random_state": config.run.seed, "knobs": knobs or None}
