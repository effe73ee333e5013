"""Values and a template -> a page: one file that works offline and runs no scripts. Room: report/.

Shared by the pages of a run (page.py), of a look (look_page.py) and of opinion over time (monitor_page.py):
base.html.jinja is the sheet, parts.html.jinja the tables, pictures and sentences on it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from textmill.messages import Record
from textmill.report import numbers, showing
from textmill.report.words import FACTS, HTML_LANG, Words, category_name


def written(template: str, values: dict[str, Any], words: Words) -> str:
    """The whole page as HTML."""
    values = {"html_lang": HTML_LANG[words.lang]} | values
    return environment_of(words.lang).get_template(template).render(values)


@cache
def environment_of(lang: str) -> Environment:
    """Templates and filters of a language: read and compiled once in a process."""
    words = Words(lang)
    environment = Environment(
        loader=PackageLoader("textmill.report", "."),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        finalize=nothing_hidden,
        undefined=StrictUndefined,
        trim_blocks=False,
    )
    environment.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "category_name": lambda category: category_name(category, words),
        "count": numbers.count,
        "exact": numbers.exact,
        "language_of_fact": lambda value: language_attribute(value, words),
        "language_of_sentence": showing.language_of_sentence,
        "measure": numbers.measure,
        "one_line": showing.on_one_line,
        "plain": numbers.plain,
        "share": numbers.share,
        "shown": showing.as_html,
        "size": numbers.size,
        "when": lambda moment: showing.on_one_line(moment).replace("T", " ", 1),
    }
    return environment


def nothing_hidden(value: Any) -> Any:
    """Every text that the template writes loses what would act; markup of the template's own stays as it is."""
    return showing.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def fact_rows(values: dict[str, Any], words: Words, record: Record | None = None) -> list[tuple[str, bool, Any]]:
    """(label, whether it is in words, value) of a dictionary of facts; a key without a word stays a key.

    record: of the values that are messages.
    """
    spoken = {True: words("yes"), False: words("no")}
    rows = []
    for key, value in numbers.facts(values):
        label, is_word = label_of(key, FACTS, words)
        if isinstance(value, str):
            value = words.told(value, record or {})
        rows.append((label, is_word, spoken[value] if is_word and isinstance(value, bool) else value))
    return rows


def language_attribute(value: Any, words: Words) -> Markup:
    """A lang attribute for words of the other language among the facts; names and numbers have none."""
    if isinstance(value, str) and " " in value.strip():
        language = showing.language_of_sentence(value)
        if language != HTML_LANG[words.lang]:
            return Markup(' lang="{}"').format(language)
    return Markup()


def label_of(key: str, table: dict[str, str], words: Words) -> tuple[str, bool]:
    """A key in words where the table has it, and whether it has."""
    return (words(table[key]), True) if key in table else (key, False)
