"""Answers of a server, kept on the disk: the same question again costs nothing. Room: hub/. Used by remote_model.py.

An answer is a sealed JSON file named by the sha256 of address, model, endpoint and request: neither a key nor a prompt
stands in it. A file that is not what was written counts as none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from textmill.errors import InputError
from textmill.files import json_of, make_folder, seal_holds, write_sealed_json


def default_cache() -> Path:
    """The folder of the user's caches that answers are kept in."""
    import platformdirs

    return platformdirs.user_cache_path("textmill") / "remote"


class AnswerCache:
    """Answers by their questions. folder: made when the first one is kept."""

    def __init__(self, folder: Path, notice: Callable[[str], None] = lambda text: None):
        self.folder, self.notice = folder, notice

    def get(self, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer that is kept, or None. A damaged file is told."""
        path = self._path(question)
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", where=str(path)) from None
        try:
            found = json_of(content)
        except ValueError:
            found = None
        if not seal_holds(content) or not isinstance(found, dict) or not isinstance(found.get("answer"), dict):
            self.notice(f"a kept answer is damaged and is asked for again: {path}")
            return None
        answer: dict[str, Any] = found["answer"]
        return answer

    def put(self, question: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Keep an answer, whole or not at all. Raises NoSpace, InputError where the folder cannot be written."""
        path = self._path(question)
        try:
            make_folder(path.parent)
            write_sealed_json(path, {"answer": dict(answer)})
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise InputError(
                f"answers cannot be kept here: {error.strerror or error}",
                where=str(self.folder),
                hint="Name another folder, --cache DIR, or keep none: --no-cache.",
            ) from None

    def _path(self, question: Mapping[str, Any]) -> Path:
        text = json.dumps(question, sort_keys=True, ensure_ascii=True)
        name = hashlib.sha256(text.encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.json"
