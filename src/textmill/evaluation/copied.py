"""Written texts beside the training text: how much of each stands there, and the longest passage with its place.

Room: evaluation/. Used by the writing's measurement and by the generate verb.
"""

from __future__ import annotations

from collections.abc import Sequence

from textmill.generation.copying import Copies, find_copies, least_copied, texts_of
from textmill.results import Copied, CopiedPassage
from textmill.runs import Prepared

AROUND = 40  # characters shown before and after a passage


def copied(texts: Sequence[str], prepared: Prepared, least: Sequence[int] | None = None) -> list[Copied]:
    """Of each text: the characters that stand in the training text in stretches of at least `least` characters, and
    the longest such stretch; shorter ones are looked for too, down to half of that.

    least: of each text; default: by its script, least_copied. The training text is read once for texts in letters and
    once for texts in signs, where there are such. Raises Damaged for a store that is not what was written.
    """
    wanted = [least_copied(text) for text in texts] if least is None else list(least)
    found: list[Copied | None] = [None] * len(texts)
    for size in sorted(set(wanted)):
        places = [place for place, own in enumerate(wanted) if own == size]
        documents = texts_of(prepared.train, prepared.tokenizer)
        for place, copies in zip(places, find_copies([texts[i] for i in places], documents, size // 2), strict=True):
            found[place] = _told(texts[place], copies, prepared, size)
    return [each for each in found if each is not None]


def _told(text: str, copies: Copies, prepared: Prepared, least: int) -> Copied:
    passage = None
    if copies.longest is not None:
        number, offset, n_chars = copies.longest
        document = prepared.tokenizer.decode(prepared.train.document(number).tolist())
        passage = CopiedPassage(
            text=text[copies.at : copies.at + n_chars],
            n_chars=n_chars,
            start=copies.at,
            end=copies.at + n_chars,
            source=prepared.train.source(number).encode(errors="backslashreplace").decode(),
            document=number,
            offset=offset,
            before=document[max(0, offset - AROUND) : offset],
            after=document[offset + n_chars : offset + n_chars + AROUND],
        )
    return Copied(least=least, n_chars=len(text), n_copied=copies.n_copied(least), passage=passage)
