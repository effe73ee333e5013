"""Both languages have every string, and every string is used."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from jinja2 import Environment

import textmill.report
from textmill.errors import ConfigError
from textmill.report.chinese import CHINESE
from textmill.report.words import Words, category_name, floor_name, language
from textmill.results import Report

from .conftest import bare

ROOM = Path(textmill.report.__file__).parent
FILLED = re.compile(r"%\((\w+)\)s")
# They are the same in both languages.
ALIKE: set[str] = set()


def strings_of_python(path: Path) -> set[str]:
    """Those of the report's own tables and voice, and the templates of messages, in whatever room."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        # A plural of the report is filed under its second form; of a message, either form may stand in a record.
        forms = {"plural": slice(1, 2), "plural_message": slice(2)}.get(name, slice(1))
        if name in ("N_", "words", "plural", "message", "plural_message"):
            found |= {form.value for form in node.args[forms] if isinstance(form, ast.Constant)}
    return found


def strings_of_template(path: Path) -> set[str]:
    environment = Environment(extensions=["jinja2.ext.i18n"])
    found = environment.extract_translations(path.read_text(encoding="utf-8"))  # type: ignore[attr-defined]
    return {message if isinstance(message, str) else message[0] for _, _, message in found}


def strings_in_use() -> set[str]:
    python = [strings_of_python(path) for path in ROOM.parent.rglob("*.py")]
    return set().union(*python, *(strings_of_template(path) for path in ROOM.glob("*.jinja")))


def test_the_chinese_catalogue_has_exactly_the_strings_in_use() -> None:
    assert set(CHINESE) == strings_in_use()
    assert len(CHINESE) > 150


def test_a_translation_fills_in_what_the_original_fills_in() -> None:
    for english, chinese in CHINESE.items():
        assert set(FILLED.findall(english)) == set(FILLED.findall(chinese)), english
        assert english.count("%%") == chinese.count("%%"), english


def test_every_translation_is_chinese() -> None:
    for english, chinese in CHINESE.items():
        is_bare = not re.search("[A-Za-z]", FILLED.sub("", english))  # punctuation between what is filled in
        assert re.search("[：，、；。（）]" if is_bare else "[\u4e00-\u9fff]", chinese), english


def test_no_english_letters_are_left_on_a_chinese_page_of_a_run_without_any(chinese: Report) -> None:
    """What is left in Latin letters are names: units, formats, commands, keys."""
    from textmill.report.drawing import Pictures
    from textmill.report.page import page

    from .reading import read

    found = read(page(chinese.model_copy(update={"config": {}}), Pictures({}), Words("zh")))
    headings = "".join(element.text for element in found.all("h2", "h3", "caption", "figcaption", "summary"))
    assert not re.search("[A-Za-z]{3,}", headings)


def test_plurals_follow_the_language() -> None:
    assert Words("en").plural("%(n)s smaller file", "%(n)s smaller files", 1) == "1 smaller file"
    assert Words("en").plural("%(n)s smaller file", "%(n)s smaller files", 1200) == "1,200 smaller files"
    assert Words("zh").plural("%(n)s smaller file", "%(n)s smaller files", 1) == "另有 1 个较小的文件"


def test_a_language_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"'zn' \(there are: en, zh\)"):
        Words("zn")


def test_names_without_a_word_stay_as_they_are() -> None:
    assert floor_name("100% mine", Words("zh")) == "100% mine"
    assert category_name("other:50% off", Words("zh")) == "其他：50% off"
    assert category_name("new_category", Words("en")) == "new_category"


def test_a_per_cent_sign_in_a_name_breaks_nothing() -> None:
    from textmill.report.card import card

    report = bare(run="runs/100%s %(n)s", arch="50%", data={"paths": ["%d"]}, time={"%s": 1.0}, loops={"%": 0.5})
    for lang in ("en", "zh"):
        assert "100%s %(n)s" in card(report, Words(lang))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "zh_CN.UTF-8", "TEXTMILL_LANG": "en"}, "en"),
    ],
)
def test_the_language_is_the_persons_for_training_and_report_alike(
    said: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training once looked past LC_ALL, so its page came in another language than `textmill report` gave."""
    for name in ("TEXTMILL_LANG", "LC_ALL", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert language() == expected


def test_the_page_knows_how_flops_are_counted() -> None:
    from textmill.models.cost import CONVENTION
    from textmill.report.words import FLOPS_CONVENTION

    assert FLOPS_CONVENTION == CONVENTION
