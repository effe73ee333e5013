"""The page as a reader, a screen reader and a browser without network meet it."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textmill.report
from textmill.messages import message, paragraph, record_of
from textmill.report import numbers
from textmill.report.drawing import COLOURS, Pictures
from textmill.report.page import page
from textmill.report.pictures import draw
from textmill.report.words import Words
from textmill.results import Evaluation, FileLook, Report

from .conftest import bare
from .reading import Page, read

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}{% raw %}\x00\x1b[31mred\u202eeman\u2066\ufeff\r\n$x$ --> ]]> 红😀"


def drawn(report: Report, lang: str = "en") -> Page:
    words = Words(lang)
    return read(page(report, draw(report, words), words))


def written(report: Report, lang: str = "en") -> str:
    """The page without pictures, which take a second."""
    return page(report, Pictures({}), Words(lang))


@pytest.fixture(params=["english", "chinese", "stopped"])
def report(request: pytest.FixtureRequest) -> Report:
    found: Report = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_is_well_formed_loads_nothing_and_runs_nothing(report: Report, lang: str) -> None:
    html = page(report, draw(report, Words(lang)), Words(lang))

    found = read(html)
    assert not found.all("script", "link", "iframe", "img", "object", "embed", "form", "base")
    for element in found.elements:
        assert not [name for name in element.attributes if name.startswith("on") or name in ("src", "srcset", "action")]
        for name in ("href", "xlink:href"):
            assert element.attributes.get(name, "#").startswith("#")
    assert not re.search(r"url\((?!#)|@import|https?:", html)
    assert "default-src 'none'" in html


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_link_has_a_target_and_no_id_stands_twice(report: Report, lang: str) -> None:
    found = drawn(report, lang)

    ids = [element.attributes["id"] for element in found.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    links = {e.attributes[name][1:] for e in found.elements for name in ("href", "xlink:href") if name in e.attributes}
    clips = {match for e in found.elements for match in re.findall(r"url\(#(.*?)\)", e.attributes.get("clip-path", ""))}
    labels = {e.attributes["aria-labelledby"] for e in found.elements if "aria-labelledby" in e.attributes}
    assert links | clips | labels <= set(ids)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_screen_reader_finds_its_way(report: Report, lang: str) -> None:
    found = drawn(report, lang)

    assert found.all("html")[0].attributes["lang"] == {"en": "en", "zh": "zh-Hans"}[lang]
    levels = [int(element.tag[1]) for element in found.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert len(found.all("caption")) == len(found.all("table")) and all(e.text.strip() for e in found.all("caption"))
    assert all(element.attributes.get("scope") in ("row", "col") for element in found.all("th"))
    assert all(e.attributes.get("aria-label") for e in found.elements if e.attributes.get("role") in ("img", "group"))
    assert all(e.attributes.get("aria-hidden") == "true" for e in found.all("svg"))
    assert len(found.all("main")) == 1 and found.all("a")[0].attributes["href"] == "#main"


def every_number(value: Any) -> list[float]:
    if isinstance(value, bool):
        return []
    if isinstance(value, (int, float)):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else []
    return [number for part in inner for number in every_number(part)]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_number_of_the_report_stands_in_the_page(report: Report, lang: str) -> None:
    found = drawn(report, lang)
    values = report.model_dump()
    if report.evaluation:  # they are per byte, in a table of numbers per token
        for name in ("loss", "perplexity"):
            values["evaluation"]["baselines"]["ngram_bytes"].pop(name)

    missing = [
        number
        for number in every_number(values)
        if numbers.exact(number) not in found.values and numbers.plain(number) not in found.text
    ]
    assert missing == []


def test_every_sentence_command_and_file_of_the_report_stands_in_the_page(report: Report) -> None:
    text = drawn(report).text

    said = [report.command, report.created.replace("T", " "), *report.limits, *report.next]
    said += [file.path for file in report.files] + [str(value) for value in report.versions.values()]
    said += [sample["text"].removeprefix(sample["prompt"]) for sample in report.samples]
    said += [*report.data.get("notes", []), *report.data.get("bad_records", [])]
    assert [words for words in said if words not in text] == []


def test_the_number_that_matters_comes_before_anything_else(english: Report) -> None:
    text = drawn(english).text

    places = [text.index(word) for word in ("2.009", "1.947–2.066", "2.150", "2.332", "3.321", "Loss by step\n")]
    assert places[:5] == sorted(places[:5])
    assert text.index("2.009") < text.index("The curve in numbers")


def test_a_model_above_its_floor_is_not_praised(english: Report) -> None:
    assert english.evaluation is not None
    for bpb, interval, sentence in (
        (2.0, (1.9, 2.1), "the whole interval lies below"),
        (2.1, (2.0, 2.2), "lies inside the interval"),
        (2.15025, (2.0, 2.2), "Does not beat its floor"),
        (3.0, (2.9, 3.1), "Does not beat its floor"),
        (3.33, (3.2, 3.4), "No better than guessing"),
        (math.inf, (2.0, math.inf), "not finite"),
        (math.nan, (2.0, 2.2), "not finite"),
    ):
        metrics, intervals = {"bpb": bpb}, {"bpb": interval}
        evaluation = english.evaluation.model_copy(update={"metrics": metrics, "intervals": intervals})
        assert sentence in written(english.model_copy(update={"evaluation": evaluation}))


def test_a_paired_difference_speaks_louder_than_the_models_own_interval(english: Report) -> None:
    """On the same documents the difference varies less than either: the own interval may hold the floor for nothing."""
    assert english.evaluation is not None
    for difference, sentence in (
        ((-0.2, -0.08), "Better than every floor. Beside the best of them, n-gram over the model&#39;s tokens at "
         "2.150, the paired difference lies between −0.200 and −0.080."),
        ((-0.2, 0.01), "not by more than chance could make: beside"),
    ):  # fmt: skip
        convention = {"bpb_minus_floor": {"ngram": list(difference), "ngram_bytes": [-0.4, -0.3]}}
        evaluation = english.evaluation.model_copy(
            update={"convention": convention, "intervals": {"bpb": (1.9, 2.3)}, "metrics": {"bpb": 2.01}}
        )
        assert sentence in written(english.model_copy(update={"evaluation": evaluation}))


def test_the_verdict_is_not_said_twice(english: Report) -> None:
    """The lead said "Does not beat its floor", and the paragraph below it "Worse than the floor"."""
    assert english.evaluation is not None
    sentences = [message("Worse than the floor: so it is."), message("Guessing evenly would spend %(bits)s.", bits="3")]
    said = paragraph(sentences)
    known = english.evaluation.model_copy(update={"verdict": said, "messages": record_of([said])})
    unknown = english.evaluation.model_copy(update={"verdict": said})

    short, whole = (written(english.model_copy(update={"evaluation": found})) for found in (known, unknown))

    assert "Worse than the floor" not in short and "Guessing evenly would spend 3." in short
    assert "Worse than the floor: so it is. Guessing evenly would spend 3." in whole  # of an older run: as it stands


def test_the_floor_over_bytes_has_no_number_per_token(english: Report) -> None:
    """1.616 nats per byte stood in the row of nats per token."""
    found = read(written(english))
    row = next(e.text for e in found.all("tr") if e.text.startswith("loss, nats per token") and "4.937" in e.text)

    assert "1.616" not in found.text and "5.033" not in found.text and "2.332" in found.text
    assert re.search(r"4\.937\s*–\s*7\.625|7\.625.*–|–.*7\.625", row)


def test_the_floor_over_bytes_is_explained_without_the_row_below_it(english: Report) -> None:
    """It may be the best, and stand first."""
    assert english.evaluation is not None
    best = english.evaluation.model_copy(update={"baselines": {"ngram_bytes": {"bpb": 1.0}, "ngram": {"bpb": 1.5}}})

    first = read(written(english.model_copy(update={"evaluation": best}))).all("tbody")[0].text

    assert first.strip().startswith("n-gram over bytes counts which bytes follow which")


def test_guessing_below_8_bits_is_explained(english: Report) -> None:
    """Uniform guessing at 3.321 stood above "a byte of which nothing is known costs 8"."""
    text = read(written(english)).text

    assert "it knows which ones the training text has, and nothing else" in text
    assert "nothing at all is known, not even which characters occur, costs 8" in text


def test_an_escape_is_never_broken_and_a_wide_table_scrolls_in_a_box_that_shows_it(report: Report) -> None:
    html = written(report)
    rule = re.search(r"\.hidden-character \{([^}]*)\}", html)
    box = re.search(r"\.wide-thing \{([^}]*)\}", html)

    assert rule and "white-space: nowrap" in rule[1]
    assert box and "overflow-x: auto" in box[1] and "background-attachment: local, local, scroll, scroll" in box[1]
    tables = re.findall(r"(.{0,120})<table(?: class=\"(\w+)\")?>", html, re.DOTALL)
    assert tables or report.status == "unfinished"
    assert all(name == "facts" or "wide-thing" in before for before, name in tables)


def test_floors_that_were_not_measured_are_named(english: Report) -> None:
    assert english.evaluation is not None
    evaluation = english.evaluation.model_copy(update={"baselines": {"ngram": {"bpb": 2.15, "loss": 4.9}}})

    text = drawn(english.model_copy(update={"evaluation": evaluation})).text

    assert "n-gram over bytes: not measured." in text and "uniform guessing: not measured." in text


def test_a_run_stopped_at_step_3_has_a_page_that_says_what_is_missing(stopped: Report) -> None:
    text = drawn(stopped).text

    assert "step 3 of 2,000" in text and "unfinished" in text and "5.520" in text
    assert "Not measured." in text and "textmill eval runs/notes" in text
    for sentence in (
        "No sample was written yet.",
        "No ledger was recorded",
        "No limits were recorded",
        "No times were",
    ):
        assert sentence in text


def test_a_prepared_run_has_a_page() -> None:
    text = drawn(bare()).text

    assert "There is no curve yet" in text and "prepared, not trained" in text and "textmill generate" not in text


def test_what_others_wrote_is_shown_as_text() -> None:
    evaluation = Evaluation(
        run=HOSTILE, data=HOSTILE, checkpoint=HOSTILE, verdict=HOSTILE,
        metrics={"bpb": 2.0, HOSTILE: 1.5}, intervals={HOSTILE: (1.0, 2.0)},
        baselines={HOSTILE: {"bpb": 1.0, "loss": 1.0}},
        convention={HOSTILE: HOSTILE, "notes": [HOSTILE]}, documents=[{"source": HOSTILE, "nats": 1.0}],
    )  # fmt: skip
    report = bare(
        run=f"runs/{HOSTILE}", task=HOSTILE, arch=HOSTILE, status=HOSTILE, command=HOSTILE, created=HOSTILE,
        versions={HOSTILE: HOSTILE}, hardware={HOSTILE: [HOSTILE]}, tokenizer={HOSTILE: HOSTILE}, evaluation=evaluation,
        data={"paths": [HOSTILE], "notes": [HOSTILE], "bad_records": [HOSTILE], "languages": {HOSTILE: 0.5},
              "n_tokens": {HOSTILE: 3}, HOSTILE: {HOSTILE: HOSTILE}},
        files=[FileLook(path=HOSTILE, bytes=3, encoding=HOSTILE, ledger={f"other:{HOSTILE}": 3})],
        ledger={f"other:{HOSTILE}": 3}, curve=[{"step": 1, "train_loss": 2.0, HOSTILE: 1.0}],
        samples=[{"step": 1, "prompt": HOSTILE, "text": HOSTILE + HOSTILE}], loops={HOSTILE: 0.5}, time={HOSTILE: 1.0},
        limits=[HOSTILE], next=[HOSTILE], config={HOSTILE: {HOSTILE: HOSTILE}},
    )  # fmt: skip

    html = page(report, draw(report, Words("en")), Words("en"))
    found = read(html)

    assert not found.all("script") and "49" not in found.text
    assert found.text.count("<script>alert(1)</script>") > 30
    assert not {char for char in html if char in "\x00\x1b\r\u202e\u2066\ufeff"}
    assert "\\x00\\x1b[31mred\\u202eeman\\u2066\\ufeff" in found.text


@given(text=st.text(max_size=40), name=st.text(min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_any_text_leaves_the_page_whole(text: str, name: str) -> None:
    report = bare(
        run=name, samples=[{"step": 1, "prompt": "", "text": text}], limits=[text], config={"run": {"name": name}}
    )

    found = read(written(report))

    assert {e.tag for e in found.elements} <= {e.tag for e in read(written(bare(samples=[{"step": 1}]))).elements} | {
        "ul", "li", "span", "i", "details", "summary", "table", "caption", "tbody", "tr", "th", "td",
        "bdi", "pre", "code",
    }  # fmt: skip


def test_chinese_survives_and_carries_its_language(chinese: Report) -> None:
    found = drawn(chinese, "en")

    assert "好妹妹，别恼我。" in found.text
    assert {e.attributes["lang"] for e in found.all("blockquote")} == {"zh"}
    assert any(e.attributes.get("lang") == "zh-Hans" and "不听从" not in e.text and e.text for e in found.all("span"))


def test_an_english_sentence_on_a_chinese_page_says_that_it_is_english(english: Report) -> None:
    found = drawn(english, "zh")

    assert [e for e in found.all("span") if e.attributes.get("lang") == "en" and e.text.startswith("It continues text")]
    assert {e.attributes["lang"] for e in found.all("blockquote")} == {"en"}


def test_long_lists_are_folded_and_nothing_of_them_is_lost(english: Report) -> None:
    files = [FileLook(path=f"f{n}.txt", bytes=n, encoding="utf-8", ledger={"train": n}) for n in range(300)]
    report = english.model_copy(
        update={"files": files, "samples": [{"step": n, "text": f"text {n}."} for n in range(50)]}
    )

    found = read(written(report))

    assert all(f"f{n}.txt" in found.text and f"text {n}." in found.text for n in range(50))
    folded = [e for e in found.all("th") if "details" in e.path and e.text.endswith(".txt")]
    assert len(folded) == 288


def test_a_curve_too_long_to_list_says_where_the_rest_is() -> None:
    curve = [{"step": n, "train_loss": 2.0} | ({"valid_loss": 3.0} if n % 100 == 0 else {}) for n in range(1, 5001)]

    text = read(written(bare(curve=curve))).text

    assert "50 logged steps in numbers (those with an evaluation; all 5,000 are in metrics.jsonl)" in text


def test_a_long_sample_is_whole_and_can_be_scrolled_by_key() -> None:
    found = read(written(bare(samples=[{"step": 1, "prompt": "", "text": "宝玉道。" * 1000}])))

    quote = found.all("blockquote")[0]
    assert quote.text.count("宝玉道。") == 1000
    assert quote.attributes["tabindex"] == "0" and quote.attributes["aria-label"]


# colours: WCAG 2.2, 1.4.3 (text 4.5:1) and 1.4.11 (what carries meaning in a picture 3:1)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def schemes() -> dict[str, dict[str, str]]:
    css = (Path(textmill.report.__file__).parent / "style.css.jinja").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in re.findall(r":root \{(.*?)\}", css, re.S)
    )
    return {"light": light, "dark": dark}


def test_contrast_is_that_of_paper_arithmetic() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_from_the_paper(scheme: str) -> None:
    colours = schemes()[scheme]

    assert set(COLOURS) <= set(colours) and len(colours) == len(schemes()["light"])
    for role in ("ink", "muted", "accent", "good", "wait"):
        assert contrast(colours[role], colours["paper"]) >= 4.5, role
    assert contrast(colours["ink"], colours["sheet"]) >= 4.5
    for role in set(COLOURS) - {"ink", "muted", "rule"}:
        assert contrast(colours[role], colours["paper"]) >= 3, role


def test_colours_of_the_files_can_be_told_from_white_and_from_one_another_by_role() -> None:
    assert len(set(COLOURS.values())) == len(COLOURS)
    for role, colour in COLOURS.items():
        assert role == "rule" or contrast(colour, "#ffffff") >= (4.5 if role in ("ink", "muted") else 3), role
