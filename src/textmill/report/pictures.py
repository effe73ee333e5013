"""The three pictures of a report: loss by step, bits per byte beside the floors, where the bytes went. Room: report/.

Drawn with matplotlib's objects (no pyplot, no figure that outlives its call), each in four forms: a file for
elsewhere (SVG with text as text, PNG) with a title, and two for the page, wide and narrow, whose colours are the
page's own and follow its dark scheme. The same report gives the same bytes.
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

from textmill.report import fonts, numbers
from textmill.report.showing import on_one_line
from textmill.report.words import N_, Words, category_name, floor_name, floor_order, ledger_order
from textmill.results import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS_PER_INCH = 72
PNG_DPI = 144
WIDE, NARROW = 768, 340
FONT_SIZE, TITLE_SIZE = 13, 16
NAMES = ("loss", "floors", "ledger")

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
FAR_ABOVE = 1.3  # a floor higher than so many times the curve's highest point is named, not drawn to scale
DASHES = {"uniform": (0, (1.2, 2.4)), "ngram": (0, (5.5, 2.5)), "ngram_bytes": (0, (7, 2, 1.2, 2))}
KEPT = ("train", "validation", "test")
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
    """Those that the report has numbers for, by name, and what had to be done about fonts, as sentences."""

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


def draw(report: Report, words: Words) -> Pictures:
    """Every picture that the report has numbers for."""
    drawings: dict[str, tuple[Callable[[Report, Pen], Figure], str]] = {}
    if loss_series(report):
        drawings["loss"] = (draw_loss, describe_loss(report, words))
    if floor_rows(report):
        drawings["floors"] = (draw_floors, describe_floors(report, words))
    if ledger_rows(report):
        drawings["ledger"] = (draw_ledger, describe_ledger(report, words))

    drawn: dict[str, Picture] = {}
    spelled_out: set[str] = set()
    in_english = False
    for name, (figure_of, label) in drawings.items():
        with steady(salt=name):
            svg = to_svg(figure_of(report, Pen(WIDE, words, TITLES[name])))
        with steady(salt=f"{name}-wide"):
            wide = to_svg(figure_of(report, Pen(WIDE, words)))
        with steady(salt=f"{name}-narrow"):
            narrow = to_svg(figure_of(report, Pen(NARROW, words)))
        png, english, missing = to_png(report, figure_of, name, words)
        in_english = in_english or english
        spelled_out |= missing
        drawn[name] = Picture(name, label, as_file(svg, label), png, as_part(wide), as_part(narrow))
    return Pictures(drawn, font_notes(in_english, spelled_out, words))


TITLES = {
    "loss": N_("Loss by step"),
    "floors": N_("Bits per byte beside the floors"),
    "ledger": N_("Where the bytes went"),
}


def font_notes(in_english: bool, spelled_out: set[str], words: Words) -> list[str]:
    """What the reader of the PNG files must know about their letters."""
    notes = []
    if in_english:
        notes.append(
            words(
                "The PNG pictures are labelled in English: no font on this machine draws the Chinese labels. "
                "Install one (Noto Sans CJK, for example) and run textmill report again. SVG pictures are not affected."
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


# loss by step


def loss_series(report: Report) -> dict[str, list[tuple[float, float]]]:
    """train and validation as (step, nats per token), where the value is a finite number; {} if there is none."""
    series = {}
    for name in ("train_loss", "valid_loss"):
        points = [(point["step"], point[name]) for point in report.curve if math.isfinite(point.get(name, math.nan))]
        if points:
            series[name] = points
    return series


def loss_floors(report: Report) -> dict[str, float]:
    """Floors that are counted in the curve's unit: nats per token of the model, so not the one over bytes."""
    baselines = report.evaluation.baselines if report.evaluation else {}
    return {
        name: baselines[name]["loss"]
        for name in floor_order(baselines)
        if name != "ngram_bytes" and math.isfinite(baselines[name].get("loss", math.nan))
    }


def describe_loss(report: Report, words: Words) -> str:
    said = []
    for name, points in loss_series(report).items():
        (first_step, first), (last_step, last) = points[0], points[-1]
        said.append(
            words(
                "%(name)s: %(first)s at step %(first_step)s, %(last)s at step %(last_step)s",
                name=words(CURVES[name]),
                first=numbers.measure(first),
                first_step=numbers.count(first_step),
                last=numbers.measure(last),
                last_step=numbers.count(last_step),
            )
        )
    said += [f"{floor_name(name, words)}: {numbers.measure(loss)}" for name, loss in loss_floors(report).items()]
    return words("Line picture of the loss in nats per token by step.") + words.space + words.semicolon.join(said)


CURVES = {"train_loss": N_("training"), "valid_loss": N_("validation")}


