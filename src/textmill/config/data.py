"""[data]: which text, what a document is, what is held out."""

from __future__ import annotations

import os
from typing import Any, Literal

from pydantic import field_validator, model_validator

from textmill.config.section import Section, knob


class DataConfig(Section):
    """Which text, what a document is, and what is held out."""

    paths: tuple[str, ...] = knob(())
    """Files, folders, `-` for standard input, or `builtin:python-docs`."""
    valid: tuple[str, ...] = knob((), flag="--valid")
    """Files or folders to validate on, instead of a part held out of PATH."""
    test: tuple[str, ...] = knob((), flag="--test")
    """Files or folders to test on, instead of a part held out of PATH."""
    text: str | None = knob(None)
    """Column or key that holds the text. Default: `text`, or the only column there is."""
    header: bool = knob(True)
    """The first record of a CSV or TSV file names its columns."""
    columns: tuple[str, ...] = knob(())
    """Column names of a CSV or TSV file without a header."""
    unit: Literal["auto", "file", "line", "paragraph"] = knob("auto")
    """What a document is in a plain text file. auto: a file is one document."""
    valid_share: float = knob(0.05, ge=0.0, lt=1.0)
    """Share of the text that is held out to choose checkpoints by. 0: no validation."""
    test_share: float = knob(0.05, ge=0.0, lt=1.0)
    """Share of the text that is held out for the final numbers. 0: no test part."""
    split_seed: int = knob(0, ge=0)
    """Orders the documents before the split. Not the run's seed."""
    duplicates: Literal["keep", "exact", "normalised"] = knob("keep")
    """Which repeats of a document are dropped. Kept or not, repeats never stand on both sides of a split."""
    strict: bool = knob(False, flag="--strict")
    """Stop at the first record that cannot be read, instead of counting it."""

    @field_validator("paths", "valid", "test", "columns", mode="before")
    @classmethod
    def one_is_a_list_of_one(cls, value: Any) -> Any:
        """In Python a single name may stand for a list of one, and a pathlib.Path for its name."""
        if isinstance(value, str | os.PathLike):
            return (os.fspath(value),)
        if isinstance(value, list | tuple):
            return tuple(os.fspath(item) if isinstance(item, os.PathLike) else item for item in value)
        return value

    @model_validator(mode="after")
    def something_is_left_to_train_on(self) -> DataConfig:
        if self.valid_share + self.test_share >= 1:
            raise ValueError(
                f"valid_share ({self.valid_share}) and test_share ({self.test_share}) leave nothing to train on"
            )
        return self
