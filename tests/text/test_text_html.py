"""Web pages: what a reader of the page sees is text, every other byte is markup, and no page is too odd to read."""

import os
import time
from html.entities import html5
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.text.documents import EMPTY, Dropped, Found
from textmill.text.files import TextFile, examine
from textmill.text.html import page_text, read_html

Item = Found | Dropped


def read(path: Path, raw: bytes) -> tuple[list[Item], list[str]]:
    path.write_bytes(raw)
    notes: list[str] = []
    file = examine(TextFile(path, path.name, "html"), False, [])
    return list(read_html(file, DataConfig(), notes.append)), notes


def shown(page: str) -> str:
    return page_text([page], lambda _: None)


def size(item: Item) -> int:
    return item.n_bytes + (item.markup + item.unused_column if isinstance(item, Found) else 0)


PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>The tab's name</title>
<style>p > a { color: red }</style><script>if (1 < 2) document.write("<p>never</p>")</script></head>
<body><!-- a note <p>never</p> -->
<h1>A &amp; B</h1>
<p>One   line
of <b>bold</b> text.<p>Two<br>lines.</p>
<pre>
  kept   blanks
    here
</pre>
<ul><li>first<li>second</ul>
<table><tr><th>name</th><th>age</th></tr><tr><td>Ann</td><td>7</td></tr><tr><td></td><td>8</td></tr></table>
<div>last</div></body></html>
"""


def test_a_page_is_the_text_that_a_browser_shows(tmp_path: Path) -> None:
    items, notes = read(tmp_path / "a.html", PAGE.encode())
    text = (
        "A & B\n\nOne line of bold text.\n\nTwo\nlines.\n\n  kept   blanks\n    here\n"
        "first\nsecond\nname\tage\nAnn\t7\n\t8\nlast"
    )
    assert [(item.document.text, item.document.source) for item in items if isinstance(item, Found)] == [
        (text, "a.html:1")
    ]
    assert [size(item) for item in items] == [len(PAGE.encode())]
    assert items[0].n_bytes == len(text)
    assert notes == []


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("中文\n段落", "中文段落"),  # wrapped in the source: no blank
        ("中文。\r\n  </b>段落", "中文。段落"),
        ("中文 段落", "中文 段落"),  # a blank without a line break was meant
        ("中文\nEnglish\n中文", "中文 English 中文"),
        ("한국\n한국", "한국 한국"),  # Hangul parts words by blanks
        ("かな<b>\n</b>カナ", "かなカナ"),
        ("a\nb", "a b"),
    ],
)
def test_a_line_break_between_wide_characters_is_no_blank(page: str, text: str) -> None:
    assert shown(page) == text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("a < b <3 <", "a < b <3 <"),
        ("1</>2</ x>3", "123"),
        ("a<!-->b<!--->c<!-- > -- --!>d", "abcd"),
        ("&lt;p&gt; &#20013;&#x6587; &notit; &nosuch; &", "<p> 中文 ¬it; &nosuch; &"),
        ("a&nbsp; &nbsp;b", "a\u00a0 \u00a0b"),
        ("&#0;&#xD800;&#x110000;", "\ufffd\ufffd\ufffd"),
        ("&#" + "9" * 5000 + ";x", "\ufffd" + "9" * 4940 + ";x"),
        ("<a title='x>y' b=\"</a>\" c=d>z</a>", "z"),
        ("<a href=x?a='b>z", "z"),  # a quote inside a value without quotes is a character
        ("<SCRIPT>a</scripty></ScRipt >b", "b"),
        ("<script>a</script", ""),
        ("a<template>b<template>c</template>d</template>e", "ae"),
        ("x\0y", "xy"),
        ("<pre>\n\n a\0\n</pre>b", " a\nb"),
        ("<td><p>a</p></td><td><p>b</p></td><td></td>", "a\tb"),
        ("<p></p><br><br>a<br><br><br>b<br></p>c", "a\n\n\nb\n\nc"),
        ("<![CDATA[a]]>b", "b"),
        ("<title/>all", ""),  # HTML knows no empty title: it swallows the page
        ('<?xml version="1.0"?><title/><p/>all <![CDATA[&amp; <b>]]>', "all &amp; <b>"),
        ("<ruby>漢<rp>(<rt>kan<rp>)</ruby>", "漢(kan)"),
    ],
)
def test_odd_markup_is_read_as_the_standard_says(page: str, text: str) -> None:
    assert shown(page) == text


@pytest.mark.parametrize("page", ["", " \n", "<p>&nbsp;</p>", "<title>x</title><img src=a.png>"])
def test_a_page_without_text_is_an_empty_record(page: str, tmp_path: Path) -> None:
    items, _ = read(tmp_path / "a.html", page.encode())
    assert items == [Dropped(EMPTY, len(page), "a.html:1")]


@pytest.mark.parametrize(
    ("opening", "named"),
    [("<script>", "<script>"), ("<!--", "a comment"), ("<template>", "<template>"), ("<a title='", "a tag")],
)
def test_what_swallows_the_rest_of_a_page_is_named(opening: str, named: str, tmp_path: Path) -> None:
    items, notes = read(tmp_path / "a.html", f"one{opening}two".encode())
    assert [item.document.text for item in items if isinstance(item, Found)] == ["one"]
    assert notes[0].startswith(f"a.html: {named}") and "never closed" in notes[0]


def test_a_byte_order_mark_is_no_byte_of_the_page(tmp_path: Path) -> None:
    items, _ = read(tmp_path / "a.html", b"\xef\xbb\xbf<p>one</p>")  # reading counts the mark
    assert [(item.n_bytes, size(item)) for item in items] == [(3, 10)]


SOUP = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<pre>",
                "</pre>",
                "<br>",
                "<tr>",
                "<td>",
                "</tr>",
                "<table>",
                "<script>",
                "</script>",
                "<!--",
                "-->",
                "<![CDATA[",
                "]]>",
                "<title>",
                "<a",
                "href='",
                '"',
                ">",
                "<",
                "/",
                "=",
                "&",
                ";",
                "&#x",
                "&#0",
                "&amp;",
                "&nGt;",
                "&nLt",
                "&ampx;",
                "<template>",
                "</template>",
                "<!DOCTYPE",
                "<?xml",
                "\x00",
                "\r",
                "\r\n",
                "\n",
                "\t",
                "\x0c",
                "中",
                "文",
                "한",
                "e",
                "\xa0",
                "\u200b",
                "<div/>",
                "<q/",
            ]
        ),
        st.sampled_from(sorted(html5)).map("&{}".format),
        st.sampled_from([" ", "\n", "  \n ", '<html xmlns="http://www.w3.org/1999/xhtml">']),
        st.text(max_size=3),
    ),
    max_size=30,
).map("".join)


@settings(max_examples=60)
@given(soup=SOUP, cut=st.integers(1, 5))
def test_how_a_page_is_cut_into_pieces_makes_no_difference(soup: str, cut: int) -> None:
    soup = soup.replace("\r\n", "\n").replace("\r", "\n")
    page = "x" * 4090 + soup  # behind the beginning that is looked at as a whole
    pieces = [page[i : i + cut] for i in range(0, len(page), cut)]
    assert page_text(pieces, lambda _: None) == shown(page)
    assert page_text([soup[i : i + cut] for i in range(0, len(soup), cut)], lambda _: None) == shown(soup)


@settings(max_examples=60)
@given(soup=SOUP)
def test_text_and_markup_are_the_file_and_the_text_is_never_larger(
    soup: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = soup.encode("utf-8", "ignore").removeprefix(b"\xef\xbb\xbf")
    path = tmp_path_factory.getbasetemp() / f"soup-{os.getpid()}.html"
    path.write_bytes(raw)
    file = TextFile(path, path.name, "html", stamp=(path.stat().st_size, path.stat().st_mtime_ns))
    (item,) = read_html(file, DataConfig(), lambda _: None)
    assert size(item) == len(raw)
    if isinstance(item, Found):
        assert item.markup >= 0
        n_bytes = len(item.document.text.encode())
        n_short = raw.count(b"&nGt;") + raw.count(b"&nLt;")
        assert item.n_bytes == min(n_bytes, len(raw)) and n_bytes <= len(raw) + n_short


@given(text=st.text(st.characters(exclude_characters="<&\0\r", exclude_categories=["Cs"]), min_size=1))
def test_text_inside_pre_comes_back_but_for_line_breaks_at_its_ends(text: str) -> None:
    assert shown(f"<pre>{text}</pre>") == text.strip("\n")


@pytest.mark.parametrize(
    "unit",
    ["<!--", "<![CDATA[", "<", "</", "<a ", "<a b='", "<p>", "</p>", "<template>", "<script>", "&", "&#", "&#x0", "\0"]
    + ["<td>", "<pre>", " ", "\n", "<a\n", "<br>", "中\n", "</script", "<script></script>", "<!", "--!", "]]>"],
)
def test_a_hostile_page_takes_time_in_proportion_to_its_size(unit: str) -> None:
    def seconds(n_units: int) -> float:
        page = unit * n_units
        start = time.process_time()
        page_text((page[i : i + 4096] for i in range(0, len(page), 4096)), lambda _: None)
        return time.process_time() - start

    # Ten times the page: a quadratic reader takes a hundred times as long. Fivefold slack, and a floor for the clock.
    assert seconds(20_000) <= 50 * max(seconds(2_000), 0.002)