def draw_loss(report: Report, pen: Pen) -> Figure:
    series, floors, words = loss_series(report), loss_floors(report), pen.words
    figure, axes = paper(
        report, pen, height=340 if pen.narrow else 350, left=40, bottom=46, top=84 if pen.narrow else 58
    )
    for name, points in series.items():
        validation = name == "valid_loss"
        few = len(points) <= 40
        axes.plot(
            [step for step, _ in points],
            [loss for _, loss in points],
            color=COLOURS["model"] if validation else COLOURS["train"],
            linewidth=2.2 if validation else 1.3,
            marker="o" if (few and validation) or len(points) == 1 else None,
            markersize=4,
            zorder=3 if validation else 2,
            label=words(CURVES[name]),
        )
    highest = max(loss for points in series.values() for _, loss in points)
    for name, loss in floors.items():
        colour = COLOURS["uniform"] if name == "uniform" else COLOURS["floor"]
        label = fitted(floor_name(name, words, pen.foreign), pen.width / 2, FONT_SIZE) + f" {numbers.measure(loss)}"
        if loss > FAR_ABOVE * highest:  # it would press the curve flat: named, not drawn to scale
            axes.plot([], [], color=colour, linestyle=DASHES.get(name, "--"), label=f"{label} ↑")
        else:
            axes.axhline(loss, color=colour, linestyle=DASHES.get(name, "--"), linewidth=1.6, label=label)
    axes.set_ylim(*loss_limits([loss for points in series.values() for _, loss in points], list(floors.values())))
    axes.set_xlim(0, max(step for points in series.values() for step, _ in points) * 1.02 or 1)
    axes.set_xlabel(words("step"), color=COLOURS["muted"], loc="right")
    axes.grid(axis="y", color=COLOURS["rule"], linewidth=0.8)
    axes.spines["bottom"].set_color(COLOURS["muted"])
    axes.xaxis.set_major_locator(whole_numbers(5 if pen.narrow else 8))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    write_above(figure, axes, pen, words("loss, nats per token"))
    return figure


def loss_limits(losses: list[float], floors: list[float]) -> tuple[float, float]:
    """Ends of the loss axis: from 0 where that is near, else with room below the lowest line, be it a floor."""
    lines = losses + [floor for floor in floors if floor <= FAR_ABOVE * max(losses)]
    lowest, highest = min(lines), max(lines)
    room = 0.08 * ((highest - lowest) or abs(highest) or 1.0)
    return (0.0 if room / 2 <= lowest < highest / 3 else lowest - room), highest + room / 2


def whole_numbers(at_most: int) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=at_most, integer=True, steps=[1, 2, 2.5, 5, 10])


def write_above(figure: Figure, axes: Axes, pen: Pen, unit: str) -> None:
    """The legend above the axes, and the unit of the upright axis at its head: words stand level."""
    _, height = size_of(figure)
    columns = 2 if pen.narrow else 4
    lines = math.ceil(len(axes.get_legend_handles_labels()[0]) / columns)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(4 / pen.width, axes.get_position().y1 + 4 / height),
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
    above = axes.get_position().y1 * height + 10 + 19 * lines
    figure.text(4 / pen.width, above / height, unit, color=COLOURS["muted"])


# bits per byte beside the floors


def floor_rows(report: Report) -> list[tuple[str, float]]:
    """(name, bits per byte), best first; "model" is the model. [] where the model was not measured in bits per byte."""
    evaluation = report.evaluation
    if evaluation is None or not math.isfinite(evaluation.metrics.get("bpb", math.nan)):
        return []
    rows = [("model", evaluation.metrics["bpb"])]
    rows += [
        (name, values["bpb"])
        for name, values in evaluation.baselines.items()
        if math.isfinite(values.get("bpb", math.nan))
    ]
    return sorted(rows, key=lambda row: (row[1], row[0] != "model", row[0]))


def interval_of(report: Report, name: str) -> tuple[float, float] | None:
    """The interval of a metric of the model, if both of its ends are numbers."""
    ends = report.evaluation.intervals.get(name) if report.evaluation else None
    return ends if ends and all(math.isfinite(end) for end in ends) else None


def describe_floors(report: Report, words: Words) -> str:
    rows = [f"{floor_name(name, words)}: {numbers.measure(bpb)}" for name, bpb in floor_rows(report)]
    interval = interval_of(report, "bpb")
    if interval:
        low, high = (numbers.measure(end) for end in interval)
        rows.append(words("interval of this model: %(low)s to %(high)s", low=low, high=high))
    return words("Bar picture of bits per byte, lower is better.") + words.space + words.semicolon.join(rows)


