"""Pictures: text stays text, the same report gives the same bytes, and no box is ever drawn in silence."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.image import imread

from textmill.report import fonts
from textmill.report.drawing import SVG, Pictures, fitted
from textmill.report.pictures import draw, floor_rows, loss_limits
from textmill.report.words import Words
from textmill.results import Report

from .conftest import bare


def texts(svg: bytes) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{{{SVG}}}text")]


@pytest.fixture
def no_other_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has only what comes with matplotlib."""
    ours = [font for font in font_manager.fontManager.ttflist if "mpl-data" in str(font.fname)]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", ours)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda *_, **__: [])
    font_manager.fontManager._findfont_cached.cache_clear()


@pytest.fixture
def font_with(no_other_fonts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Write characters into the list: a font "Tiny Han" that has just those is found on the machine."""
    chars: list[str] = []

    def installed(*_: object, **__: object) -> list[str]:
        pen = TTGlyphPen(None)
        pen.moveTo((0, 0))
        pen.lineTo((0, 800))
        pen.lineTo((800, 800))
        pen.closePath()
        builder = FontBuilder(1000, isTTF=True)
        names = {ord(char): f"uni{ord(char):04X}" for char in "".join(chars)}
        order = [".notdef", *names.values()]
        builder.setupGlyphOrder(order)
        builder.setupCharacterMap(names)
        builder.setupGlyf({name: pen.glyph() for name in order})
        builder.setupHorizontalMetrics(dict.fromkeys(order, (1000, 0)))
        builder.setupHorizontalHeader(ascent=800, descent=-200)
        builder.setupNameTable({"familyName": "Tiny Han", "styleName": "Regular"})
        builder.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
        builder.setupPost()
        builder.save(tmp_path / "tiny.ttf")
        return [str(tmp_path / "tiny.ttf")]

    monkeypatch.setattr(font_manager, "findSystemFonts", installed)
    yield chars
    font_manager.fontManager._findfont_cached.cache_clear()


def test_the_same_report_gives_the_same_bytes(english: Report) -> None:
    assert draw(english, Words("en")) == draw(english, Words("en"))


def test_a_reader_of_the_svg_meets_words_not_outlines(english: Report) -> None:
    pictures = draw(english, Words("en")).drawn

    assert set(pictures) == {"loss", "floors", "ledger"}
    assert "loss, nats per token" in texts(pictures["loss"].svg) and "training" in texts(pictures["loss"].svg)
    assert {"this model", "2.009", "n-gram over bytes", "2.332", "3.321"} <= set(texts(pictures["floors"].svg))
    assert "training text  2.4 MB · 97.4 %" in texts(pictures["ledger"].svg)
    for picture in pictures.values():
        assert b"2026" not in picture.svg and b"matplotlib.org" not in picture.svg  # no date, no maker
        assert ElementTree.fromstring(picture.svg)[0].text == picture.label
        assert imread(io.BytesIO(picture.png)).shape[1] == 1536


def test_pictures_of_the_page_take_its_colours_and_its_font(english: Report) -> None:
    for picture in draw(english, Words("en")).drawn.values():
        for markup in (picture.wide, picture.narrow):
            assert "var(--model)" in markup or "var(--kept-train)" in markup
            assert "font-family" not in markup and "xmlns" not in markup and "<style" not in markup
            assert "#1f1e1c" not in markup  # ink that would vanish on a dark page


def test_chinese_labels_and_names_stand_in_the_svg(chinese: Report) -> None:
    pictures = draw(chinese, Words("zh")).drawn

    assert "每字节比特数与基线 · runs/红楼梦" in texts(pictures["floors"].svg)
    assert any(text.startswith("其他：目录与页眉") for text in texts(pictures["ledger"].svg))
    assert b"Noto Sans CJK SC" in pictures["floors"].svg


@pytest.mark.usefixtures("no_other_fonts")
def test_without_a_chinese_font_the_png_says_so_and_spells_names_out(chinese: Report) -> None:
    found = draw(chinese, Words("zh"))

    assert any("PNG 图片用英文标注" in note for note in found.notes)
    assert any("U+7EA2" in note and "U+697C" in note for note in found.notes)
    in_english = draw(chinese, Words("en"))
    assert in_english.drawn["floors"].png == found.drawn["floors"].png
    assert not any("labelled in English" in note for note in in_english.notes)


def test_with_a_chinese_font_the_png_is_drawn_with_it_and_there_is_nothing_to_say(
    chinese: Report, font_with: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    font_with.append("红楼梦目录与页眉")
    with_font = draw(chinese, Words("en"))

    monkeypatch.setattr(fonts, "find", lambda _: fonts.Found((fonts.BASE,), frozenset("红楼梦目录与页眉")))
    without = draw(chinese, Words("en"))

    assert with_font.notes == [] and len(without.notes) == 1
    assert with_font.drawn["floors"].png != without.drawn["floors"].png
    assert with_font.drawn["floors"].svg == without.drawn["floors"].svg


def test_a_font_that_has_only_some_of_the_characters_leaves_the_others_named(font_with: list[str]) -> None:
    font_with.append("红楼")

    assert fonts.find("红楼梦 abc") == fonts.Found((fonts.BASE, "Tiny Han"), frozenset("梦"))


@pytest.mark.usefixtures("no_other_fonts")
def test_a_font_of_boxes_is_not_taken_for_one_that_draws() -> None:
    """Matplotlib ships Last Resort, which has a box for every code point there is."""
    assert fonts.find("红\U00020000").missing == frozenset("红\U00020000")
    assert fonts.find("plain, ä, Ω, –").families == (fonts.BASE,)


def test_names_that_act_are_harmless_in_pictures() -> None:
    """A dollar is no formula, a control character no end of the file, a long name no text beyond the edge."""
    report = bare(
        run="runs/$\\frac{<b>&\x00\x1b\u202e" + "x" * 500,
        ledger={"train": 5, "other:$a_b$ </text><script>": 3, "other:" + "y" * 300: 2},
        curve=[{"step": 1, "train_loss": 3.0}],
    )

    found = draw(report, Words("en"))

    for picture in found.drawn.values():
        shown = texts(picture.svg)
        assert not any(set(text) & set("\x00\x1b\u202e") for text in shown)
        assert "\\x00\\x1b\\u202e" in "".join(shown) or "$" in "".join(shown)
        assert all(len(text) < 120 for text in shown)
        assert "<script" not in picture.wide + picture.narrow


def test_a_title_that_does_not_fit_loses_its_middle_visibly() -> None:
    assert fitted("short", 700, 16) == "short"
    cut = fitted("红" * 200, 700, 16)
    assert " … " in cut and len(cut) * 16 <= 700


def test_what_is_no_number_is_not_drawn() -> None:
    report = bare(curve=[{"step": n, "train_loss": loss} for n, loss in enumerate((math.nan, math.inf, -math.inf))])

    assert draw(report, Words("en")) == Pictures({})
    gap = bare(curve=[{"step": 1, "train_loss": 2.0}, {"step": 2, "train_loss": math.nan}])
    assert list(draw(gap, Words("en")).drawn) == ["loss"]


def test_bars_stand_best_first(english: Report) -> None:
    assert [name for name, _ in floor_rows(english)] == ["model", "ngram", "ngram_bytes", "uniform"]


def test_there_is_room_below_the_lowest_line() -> None:
    """A floor below the curve lay on the axis."""
    for losses, floors in (([5.5, 1.7], [0.322]), ([5.0, 3.9], [3.8]), ([5.0, 0.01], [])):
        bottom, top = loss_limits(losses, floors)
        assert bottom <= min(losses + floors) - 0.03 * (max(losses) - min(losses + floors)) < max(losses) < top
    assert loss_limits([5.5, 1.7], [0.322])[0] == 0.0
    for alone in (2.0, 0.0):
        bottom, top = loss_limits([alone], [])
        assert bottom < alone < top
    assert loss_limits([3.0], [80.0])[1] < 4


def test_a_floor_far_above_the_curve_is_named_and_does_not_press_it_flat(english: Report) -> None:
    assert english.evaluation is not None
    evaluation = english.evaluation.model_copy(update={"baselines": {"uniform": {"loss": 80.0, "bpb": 9.0}}})

    svg = draw(english.model_copy(update={"evaluation": evaluation}), Words("en")).drawn["loss"].svg

    assert "uniform guessing 80.000 ↑" in texts(svg)
    assert not any(text in ("20", "40", "80") for text in texts(svg)) and any(
        text.startswith("7") for text in texts(svg)
    )
