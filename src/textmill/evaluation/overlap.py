"""Whether a text was trained on: the share of it whose lines stand in the training part. Room: evaluation/.

Another measure than text/against, on purpose. This one asks about the whole of a text, in bytes, by lines that are
equal as a whole, over the tokens of a run: a few seconds before each measurement, so that a number on trained text is
never shown without a word. `against` asks which documents of a test set are found, in part too, by runs of 13 words
across line ends, over the files: minutes, when somebody asks. A quoted sentence is found there and not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textmill.evaluation.floor import bytes_of
from textmill.text.normalise import normalised_digest
from textmill.tokens import TokenStore

LONG_LINE = 20  # characters; shorter ones repeat by themselves
MOST_BYTES = 50_000_000  # of training text that is looked through: some ten seconds


def share_seen_in_training(
    texts: Sequence[str], train: TokenStore, token_bytes: list[bytes], most_bytes: int = MOST_BYTES
) -> float | None:
    """Share of the bytes of the texts' long lines that the training text has too, but for case, width and blanks.

    None where the training text is larger than most_bytes: then it is not looked through. 0.0 where no line is long.
    """
    if train.n_bytes > most_bytes:
        return None
    sizes: dict[bytes, int] = {}
    for text in texts:
        for key, size in _long_lines(text):
            sizes[key] = sizes.get(key, 0) + size
    seen: set[bytes] = set()
    for number in range(train.n_documents):
        text = bytes_of(train.document(number), token_bytes).tobytes().decode("utf-8", errors="replace")
        seen.update(key for key, _ in _long_lines(text) if key in sizes)
    total = sum(sizes.values())
    return sum(sizes[key] for key in seen) / total if total else 0.0


def _long_lines(text: str) -> Iterator[tuple[bytes, int]]:
    for line in text.split("\n"):
        if len(line.strip()) >= LONG_LINE:
            yield normalised_digest(line), len(line.encode())
