"""PDF -> its text, one document a file. Room: text/ (bytes -> documents). Used by reading. Needs pypdf ([office]).

Pages are joined by a blank line. The ledger counts the UTF-8 bytes of the text. A page without text is an empty record
of 0 bytes, and one that cannot be read a bad record of 0 bytes, each by its number: "file#page 3".
pypdf bounds what a compressed stream may grow to; how long one page takes is not bounded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate

from textmill.config import DataConfig
from textmill.errors import InputError, MissingExtra
from textmill.messages import message, plural_message
from textmill.text.columns import utf8_size
from textmill.text.documents import BAD_RECORD, EMPTY, PAGES, Document, Dropped, Found
from textmill.text.files import TextFile, open_unchanged
from textmill.text.wording import damage, first_line, not_installed, some_of


def read_pdf(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The text of a PDF as one document, and its pages without text by name.

    Raises InputError for a file that is damaged, or locked with a password; MissingExtra without pypdf.
    """
    try:
        import pypdf
    except ImportError:
        raise MissingExtra(
            not_installed(".pdf", "pypdf"), where=file.name, hint="pip install 'textmill[office]'"
        ) from None
    written: list[str] = []
    numbers: list[int] = []
    dropped: list[Dropped] = []
    with _warnings_noted(file, note), open_unchanged(file) as stream:
        try:
            reader = pypdf.PdfReader(stream)
            # Many files are locked for writing alone, and open with an empty password.
            is_locked = reader.is_encrypted and not reader.decrypt("")
            n_pages = 0 if is_locked else len(reader.pages)
        except pypdf.errors.DependencyError as error:
            raise InputError(
                message("is encrypted, and reading it needs another package (%(error)s)", error=first_line(error)),
                where=file.name,
                hint=message("save it without encryption, or: pip install cryptography"),
            ) from None
        except Exception as error:  # any of Python's own, from a damaged file
            raise _damaged(file, error) from None
        if is_locked:
            raise InputError(
                message("is locked with a password"), where=file.name, hint=message("save it without one first")
            )
        for number in range(n_pages):
            where = f"{file.name}#page {number + 1}"
            try:
                text = reader.pages[number].extract_text()
            except Exception as error:
                reason = message("the page cannot be read: %(error)s", error=first_line(error))
                dropped.append(Dropped(BAD_RECORD, 0, where, reason))
                continue
            if text.strip():
                written.append(text.strip("\n"))
                numbers.append(number + 1)
            else:
                dropped.append(Dropped(EMPTY, 0, where))
    n_empty = sum(item.category == EMPTY for item in dropped)
    if n_empty and not written:
        note(
            message(
                "%(file)s: no page has text: it is probably scanned, and needs text recognition (OCR) first.",
                file=file.name,
            )
        )
    elif n_empty:
        note(
            plural_message(
                "%(file)s: %(n)s page without text, probably pictures: text in them is not read.",
                "%(file)s: %(n)s pages without text, probably pictures: text in them is not read.",
                n_empty,
                file=file.name,
            )
        )
    texts = [one.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for one in written]
    text = "\n\n".join(texts)
    if text.count("\ufffd") > sum(one.count("\ufffd") for one in written):
        note(message("%(file)s: half a surrogate pair, which no text can hold, is read as U+FFFD.", file=file.name))
    if text:
        starts = accumulate((len(one) + len("\n\n") for one in texts), initial=0)
        pages = tuple(zip(starts, numbers, strict=False))
        yield Found(Document(text, f"{file.name}#page 1", {PAGES: pages}), utf8_size(text))
    elif not dropped:
        yield Dropped(EMPTY, 0, file.name)
    yield from dropped


def _damaged(file: TextFile, error: Exception) -> InputError:
    return InputError(damage("PDF", error), where=file.name, hint=message("fetch it anew, or print it to a new PDF"))


class _Kept(logging.Handler):
    """The messages that are logged, each once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.messages) < 1000:
            self.messages[record.getMessage()] = None


@contextmanager
def _warnings_noted(file: TextFile, note: Callable[[str], None]) -> Iterator[None]:
    """What pypdf warns of, as one note instead of lines on stderr: text may be missing there."""
    logger, kept = logging.getLogger("pypdf"), _Kept()
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(kept)
    try:
        yield
    finally:
        logger.removeHandler(kept)
        logger.propagate = propagated
    if kept.messages:
        note(
            message(
                "%(file)s: text may be missing, the file is not quite well formed: %(what)s.",
                file=file.name,
                what=some_of(list(kept.messages)),
            )
        )