def draw_floors(report: Report, pen: Pen) -> Figure:
    rows, words = floor_rows(report), pen.words
    step = 48
    figure, axes = paper(report, pen, height=step * len(rows) + 26, left=4, bottom=26, top=0)
    longest = max([bpb for _, bpb in rows] + list(interval_of(report, "bpb") or []))
    axes.set_xlim(0, (longest or 1.0) * (1.24 if pen.narrow else 1.12))
    axes.set_ylim(step * len(rows), 0)
    for place, (name, bpb) in enumerate(rows):
        middle = place * step + 33
        is_model = name == "model"
        colour = {"model": "model", "uniform": "uniform", "ngram_bytes": "floor-bytes"}.get(name, "floor")
        axes.barh(middle, bpb, height=16, color=COLOURS[colour])
        axes.text(
            0,
            middle - 14,
            fitted(floor_name(name, words, pen.foreign), pen.width - 8, FONT_SIZE),
            color=COLOURS["ink"],
            weight="bold" if is_model else "normal",
        )
        end = bpb
        interval = interval_of(report, "bpb") if is_model else None
        if interval:
            low, high = interval
            axes.plot([low, high], [middle, middle], color=COLOURS["ink"], linewidth=1.4, solid_capstyle="butt")
            for edge in interval:
                axes.plot([edge, edge], [middle - 5, middle + 5], color=COLOURS["ink"], linewidth=1.4)
            end = max(bpb, high)
        axes.annotate(
            numbers.measure(bpb),
            (end, middle),
            xytext=(7, 0),
            textcoords="offset points",
            va="center_baseline",
            color=COLOURS["ink"],
            weight="bold" if is_model else "normal",
        )
    axes.set_axis_off()
    figure.text(4 / pen.width, 8 / size_of(figure)[1], words("bits per byte, lower is better"), color=COLOURS["muted"])
    return figure


# where the bytes went


def ledger_rows(report: Report) -> list[tuple[str, int]]:
    """(category, bytes) in the house's order: kept parts, then named reasons; those without a byte left out."""
    return [(name, report.ledger[name]) for name in ledger_order(report.ledger) if report.ledger[name] > 0]


def ledger_colours(report: Report) -> dict[str, str]:
    """category -> role of the palette."""
    roles, lost = {}, 0
    for name, _ in ledger_rows(report):
        if name in KEPT:
            roles[name] = f"kept-{name}"
        else:
            roles[name] = f"lost-{lost % 5 + 1}"
            lost += 1
    return roles


def describe_ledger(report: Report, words: Words) -> str:
    rows = [f"{category_name(name, words)}: {numbers.count(size)}" for name, size in ledger_rows(report)]
    return words("One bar of all input bytes by what became of them.") + words.space + words.semicolon.join(rows)


def draw_ledger(report: Report, pen: Pen) -> Figure:
    rows, roles, words = ledger_rows(report), ledger_colours(report), pen.words
    columns = 1 if pen.narrow else 2
    lines = math.ceil(len(rows) / columns)
    height = 34 + 24 * lines + 8
    figure, axes = paper(report, pen, height=height, left=4, bottom=0, top=0)
    across = pen.width - 8
    axes.set_xlim(0, across)
    axes.set_ylim(height, 0)
    total = sum(size for _, size in rows)
    start = 0.0
    for place, (name, size) in enumerate(rows):
        colour = COLOURS[roles[name]]
        length = across * size / total
        gap = 1.5 if length > 6 and place + 1 < len(rows) else 0.0
        axes.barh(11, length - gap, left=start, height=22, color=colour)
        start += length
        column, line = divmod(place, lines)
        x, y = column * across / columns, 50 + 24 * line
        axes.barh(y - 4.5, 11, left=x, height=11, color=colour)
        label = fitted(category_name(name, words, pen.foreign), across / columns - 150, FONT_SIZE)
        axes.text(x + 19, y, f"{label}  {numbers.size(size)} · {numbers.share(size / total)}", color=COLOURS["ink"])
    axes.set_axis_off()
    return figure


# paper, ink and files


def paper(report: Report, pen: Pen, height: int, left: int, bottom: int, top: int) -> tuple[Figure, Axes]:
    """A figure with one pair of axes inside these margins (points); with a title, it grows upwards by its line."""
    from matplotlib.figure import Figure

    from_title = 38 if pen.title else 0
    whole = height + from_title
    figure = Figure(figsize=(pen.width / POINTS_PER_INCH, whole / POINTS_PER_INCH))
    if pen.title:
        figure.patch.set_facecolor("#ffffff")
        title = fitted(f"{pen.words(pen.title)} · {pen.foreign(report.run)}", pen.width - 8, TITLE_SIZE)
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


def to_png(
    report: Report, figure_of: Callable[[Report, Pen], Figure], name: str, words: Words
) -> tuple[bytes, bool, set[str]]:
    """The picture as PNG; whether English stands in for the language asked for; characters written as code points."""
    with steady(salt=name):
        labels = letters_of(figure_of(report, Pen(WIDE, words, TITLES[name], foreign=lambda text: "")))
        found = fonts.find(labels + letters_of(figure_of(report, Pen(WIDE, words, TITLES[name]))))
    in_english = not found.missing.isdisjoint(labels)
    pen = Pen(
        WIDE,
        Words("en") if in_english else words,
        TITLES[name],
        foreign=lambda text: fonts.spelled(on_one_line(text), found.missing),
    )
    with steady(salt=name, families=found.families):
        figure = figure_of(report, pen)
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
