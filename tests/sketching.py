"""Pictures drawn once instead of four times, for tests that train runs and look at no picture.

Drawing takes two thirds of the processor's time of a tiny run. A sketch draws the same figure of the same numbers, as
SVG for the page; only the narrow form, the titled file and the PNG are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from textmill.report import drawing
from textmill.report.words import Words

NO_PNG = b"a sketch has no PNG"
in_all_forms = drawing.in_all_forms


def sketched(name: str, asked: drawing.Drawing, words: Words) -> tuple[drawing.Picture, bool, set[str]]:
    """Stands in for drawing.in_all_forms."""
    with drawing.steady(salt=name):
        svg = drawing.to_svg(asked.figure(drawing.Pen(drawing.WIDE, words)))
    part = drawing.as_part(svg)
    return drawing.Picture(asked.title, asked.label, svg, NO_PNG, part, part), False, set()


def sketch() -> None:
    """From here on pictures are sketched."""
    drawing.in_all_forms = sketched


@contextmanager
def drawn_whole() -> Iterator[None]:
    """Within it they are drawn in all their forms."""
    sketching, drawing.in_all_forms = drawing.in_all_forms, in_all_forms
    try:
        yield
    finally:
        drawing.in_all_forms = sketching
