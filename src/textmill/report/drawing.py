"""Paper, ink and files: what every picture of a page is made with. Room: report/.

Drawn with matplotlib's objects (no pyplot, no figure that outlives its call), each in four forms: a file for
elsewhere (SVG with text as text, PNG) with a title, and two for the page, wide and narrow, whose colours are the
page's own and follow its dark scheme. The same numbers give the same bytes.
Lengths are points, one point of a picture being one pixel of the page at full width.
"""

from __future__ import annotations

import io
import logging
import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from textmill.report import fonts
from textmill.report.showing import on_one_line
from textmill.report.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS_PER_INCH = 72
PNG_DPI = 144
WIDE, NARROW = 768, 340
FONT_SIZE, TITLE_SIZE = 13, 16

# A role of the page's palette -> its colour in a file, which lies on white. No two are alike: the page finds the role
# again by the colour and writes its own variable there.
COLOURS = {
    "ink": "#1f1e1c",
    "muted": "#5d5a54",
    "rule": "#dcd7cc",
    "model": "#0b6b71",
    "train": "#7c8a91",
    "floor": "#a64f14",
    "floor-bytes": "#8a5a00",
    "uniform": "#75706a",
    "kept-train": "#0b6b72",
    "kept-validation": "#3f7fc1",
    "kept-test": "#7f60b8",
    "lost-1": "#b0642b",
    "lost-2": "#a3791c",
    "lost-3": "#b14a5d",
    "lost-4": "#7d7468",
    "lost-5": "#8f8577",
}
ROLES = {colour: f"var(--{role})" for role, colour in COLOURS.items()}
# Settings of matplotlib that are no matter of how a picture looks: the user's stay.
LEFT_ALONE = ("backend", "toolbar", "interactive", "timezone", "webagg.", "tk.", "macosx.", "keymap.")
SVG_FONTS = (
    "'Noto Sans', 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', 'Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC', "
    "'Microsoft YaHei', 'WenQuanYi Micro Hei', 'WenQuanYi Zen Hei', sans-serif"
)
SVG = "http://www.w3.org/2000/svg"


@dataclass(frozen=True)
class Picture:
    """One picture. svg, png: files. wide, narrow: markup for the page. label: what it shows, in words."""

    name: str
    label: str
    svg: bytes
    png: bytes
    wide: str
    narrow: str


@dataclass(frozen=True)
class Pictures:
    """Those that there are numbers for, by name, and what had to be done about fonts, as sentences."""

    drawn: dict[str, Picture]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Pen:
    """What a drawing is made with: its width in points, the words, a title or none, how foreign text is written."""

    width: int
    words: Words
    title: str = ""
    foreign: Callable[[str], str] = on_one_line

    @property
    def narrow(self) -> bool:
        return self.width < 500


@dataclass(frozen=True)
class Drawing:
    """What is to be drawn: the figure that a pen makes, what it shows in words, and the title of its files."""

    figure: Callable[[Pen], Figure]
    label: str
    title: str


def drawn(drawings: dict[str, Drawing], words: Words) -> Pictures:
    """Each drawing in its four forms, by name."""
    pictures: dict[str, Picture] = {}
    spelled_out: set[str] = set()
    in_english = False
    for name, drawing in drawings.items():
        pictures[name], english, missing = in_all_forms(name, drawing, words)
        in_english = in_english or english
        spelled_out |= missing
    return Pictures(pictures, font_notes(in_english, spelled_out, words))


def in_all_forms(name: str, drawing: Drawing, words: Words) -> tuple[Picture, bool, set[str]]:
    """The picture; whether English stands in in its PNG; the characters that stand there as code points."""
    with steady(salt=name):
        figure = drawing.figure(Pen(WIDE, words, drawing.title))
        svg, letters = to_svg(figure), letters_of(figure)
    with steady(salt=f"{name}-wide"):
        wide = to_svg(drawing.figure(Pen(WIDE, words)))
    with steady(salt=f"{name}-narrow"):
        narrow = to_svg(drawing.figure(Pen(NARROW, words)))
    png, in_english, missing = to_png(drawing, name, words, letters)
    label = drawing.label
    picture = Picture(name, label, as_file(svg, label), png, as_part(wide), as_part(narrow))
    return picture, in_english, missing


