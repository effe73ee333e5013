"""A run's numbers -> a page, a model card and pictures. Room: report/. Computes nothing: it draws, sorts and rounds.

render(results.Report, folder, lang) -> results.Reported       the door
page.py     report.html: one file, offline, no scripts         (page.html.jinja, style.css.jinja)
card.py     README.md: YAML for model hubs, Markdown           (card.md.jinja)
pictures.py plots/*.svg, *.png and the pictures of the page
fonts.py    which installed font draws which character
words.py    every fixed string, in English and Chinese
saying.py, numbers.py, showing.py   sentences, rounding, foreign text made safe
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textmill.errors import RunError
from textmill.files import full_disk_named, make_folder, write_atomically
from textmill.results import Report, Reported

__all__ = ["render"]


def render(report: Report, folder: Path, lang: str = "en") -> Reported:
    """Write report.html, README.md and plots/ into folder, in English ("en") or Chinese ("zh").

    What the report lacks is said, not left out: a run stopped at step 3 has a report too. Pictures without numbers are
    not drawn, and older ones of that name are removed. Raises ConfigError for another lang, NoSpace or RunError,
    naming the file, where it cannot be written; each file is whole or as it was.
    """
    from textmill.report.card import card
    from textmill.report.page import page
    from textmill.report.pictures import NAMES, draw
    from textmill.report.words import Words

    words = Words(lang)
    pictures = draw(report, words)
    plots = []
    for name in NAMES:
        for ending in ("svg", "png"):
            path = folder / "plots" / f"{name}.{ending}"
            if name in pictures.drawn:
                _put(path, getattr(pictures.drawn[name], ending))
                plots.append(str(path))
            else:
                _remove(path)
    _put(folder / "README.md", card(report, words))
    _put(folder / "report.html", page(report, pictures, words))
    return Reported(
        run=report.run,
        report=str(folder / "report.html"),
        card=str(folder / "README.md"),
        plots=plots,
        notes=pictures.notes,
    )


def _put(path: Path, content: bytes | str) -> None:
    """Write one file, whole; errors name it."""
    with _file_named(path), full_disk_named(path):
        make_folder(path.parent)
        write_atomically(path, content)


def _remove(path: Path) -> None:
    """Remove a picture of an earlier report, if it is there."""
    with _file_named(path):
        path.unlink(missing_ok=True)


@contextmanager
def _file_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"the report cannot be written: {error.strerror or error}", where=str(path)) from error
