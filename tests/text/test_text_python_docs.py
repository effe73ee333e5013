"""builtin:python-docs: documentation out of Python's own sources, read and never run."""

import ast
import inspect
import json.decoder
import sys
from pathlib import Path

import pytest

from textmill.config import DataConfig
from textmill.text import Document, ReadReport, plan_split, read_documents
from textmill.text.files import TextFile, examine
from textmill.text.python_docs import read_python_module, read_python_topics
from textmill.text.reading import records_of


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    found = list(read_documents(["builtin:python-docs"], DataConfig(), ReadReport()))
    assert len({document.source for document in found}) == len(found)
    return {document.source: document for document in found}


def test_a_module_is_one_document_with_its_docstrings_in_the_order_of_the_file(documents: dict[str, Document]) -> None:
    text = documents["python-docs/json.decoder"].text
    docs = [json.decoder.JSONDecodeError, json.decoder.JSONDecoder, json.decoder.JSONDecoder.decode]
    wanted = [inspect.getdoc(json.decoder) or "", *(inspect.getdoc(item) or "" for item in docs)]
    places = [text.index(doc) for doc in wanted]
    assert places == sorted(places) and all(wanted)
    assert "def " not in text.split("JSONDecoder")[0]
    assert documents["python-docs/json"].text.startswith("JSON (JavaScript Object Notation)")


def test_a_topic_is_one_document(documents: dict[str, Document]) -> None:
    import pydoc_data.topics

    topics = {
        source.removeprefix("python-docs/topics/"): document.text
        for source, document in documents.items()
        if source.startswith("python-docs/topics/")
    }
    assert topics == {name: text.strip("\n") for name, text in pydoc_data.topics.topics.items()}


def test_tests_and_installed_packages_are_no_documentation(documents: dict[str, Document]) -> None:
    words = {word for source in documents for word in source.removeprefix("python-docs/").split(".")}
    assert not words & {"test", "tests", "idle_test", "site-packages", "lib2to3"}
    assert len(documents) > 300


def test_whole_modules_and_topics_are_held_out_and_every_byte_of_the_sources_is_counted() -> None:
    plan = plan_split(DataConfig(paths=("builtin:python-docs",)))
    assert all(n >= 10 for n in plan.n_documents.values())
    for file in plan.ledger.files:
        assert sum(file.ledger.values()) == file.bytes
        assert set(file.ledger) <= {"train", "validation", "test", "markup"}
    assert {file.path.split("/")[0] for file in plan.ledger.files} == {"python-docs"}
    total = plan.ledger.total
    for part in ("validation", "test"):
        assert 0.04 < total[part] / (total["train"] + total["validation"] + total["test"]) < 0.08
    assert not plan.bad_records


def test_the_same_python_gives_the_same_documents_in_the_same_order(documents: dict[str, Document]) -> None:
    again = [d.source for d in read_documents(["builtin:python-docs"], DataConfig(), ReadReport())]
    assert again == list(documents)


def test_sources_are_parsed_and_never_run(tmp_path: Path) -> None:
    trap = tmp_path / "trap.py"
    trap.write_text('"""Says this."""\nraise SystemExit("ran")\n', encoding="utf-8")
    topics = tmp_path / "topics.py"
    topics.write_text("topics = {'a': 'text of a\\n'}\nraise SystemExit('ran')\n", encoding="utf-8")
    before = set(sys.modules)
    for path, format_, read, text in (
        (trap, "python-module", read_python_module, "Says this."),
        (topics, "python-topics", read_python_topics, "text of a"),
    ):
        file = examine(TextFile(path, f"python-docs/{path.name}", format_), False, [])
        found = [item for item in read(file, DataConfig(), lambda sentence: None) if hasattr(item, "document")]
        assert [item.document.text for item in found] == [text]
    assert "trap" not in set(sys.modules) - before


def test_docstrings_are_found_at_any_depth(tmp_path: Path) -> None:
    path = tmp_path / "deep.py"
    path.write_text(
        '"""Module."""\nif True:\n    class A:\n        """A."""\n        async def f(self):\n'
        '            """f:\n\n            indented."""\n            def g():\n                """g."""\n'
        'else:\n    try:\n        pass\n    except Exception:\n        def h():\n            "h."\nx = "none"\n',
        encoding="utf-8",
    )
    ast.parse(path.read_text(encoding="utf-8"))
    file = examine(TextFile(path, "python-docs/deep.py", "python-module"), False, [])
    report = ReadReport()
    (item,) = (item for item in records_of(file, DataConfig(), report))
    assert item.document.text == "Module.\n\nA.\n\nf:\n\nindented.\n\ng.\n\nh."  # type: ignore[union-attr]
    assert item.document.source == "python-docs/deep"  # type: ignore[union-attr]
    assert sum(report.files[0].n_bytes.values()) == path.stat().st_size


def test_a_source_that_cannot_be_parsed_is_a_bad_record(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("print 'old'\n", encoding="utf-8")
    file = examine(TextFile(path, "python-docs/bad.py", "python-module"), False, [])
    report = ReadReport()
    assert len(list(records_of(file, DataConfig(), report))) == 1
    assert report.n_bad_records == 1 and report.files[0].n_bytes == {"bad_record": 12}