def font_notes(in_english: bool, spelled_out: set[str], words: Words) -> list[str]:
    """What the reader of the PNG files must know about their letters."""
    notes = []
    if in_english:
        notes.append(
            words(
                "The PNG pictures are labelled in English: no font on this machine draws the Chinese labels. "
                "Install one (Noto Sans CJK, for example) and run the command again. SVG pictures are not affected."
            )
        )
    if spelled_out:
        notes.append(
            words(
                "In the PNG pictures these characters stand as code points, because no font on this machine draws "
                "them: %(points)s. SVG pictures are not affected.",
                points=fonts.code_points(sorted(spelled_out)),
            )
        )
    return notes


def whole_numbers(at_most: int) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=at_most, integer=True, steps=[1, 2, 2.5, 5, 10])


def write_above(figure: Figure, axes: Axes, pen: Pen, unit: str, raised: int = 0) -> None:
    """The legend above the axes, and the unit of the upright axis at its head: words stand level.

    raised: points between the axes and the legend that something else takes.
    """
    _, height = size_of(figure)
    columns = 2 if pen.narrow else 4
    lines = math.ceil(len(axes.get_legend_handles_labels()[0]) / columns)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(4 / pen.width, axes.get_position().y1 + (4 + raised) / height),
        bbox_transform=figure.transFigure,
        ncols=columns,
        frameon=False,
        labelcolor=COLOURS["ink"],
        handlelength=1.8,
        columnspacing=1.4,
        handletextpad=0.6,
        borderaxespad=0.0,
        borderpad=0.0,
        fontsize=FONT_SIZE - (2 if pen.narrow else 1),
    )
    above = axes.get_position().y1 * height + raised + 10 + 19 * lines
    figure.text(4 / pen.width, above / height, unit, color=COLOURS["muted"])


def paper(subject: str, pen: Pen, height: int, left: int, bottom: int, top: int) -> tuple[Figure, Axes]:
    """A figure with one pair of axes inside these margins (points); with a title, it grows upwards by its line.

    subject: what the numbers are of; it stands behind the title.
    """
    from matplotlib.figure import Figure

    from_title = 38 if pen.title else 0
    whole = height + from_title
    figure = Figure(figsize=(pen.width / POINTS_PER_INCH, whole / POINTS_PER_INCH))
    if pen.title:
        figure.patch.set_facecolor("#ffffff")
        title = fitted(f"{pen.words(pen.title)} · {pen.foreign(subject)}", pen.width - 8, TITLE_SIZE)
        figure.text(4 / pen.width, 1 - 22 / whole, title, color=COLOURS["ink"], size=TITLE_SIZE)
    else:
        figure.patch.set_alpha(0.0)
    right = 10 if left > 10 else 4
    axes = figure.add_axes(
        (left / pen.width, bottom / whole, (pen.width - left - right) / pen.width, (height - bottom - top) / whole)
    )
    axes.patch.set_visible(False)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=COLOURS["muted"], labelcolor=COLOURS["muted"], length=0, pad=6)
    return figure, axes


def fitted(text: str, width: float, size: int) -> str:
    """A text of this size that fits the width; a longer one loses its middle, visibly."""
    room = width / (0.62 * size)  # in narrow characters of a broad font
    if sum(map(breadth, text)) <= room:
        return text
    head, tail = text, text
    while sum(map(breadth, head)) > room / 2 - 2:
        head = head[:-1]
    while sum(map(breadth, tail)) > room / 2 - 2:
        tail = tail[1:]
    return f"{head} … {tail}"


def breadth(char: str) -> int:
    """2 for a wide character (Chinese), 1 for others: wide ones take an em, narrow ones some three fifths."""
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def size_of(figure: Figure) -> tuple[float, float]:
    """Width and height in points."""
    width, height = figure.get_size_inches()
    return width * POINTS_PER_INCH, height * POINTS_PER_INCH


@contextmanager
def steady(salt: str, families: tuple[str, ...] = (fonts.BASE,)) -> Iterator[None]:
    """Matplotlib as it comes, whatever the user's own settings are, and deterministic: ids from the salt alone."""
    import matplotlib

    settings: dict[Any, Any] = {
        key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith(LEFT_ALONE)
    }
    settings |= {
        "svg.fonttype": "none",
        "svg.hashsalt": f"textmill-{salt}",
        "font.family": list(families),
        "font.size": FONT_SIZE,
        "text.parse_math": False,
        "axes.unicode_minus": True,
    }
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    with warnings.catch_warnings():
        # Defaults that matplotlib is about to give up are none of ours.
        warnings.filterwarnings("ignore", category=matplotlib.MatplotlibDeprecationWarning)
        # SVG: the reader's browser has the glyph or not, matplotlib only measures. PNG: `fonts.find` has answered.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        log.setLevel(logging.ERROR)
        try:
            with matplotlib.rc_context(settings):
                yield
        finally:
            log.setLevel(level)


