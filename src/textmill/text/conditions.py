"""What a text is written under, such as its title and author: values of columns that stand before it. Room: text/.

    春望<TAB>杜甫<LF>國破山河在，…

That is the written form: the values in the order of data.conditions, a tab between them, a line feed behind the last.
They are read as context and not learned: a model's loss, and its bits per character, are of the text alone. Used by
reading.py where documents are made, and by tasks/conditions.py where a person asks for some.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from textmill.text.documents import ANSWERED, KEPT, Dropped, Found
from textmill.text.transcoding import size_in

BETWEEN, BEHIND = "\t", "\n"


def laid_before(values: Sequence[str]) -> str:
    """The values as they stand before a text; blanks and line ends within one become a blank.

    >>> laid_before(["春 望", " 杜甫\\n"])
    '春 望\\t杜甫\\n'
    """
    return BETWEEN.join(" ".join(value.split()) for value in values) + BEHIND


def values_of(before: str) -> tuple[str, ...]:
    """What laid_before was made of, blanks apart."""
    return tuple(before.removesuffix(BEHIND).split(BETWEEN))


def conditioned(items: Iterator[Found | Dropped], names: Sequence[str], codec: str) -> Iterator[Found | Dropped]:
    """Documents whose meta[KEPT] holds the values by name, with them in front. codec: of the file, whose bytes are
    counted: those of the values are the document's, no longer an unused column's."""
    for item in items:
        if isinstance(item, Found):
            document = item.document
            meta = dict(document.meta)
            kept = meta.pop(KEPT)
            values = [kept[name] for name in names]
            before, text = laid_before(values), document.text
            meta[ANSWERED] = ((len(before), len(before) + len(text)),)
            n_bytes = sum(size_in(value, codec) for value in values)
            item = replace(
                item,
                document=replace(document, content=before + text, meta=meta),
                n_bytes=item.n_bytes + n_bytes,
                unused_column=item.unused_column - n_bytes,
                counted=(text, *values),
            )
        yield item
