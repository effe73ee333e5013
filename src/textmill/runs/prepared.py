"""Prepared text: RUNS/.data/FINGERPRINT/{train,valid,test}, tokenizer.json, ledger.json. Room: runs/.

Filled by tasks.prepare, read by training and evaluation. Shared by all runs of that text.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textmill.errors import Damaged, RunError
from textmill.files import read_json
from textmill.tokens import Tokenizer, TokenStore

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Prepared:
    """Text as ids, in parts; `valid` and `test` are None where nothing was held out for them."""

    path: Path
    train: TokenStore
    valid: TokenStore | None
    test: TokenStore | None
    tokenizer: Tokenizer
    ledger: dict[str, Any]
    """ledger.json: files, ledger, n_documents, languages, duplicates, notes, bad_records."""

    @classmethod
    def open(cls, path: Path) -> Prepared:
        """Raises RunError where the folder is not there, Damaged where a file has another size than it should."""
        if not (path / "ledger.json").is_file():
            raise RunError(
                "the prepared text is not there (it is safe to delete, so somebody may have)",
                where=str(path),
                hint="Repeat the training command: it prepares the text again.",
            )
        train, valid, test = (TokenStore(path / part) if (path / part).is_dir() else None for part in PARTS)
        if train is None:
            raise RunError("the prepared text has no training part", where=str(path), hint="Delete the folder.")
        ledger = read_json(path / "ledger.json")
        if not isinstance(ledger, dict):
            raise Damaged("this is no ledger", where=str(path / "ledger.json"), hint="Delete the folder.")
        return cls(path, train, valid, test, Tokenizer.load(path), ledger)

    @property
    def stores(self) -> dict[str, TokenStore]:
        """The parts that there are, as a report names them: train, validation, test."""
        named = {"train": self.train, "validation": self.valid, "test": self.test}
        return {name: store for name, store in named.items() if store is not None}
