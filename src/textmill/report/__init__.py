"""A run's numbers -> a page, a model card and pictures. Room: report/. Computes nothing: it draws, sorts and rounds.

render(results.Report, folder, lang) -> results.Reported       the door of a run
render_look(results.Look, name, folder, lang)                  the door of a look
render_choice(results.Chosen, folder, lang)                    the door of a choice: one picture
render_monitor(results.Monitored, folder, lang)                the door of opinion over time
page.py, look_page.py, monitor_page.py     report.html, look.html, monitor.html: one file, offline, no scripts
sheet.py                  what the pages share            (base.html.jinja, parts.html.jinja, style.css.jinja)
card.py                   README.md: YAML for model hubs, Markdown                (card.md.jinja)
pictures.py, look_pictures.py, choice_picture.py, opinion_picture.py, ledger_picture.py
                          plots/*.svg, *.png and the pictures of the pages
drawing.py, fonts.py      paper, ink and files; which installed font draws which character
words.py                  every fixed string, in English and Chinese
saying.py, looked.py, followed.py, numbers.py, showing.py         sentences, rounding, foreign text made safe
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from textmill.errors import RunError
from textmill.files import full_disk_named, make_folder, write_atomically
from textmill.results import Chosen, Look, Monitored, Report, Reported

if TYPE_CHECKING:
    from textmill.report.drawing import Pictures

__all__ = ["render", "render_choice", "render_look", "render_monitor"]


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
    plots = _put_pictures(pictures, NAMES, folder / "plots")
    _put(folder / "README.md", card(report, words))
    _put(folder / "report.html", page(report, pictures, words))
    return Reported(
        run=report.run,
        report=str(folder / "report.html"),
        card=str(folder / "README.md"),
        plots=plots,
        notes=pictures.notes,
    )


def render_look(found: Look, name: str, folder: Path, lang: str = "en") -> tuple[Look, list[str]]:
    """Write look.html and plots/ into folder; the look with the names of what was written, and notes about fonts.

    name: of the text, for the head of the page. Pictures and errors as with render.
    """
    from textmill.report.look_page import look_page
    from textmill.report.look_pictures import NAMES, draw
    from textmill.report.words import Words

    words = Words(lang)
    pictures = draw(found, name, words)
    plots = _put_pictures(pictures, NAMES, folder / "plots")
    page = folder / "look.html"
    _put(page, look_page(found, name, pictures, words))
    return found.model_copy(update={"page": str(page), "plots": plots}), pictures.notes


def render_choice(chosen: Chosen, folder: Path, lang: str = "en") -> tuple[Chosen, list[str]]:
    """Write plots/ into folder; the choice with the names of what was written, and notes about fonts."""
    from textmill.report.choice_picture import NAMES, draw
    from textmill.report.words import Words

    pictures = draw(chosen, Words(lang))
    plots = _put_pictures(pictures, NAMES, folder / "plots")
    return chosen.model_copy(update={"plots": plots}), pictures.notes


def render_monitor(found: Monitored, folder: Path, lang: str = "en") -> tuple[Monitored, list[str]]:
    """Write monitor.html, monitor.json and plots/ into folder; the same with the names of what was written, and notes
    about fonts. Pictures and errors as with render."""
    from textmill.report.monitor_page import monitor_page, opinions_of
    from textmill.report.opinion_picture import NAMES, draw
    from textmill.report.words import Words

    words = Words(lang)
    pictures = draw(opinions_of(found, words), words)
    plots = _put_pictures(pictures, NAMES, folder / "plots")
    page = folder / "monitor.html"
    _put(page, monitor_page(found, pictures, words))
    written = found.model_copy(update={"page": str(page), "plots": plots})
    _put(folder / "monitor.json", written.to_json(indent=2) + "\n")
    return written, pictures.notes


def _put_pictures(pictures: Pictures, names: Iterable[str], folder: Path) -> list[str]:
    """Write those that were drawn, remove older ones of the other names; the paths of the first."""
    written = []
    for name in names:
        for ending in ("svg", "png"):
            path = folder / f"{name}.{ending}"
            if name in pictures.drawn:
                _put(path, getattr(pictures.drawn[name], ending))
                written.append(str(path))
            else:
                _remove(path)
    return written


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
        raise RunError(f"cannot be written: {error.strerror or error}", where=str(path)) from error
