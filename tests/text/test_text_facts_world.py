"""The world of facts: what its pages tell and do not tell, found again by the words of the page alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from textmill.cli import main
from textmill.errors import InputError
from textmill.text.worlds import Facts
from textmill.text.worlds.fact_words import HANDS, RELATIONS, THEMES
from textmill.text.worlds.facts import N_NAMES, FactPage
from textmill.text.worlds.world import LANGUAGES, Language

every_language = pytest.mark.parametrize("language", LANGUAGES)
N = 60
COMMON_WORDS = "how many what who which when where did does is are was be has have do for by on in at of to the a and"


def tellers(page: FactPage, language: Language, name: str, relation: str) -> list[str]:
    """The values that a page tells of a name and a relation, read from its text by the wordings as patterns."""
    found = []
    for relations in RELATIONS[language].values():
        for template in relations[relation].told if relation in relations else ():
            pattern = re.escape(template).replace(r"\{v\}", r"(?P<v>[^.。\n]+?)")
            pattern = re.sub(r"\\\{[Ss]\\\}", re.escape(name), pattern)
            found += [hit["v"].strip() for hit in re.finditer(pattern, page.text)]
    return found


@every_language
def test_an_answer_stands_where_its_question_says(language: Language) -> None:
    for page in Facts(language=language).items(N):
        for one in page.questions:
            assert page.text[one.start : one.end] == one.answer
            assert bool(one.answer) == one.kind.startswith("told")


@every_language
def test_what_is_told_can_be_read_off_the_page_and_what_is_not_told_stands_nowhere(language: Language) -> None:
    pages = list(Facts(language=language, unnamed=0).items(N))
    for page in pages:
        for one in page.questions:
            name = next(n for n in names_of(page) if n in one.question)
            told = {value for other in pages for value in tellers(other, language, name, one.relation)}
            assert told == ({one.answer} if one.answer else set())


def names_of(page: FactPage) -> list[str]:
    """Every name in the questions of a page, the longest first: what all wordings leave over."""
    found = set()
    for one in page.questions:
        for hand in HANDS:
            for relations in RELATIONS["zh" if ord(page.name[0]) > 999 else "en"].values():
                for wording in relations[one.relation].asked[hand] if one.relation in relations else ():
                    before, after = wording.split("{e}")
                    if one.question.startswith(before) and one.question.endswith(after):
                        found.add(one.question[len(before) : len(one.question) - len(after)])
    return sorted(found, key=len)


@every_language
def test_an_unknown_name_stands_on_no_page_and_no_name_belongs_to_two(language: Language) -> None:
    world = Facts(language=language)
    pages = list(world.items(N))
    everything = "".join(page.text for page in pages)
    for page in pages:
        for one in page.questions:
            if one.kind == "unknown-name":
                assert not any(name in everything for name in names_of(page) if name in one.question)
    for theme in THEMES:
        assert len({world._named(theme, number) for number in range(N_NAMES * 500)}) == N_NAMES * 500


@every_language
def test_a_question_in_other_words_shares_only_the_name_with_what_is_told(language: Language) -> None:
    common = set(COMMON_WORDS.split())
    for relations in RELATIONS[language].values():
        for relation, telling in relations.items():
            told = {part for sentence in telling.told for part in parts(sentence, language)}
            for _, other in telling.asked.values():
                assert not (parts(other, language) - common) & told, (relation, other)


def parts(sentence: str, language: Language) -> set[str]:
    text = re.sub(r"\{\w\}", " ", sentence)
    if language == "en":
        return set(re.findall(r"[a-z]+", text.lower())) - {"has"}
    return {run[i : i + 2] for run in re.findall(r"[\u4e00-\u9fff]+", text) for i in range(len(run) - 1)}


@every_language
def test_the_hands_ask_in_words_of_their_own(language: Language) -> None:
    for relations in RELATIONS[language].values():
        for telling in relations.values():
            wordings = [wording for hand in HANDS for wording in telling.asked[hand]]
            assert len(set(wordings)) == 4 and all(wording.count("{e}") == 1 for wording in wordings)


@every_language
def test_a_collection_is_written_as_pages_and_questions(language: Language, tmp_path: Path) -> None:
    path = f"builtin:facts,n=5,seed=3,lang={language}"
    assert main(["data", "write", path, "--out", str(tmp_path / "facts"), "-q"]) == 0

    pages = list(Facts(language=language, seed=3).items(5))
    files = sorted((tmp_path / "facts/documents").iterdir())
    assert [file.read_text(encoding="utf-8") for file in files] == [page.text for page in pages]
    rows = [json.loads(row) for row in (tmp_path / "facts/questions.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["question"] for row in rows] == [one.question for page in pages for one in page.questions]
    for row in rows:
        if row["answers"]:
            text = (tmp_path / "facts/documents" / row["source"]).read_text(encoding="utf-8")
            assert [text[row["start"] : row["end"]]] == row["answers"]
    assert sum(not row["answers"] for row in rows) == 3 * 5
    assert main(["data", "write", path, "--out", str(tmp_path / "facts"), "-q"]) == 2


def test_knobs_of_facts_are_checked() -> None:
    for knobs in ({"hand": "third"}, {"unnamed": 1.5}, {"language": "fr"}):
        with pytest.raises(InputError, match="world 'facts'"):
            Facts(**knobs)
    with pytest.raises(InputError, match="pages only"):
        Facts(language="zh").item(2_000_000)
