"""The floor of a classifier: tf-idf with logistic regression on the same texts. Room: evaluation/ (weights -> numbers).

Fitted in seconds on the training part and kept in the run folder (floor/), as a run of its own of kind "tfidf": it can
be measured and can classify like any other. Beside it lies what tells texts that are unlike its own (models/domain.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textmill.config import Config
from textmill.evaluation.floor import save_as_run
from textmill.files import new_folder
from textmill.models.domain import Domain
from textmill.models.tfidf import Tfidf
from textmill.tokens import Tokenizer


def fit_label_floor(
    texts: Sequence[str],
    labels: Sequence[Sequence[int]],
    classes: Sequence[str],
    into: Path,
    several: bool = False,
    seed: int = 0,
    config: Config | None = None,
    tokenizer: Tokenizer | None = None,
    prepared: str = "",
    held_out: Sequence[str] = (),
    knobs: Mapping[str, Any] | None = None,
) -> Tfidf:
    """Fit the floor and keep it as a run folder `into`, which is there whole or not at all.

    config, tokenizer: those of the run it belongs to; it reads texts itself, and keeps them so that its folder is a run
    like others. Without a tokenizer: bytes. prepared: the name of the folder of the prepared text. held_out: texts by
    which it is told what is unlike the training texts; too few of them: nothing tells. knobs: of Tfidf.fit. Raises
    InputError as Tfidf.fit does, NoSpace.
    """
    model = Tfidf.fit(texts, labels, classes, several, seed, **(knobs or {}))
    own = tokenizer.alone() if tokenizer else Tokenizer.train("bytes", [], None, seed)
    domain = Domain.fit(model.features, texts, held_out)
    with new_folder(into) as temporary:
        if domain is not None:
            domain.save(temporary)
        save_as_run(
            temporary,
            model,
            own,
            config or Config(),
            seed,
            kind="tfidf",
            form="encoder",
            n_parameters=model.n_parameters,
            prepared=prepared,
        )
    return model
