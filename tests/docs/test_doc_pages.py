"""What the documents say of the repository is so: links, folders, keys, knobs."""

from __future__ import annotations

import doctest
import re
import tomllib
from pathlib import Path

import pytest
from pages import PAGES, ROOT, anchors, blocks, inline, links, name_of, rows, text_of

from textmill import results
from textmill.config.knobs import all_knobs
from textmill.results import Document

every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)
DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|tmp|root|home|mnt|Users|var)/|\bshared/|[A-Z]:\\")


@every_page
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(page: Path) -> None:
    for target in links(text_of(page)):
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        assert there.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf-8")), target


@every_page
def test_no_page_names_a_path_of_somebodys_machine(page: Path) -> None:
    assert not MACHINE_PATHS.search(text_of(page))


def test_a_machines_path_would_be_found() -> None:
    for text in ("see /home/me/x", "in `/tmp/a`", "../shared/cases", r"C:\texts"):
        assert MACHINE_PATHS.search(text)


@every_page
def test_a_page_has_one_title_and_closed_blocks(page: Path) -> None:
    text = text_of(page)
    assert text.count("\n```") % 2 == 0
    assert re.findall(r"^# .+$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    assert text.startswith("# ")


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [
            (page.parent / target.partition("#")[0]).resolve() for target in links(text_of(page)) if target[0] != "#"
        ]
    assert {name_of(page) for page in PAGES} - {name_of(page) for page in reached} <= {"docs/README.md"}


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_tree_of_a_readme_is_the_tree(readme: str) -> None:
    named = [cells[0].strip("`") for cells in rows(text_of(readme)) if cells[0].startswith("`")]
    assert all((ROOT / folder).is_dir() for folder in named)
    rooms = {f"src/textmill/{path.parent.name}/" for path in (ROOT / "src/textmill").glob("*/__init__.py")}
    assert rooms <= set(named)


def test_the_storeys_of_contributing_are_those_that_are_checked() -> None:
    [contract] = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    checked = [word.removeprefix("textmill.") for layer in contract["layers"] for word in layer.split(" | ")]
    paragraph = next(part for part in text_of("CONTRIBUTING.md").split("\n\n") if part.startswith("`cli` →"))
    assert re.findall(r"`(\w+)`", paragraph) == checked


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/numbers.md", "docs/json.md"])
def test_files_that_a_page_names_exist(page: str) -> None:
    paths = [span for span in inline(text_of(page)) if re.fullmatch(r"\.?[\w-]+(/[\w-]*)*(\.py|\.md|/)", span)]
    missing = [path for path in paths if not any((base / path).exists() for base in (ROOT, ROOT / "src/textmill"))]
    missing = [path for path in missing if not any((ROOT / "src/textmill").glob(f"*/{path}"))]
    assert missing == []


def test_decisions_are_numbered_without_a_gap_and_stand_in_their_index() -> None:
    assert [int(page.name[:3]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert links(text_of("docs/decisions/README.md")) == [page.name for page in DECISIONS]


@pytest.mark.parametrize("page", DECISIONS, ids=name_of)
def test_a_decision_has_a_question_a_choice_and_what_would_change_it(page: Path) -> None:
    assert re.findall(r"^## (.+)$", text_of(page), re.MULTILINE) == ["Question", "Choice", "What would change it"]


def documents() -> dict[str, type[Document]]:
    """title in docs/json.md -> document."""
    found = {}
    for kind in vars(results).values():
        if isinstance(kind, type) and issubclass(kind, Document) and kind is not Document:
            schema = kind.model_fields.get("schema_")
            found[f"`{schema.default}`" if schema else kind.__name__] = kind
    return found


def test_the_json_page_names_every_document_and_every_key_of_it() -> None:
    parts = re.split(r"^##+ (.+)$", text_of("docs/json.md"), flags=re.MULTILINE)
    said = {
        title: [cells[0].strip("`") for cells in rows(part)]
        for title, part in zip(parts[1::2], parts[2::2], strict=True)
    }
    there = {
        title: [field.alias or name for name, field in kind.model_fields.items()] for title, kind in documents().items()
    }
    assert said == there


def test_the_page_on_resume_names_the_rule_of_every_knob() -> None:
    said = {cells[0]: re.findall(r"`([\w.]+)`", cells[2]) for cells in rows(text_of("docs/decisions/010-resume.md"))}
    assert said.pop("refuse") == []
    rules: dict[str, list[str]] = {}
    for knob in all_knobs().values():
        rules.setdefault(knob.on_resume, []).append(knob.key)
    assert {rule: set(keys) for rule, keys in said.items()} == {
        rule: set(keys) for rule, keys in rules.items() if rule != "refuse"
    }


def test_the_arithmetic_of_the_page_on_numbers_is_right() -> None:
    failed, tried = doctest.testfile(str(ROOT / "docs/numbers.md"), module_relative=False)
    assert tried == 7
    assert failed == 0


def test_the_windows_of_the_page_on_numbers_are_those_of_the_program() -> None:
    from textmill.generation import plan_windows

    planned = [
        [f"{window.start} to {window.stop - 1}", f"{window.first_scored} to {window.stop - 1}"]
        for window in plan_windows(10, 4, 3)
    ]
    assert [cells for cells in rows(text_of("docs/numbers.md")) if re.fullmatch(r"\d+ to \d+", cells[0])] == planned


def test_the_changelog_has_a_place_for_what_comes() -> None:
    assert "## [Unreleased]" in text_of("CHANGELOG.md")
    assert "### Added" in text_of("CHANGELOG.md")


def test_a_readme_has_python_to_run() -> None:
    assert blocks(text_of("README.md"), "python")
