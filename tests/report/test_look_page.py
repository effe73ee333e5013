"""The page of a look, as a reader and a browser without network meet it; and its pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from textmill.messages import message, record_of
from textmill.report import render_look
from textmill.report.drawing import SVG, Pictures
from textmill.report.look_page import FILES_FOLDED, FILES_SHOWN, look_page
from textmill.report.look_pictures import draw
from textmill.report.words import Words
from textmill.results import (
    Against,
    Duplicates,
    FileLook,
    LanguageTokens,
    Leaks,
    LengthBin,
    Lengths,
    Look,
    Overlapping,
    Removed,
    Sampled,
    TokenCosts,
    TokenizerCost,
)

from .reading import read

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}\x00\x1b[31mred\u202eeman 红"
NOTE = message("no")  # a sentence that the catalogue has


def bare() -> Look:
    return Look(
        files=[],
        bytes=0,
        ledger={},
        languages={},
        duplicates=Duplicates(n_documents=0, exact=0, normalised=0),
        n_documents={},
    )


def full(name: str = "a.txt", text: str = "It was a dark night.", **more: Any) -> Look:
    """Something in every place that a look can fill, `name` and `text` where somebody else wrote them."""
    ledger = {"train": 900, "validation": 40, "test": 30, "markup": 20, f"other:{name}": 10}
    return Look(
        files=[FileLook(path=name, bytes=1000, encoding="gb18030", ledger=ledger, lines=[text] * 3, of_bytes=5000)],
        bytes=1000,
        ledger=ledger,
        languages={"zh": 0.25, "en": 0.75, "other": 0.0},
        duplicates=Duplicates(n_documents=77, exact=3, normalised=4, near=5, examples=[f"{name}:1 = {name}:2"]),
        n_documents={"train": 70, "validation": 4, "test": 3},
        document_languages={"en": 0.7, "zh-Hant": 0.3},
        lengths=Lengths(
            shortest=3,
            median=20,
            nine_in_ten=40,
            longest=60,
            bins=[LengthBin(least=2, most=4, n=7), LengthBin(least=5, most=99, n=70)],
        ),
        cleaning=[Removed(rule="boilerplate", n=2, bytes=10, examples=[f"{name}:3: {text}"])],
        against=Against(
            paths=[name],
            n_test_documents=20,
            n_found=12,
            share=0.6,
            found=[Overlapping(test=name, training=name, share=0.5, excerpt=text)],
        ),
        preview=[text, text, text],
        bad_records=[f"{name}:9: {text}"],
        notes=[f"Left out: {name}", str(NOTE)],
        messages=record_of([NOTE]),
        suggestion=f"textmill train {name}",
    ).model_copy(update=more)


SAMPLE = Sampled(
    asked="1kB",
    seed=7,
    n_files=123,
    bytes=45_000,
    n_files_read=1,
    bytes_read=1000,
    share=1 / 45,
    n_in_blocks=1,
    n_beginnings=2,
    dropped={"other:png": 4321},
)


def written(found: Look, lang: str = "en", name: str = "texts") -> str:
    return look_page(found, name, Pictures({}), Words(lang))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("found", [bare(), full(), full(sample=SAMPLE)], ids=["nothing", "all", "a sample"])
def test_the_page_is_well_formed_loads_nothing_runs_nothing_and_its_links_lead_somewhere(
    found: Look, lang: str
) -> None:
    words = Words(lang)
    pictures = draw(found, "texts", words) if found == full() and lang == "en" else Pictures({})
    html = look_page(found, "texts", pictures, words)

    page = read(html)
    assert not page.all("script", "link", "iframe", "img", "object", "embed", "form", "base")
    for element in page.elements:
        assert not [name for name in element.attributes if name.startswith("on") or name in ("src", "srcset", "action")]
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    targets = {element.attributes["href"].removeprefix("#") for element in page.all("a")}
    assert targets <= set(ids)
    assert not re.search(r"url\((?!#)|@import|https?:", html)
    assert "default-src 'none'" in html
    assert page.all("html")[0].attributes["lang"] == {"en": "en", "zh": "zh-Hans"}[lang]
    headings = "".join(element.text for element in page.all("h2", "caption", "figcaption", "summary"))
    assert lang == "en" or not re.search("[A-Za-z]{3,}", headings.replace("UTF-8", "").replace("--data.clean none", ""))


def test_the_page_shows_every_number_exactly() -> None:
    assert {"1000", "900", "77", "0.25", "0.7", "3", "4", "5", "70", "5000"} <= read(written(full())).values
    assert "12 of 20 documents (60.0 %)" in read(written(full())).text


def test_what_others_wrote_is_escaped_and_visible_wherever_it_stands() -> None:
    html = look_page(full(HOSTILE, HOSTILE), HOSTILE, Pictures({}), Words("en"))

    page = read(html)
    assert not page.all("script") and "<script" not in html
    assert not set(html) & set("\x00\x1b\u202e")
    assert page.text.count("<script>alert(1)</script>") >= 15
    assert page.text.count("\\u202eeman") >= 15
    assert "49" not in page.text.replace("{{7*7}}", "")


def test_pictures_keep_their_words_and_lose_what_acts() -> None:
    for lang, expected in (
        ("en", {"traditional Chinese", "English", "characters in a document"}),
        ("zh", {"繁体中文"}),
    ):
        drawn = draw(full(), HOSTILE, Words(lang)).drawn
        assert set(drawn) == {"lengths", "languages", "bytes"}
        texts = set()
        for picture in drawn.values():
            root = ElementTree.fromstring(picture.svg)
            texts |= {"".join(element.itertext()) for element in root.iter(f"{{{SVG}}}text")}
            assert "<script" not in picture.svg.decode() + picture.wide + picture.narrow
        assert expected <= texts


def test_a_sample_is_said_to_be_one_and_what_would_be_held_out_is_not() -> None:
    ledger = {"text": 970, "markup": 30}
    files = [FileLook(path="a.txt", bytes=1000, encoding="utf-8", ledger=ledger, of_bytes=5000)]
    found = full(sample=SAMPLE, files=files, ledger=ledger, n_documents={"text": 77})
    english, chinese = read(written(found)).text, read(written(found, "zh")).text

    assert "--sample 1kB, seed 7" in english and "1.0 kB of 45.0 kB" in english and "1 of 123 files" in english
    assert "123 files, 45.0 kB" in english and "4,321" in english and "validation text" not in english
    assert "at least 12 of 20 documents" in english
    assert "--sample 1kB，种子 7" in chinese and "读了其中 1 个" in chinese
    assert "all of it was looked at" in read(written(full())).text


def test_leaks_and_tokens_stand_on_the_page_where_they_were_asked_for() -> None:
    spent = LanguageTokens(tokens_per_character=0.3125, bytes_per_token=3.25, n_characters=9)
    costs = TokenCosts(
        tokenizers=[
            TokenizerCost(kind="bpe", vocab_size=1234, chosen=True, total=spent, languages={"zh": spent}),
            TokenizerCost(kind="bpe", vocab_size=77, chosen=False, run=HOSTILE, total=spent, languages={"zh": spent}),
        ],
        n_bytes=9,
        of_bytes=9,
        notes=[HOSTILE],
    )
    leaks = Leaks(
        by="document",
        naive=1.5,
        grouped=2.0,
        difference=0.5,
        interval=(0.4, 0.6),
        n_bytes=9,
        of_bytes=9,
        verdict="Beware.",
    )
    asked = read(written(full(leaks=leaks, tokens=costs)))
    text = " ".join(asked.text.split())
    for said in (
        "naive split",
        "1.500",
        "0.400 to 0.600",
        "Beware.",
        "bpe (training's choice)",
        "1,234",
        "0.312 / 3.250",
    ):
        assert said in text
    assert not asked.all("script")
    anchors = {element.attributes["href"] for element in asked.all("a")}
    assert {"#leaks", "#tokens"} <= anchors
    chinese = read(written(full(leaks=leaks, tokens=costs), "zh")).text
    assert "随便一分" in chinese and "每字符词元数" in chinese
    unasked = read(written(full()))
    assert not {"#leaks", "#tokens"} & {element.attributes["href"] for element in unasked.all("a")}
    nothing = leaks.model_copy(update={"naive": None, "grouped": None, "verdict": "Too little."})
    assert "Too little." in read(written(full(leaks=nothing))).text


def test_notes_are_told_in_the_language_of_the_page_where_they_can_be() -> None:
    text = read(written(full(), "zh")).text
    assert "Left out: a.txt" in text
    assert [li.text for li in read(written(full(), "zh")).all("li") if li.text == "否"]


def test_long_lists_are_folded_and_what_is_left_out_is_counted() -> None:
    files = [FileLook(path=f"f{n}.txt", bytes=n, encoding="utf-8", ledger={"train": n}) for n in range(1, 1001)]
    html = written(full(files=files, notes=[f"Note {n}." for n in range(40)]))

    page = read(html)
    paths = [element.text for element in page.all("th") if element.attributes.get("class") == "path"]
    listed = [path for path in paths if path.startswith("f")]
    assert listed[0] == "f1000.txt" and len(listed) == FILES_SHOWN + FILES_FOLDED
    assert f"{1000 - len(listed)} smaller files are not listed here" in page.text
    assert "28 more notes" in page.text and "Note 39." in page.text


def test_render_look_writes_one_page_and_its_pictures_the_same_bytes_twice(tmp_path: Path) -> None:
    found, notes = render_look(full(), "texts", tmp_path / "new" / "one", "en")
    again, _ = render_look(full(), "texts", tmp_path / "two", "en")

    names = sorted(str(path.relative_to(tmp_path / "two")) for path in (tmp_path / "two").rglob("*.*"))
    plots = [f"plots/{name}.{ending}" for name in ("bytes", "languages", "lengths") for ending in ("png", "svg")]
    assert names == ["look.html", *plots] and notes == []
    assert found.page == str(tmp_path / "new" / "one" / "look.html") and len(found.plots) == 6
    for name in names:
        assert (tmp_path / "new" / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert again.model_copy(update={"page": None, "plots": []}) == full()