def to_svg(figure: Figure) -> bytes:
    """Matplotlib's SVG, without a date."""
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return out.getvalue()


def to_png(drawing: Drawing, name: str, words: Words, letters: str) -> tuple[bytes, bool, set[str]]:
    """The picture as PNG; whether English stands in for the language asked for; characters written as code points.

    letters: all that is written in it.
    """
    in_english = False
    with steady(salt=name):
        found = fonts.find(letters)
        if found.missing:
            labels = letters_of(drawing.figure(Pen(WIDE, words, drawing.title, foreign=lambda text: "")))
            in_english = not found.missing.isdisjoint(labels)
    pen = Pen(
        WIDE,
        Words("en") if in_english else words,
        drawing.title,
        foreign=lambda text: fonts.spelled(on_one_line(text), found.missing),
    )
    with steady(salt=name, families=found.families):
        figure = drawing.figure(pen)
        figure.patch.set_alpha(1.0)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=PNG_DPI, metadata={"Software": None})
    written = letters_of(figure)
    return out.getvalue(), in_english, {char for char in found.missing if fonts.spelled(char, found.missing) in written}


def letters_of(figure: Figure) -> str:
    """Everything that is written in a figure, tick labels left out: they are digits."""
    from matplotlib.text import Text

    return "".join(text.get_text() for text in figure.findobj(Text))


def as_file(svg: bytes, label: str) -> bytes:
    """An SVG file that names what it shows and asks the browser for a font that has Chinese."""
    root = cleaned(svg)
    for text in root.iter(f"{{{SVG}}}text"):
        text.set("style", with_family(text.get("style", ""), SVG_FONTS))
    root.set("role", "img")
    title = ElementTree.Element(f"{{{SVG}}}title")
    title.text = on_one_line(label)
    root.insert(0, title)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + serialised(root).encode() + b"\n"


def as_part(svg: bytes) -> str:
    """SVG for the page: the page's font and colours, its own size taken from the page, hidden from screen readers.

    (The figure around it carries the words.)
    """
    root = cleaned(svg)
    for text in root.iter(f"{{{SVG}}}text"):
        text.set("style", with_family(text.get("style", ""), None))
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', serialised(root)))
    for element in root.iter():
        if element.get("id", "") not in used:  # a name of matplotlib's, the same in each picture
            element.attrib.pop("id", None)
        style = element.get("style")
        if style is not None:
            element.set("style", re.sub("#[0-9a-f]{6}", lambda found: ROLES.get(found[0], found[0]), style))
    markup = serialised(root)
    for namespace in (f' xmlns="{SVG}"', ' xmlns:xlink="http://www.w3.org/1999/xlink"'):
        markup = markup.replace(namespace, "", 1)  # HTML knows them
    return markup


def cleaned(svg: bytes) -> ElementTree.Element:
    """Matplotlib's SVG without document type, metadata and style sheet (which would rule the whole page)."""
    root = ElementTree.fromstring(svg)
    for name in ("metadata", "defs"):
        for element in list(root.findall(f"{{{SVG}}}{name}")):
            style = element.find(f"{{{SVG}}}style")
            if name == "metadata":
                root.remove(element)
            elif style is not None:
                element.remove(style)
                if not len(element):
                    root.remove(element)
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt")
    return root


def serialised(root: ElementTree.Element) -> str:
    """The element as text, under the prefixes that browsers know."""
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return ElementTree.tostring(root, encoding="unicode")


def with_family(style: str, family: str | None) -> str:
    """A text's style with another font family, or with the one around it (None)."""
    style = re.sub(r"font-family: [^;]*;?\s*", "", style)
    style = re.sub(r"font: (?:[\w.]+ )*?([\d.]+px) [^;]*", r"font-size: \1", style)  # matplotlib before 3.10
    return f"{style.rstrip('; ')}; font-family: {family}" if family else style.rstrip("; ")
