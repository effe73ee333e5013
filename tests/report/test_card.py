"""The model card: YAML that a hub reads, Markdown that no name can break, a snippet that runs."""

from __future__ import annotations

import ast
import inspect
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.report.card import card, fenced, markdown, yaml_number, yaml_string
from textmill.report.words import Words
from textmill.results import Generated, Report

from .conftest import bare

yaml = pytest.importorskip("yaml")
NASTY = "a: b # c\n- d \"e\" 'f' {g} [h] | > ` *i* _j_ <k> & % @ ! ? \\ \x00\x85\u2028 红楼梦 😀"


def front(text: str) -> dict[str, object]:
    _, head, _ = text.split("---\n", 2)
    found: dict[str, object] = yaml.safe_load(head)
    return found


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_hub_reads_the_results(english: Report, lang: str) -> None:
    hub = pytest.importorskip("huggingface_hub")

    read = hub.ModelCard(card(english, Words(lang)))

    assert read.data.library_name == "textmill" and read.data.pipeline_tag == "text-generation"
    assert read.data.language == ["en"] and read.data.license is None
    assert read.data.model_name == "python-docs"
    assert {result.metric_type: result.metric_value for result in read.data.eval_results} == {
        "bits_per_byte": 2.00932,
        "perplexity": 100.867,
        "cross_entropy": 4.6138,
    }
    assert {(result.dataset_name, result.dataset_split) for result in read.data.eval_results} == {
        ("builtin:python-docs", "test")
    }


def test_the_numbers_stand_beside_the_floors_with_their_interval(english: Report) -> None:
    text = card(english, Words("en"))

    for row in ("| **this model** | 2.009 | 1.947–2.066 |", "| n-gram over bytes | 2.332 | – |", "stride, tokens: 128"):
        assert row in text
    assert all(limit.replace("_", "\\_") in text for limit in english.limits)
    assert "22 smaller files are listed in report.html." in text


def test_a_run_without_numbers_has_a_card_that_claims_none(stopped: Report) -> None:
    text = card(stopped, Words("en"))

    assert "model-index" not in front(text) and "metrics" not in front(text)
    assert "Not measured." in text


def test_numbers_that_are_none_are_kept_out_of_the_index(english: Report) -> None:
    assert english.evaluation is not None
    metrics = {"bpb": math.inf, "perplexity": math.nan, "loss": 1e-05}
    report = english.model_copy(update={"evaluation": english.evaluation.model_copy(update={"metrics": metrics})})

    index = front(card(report, Words("en")))["model-index"]

    assert index == [
        {
            "name": "python-docs",
            "results": [
                {
                    "task": {"type": "text-generation"},
                    "dataset": {"name": "builtin:python-docs", "type": "text", "split": "test"},
                    "metrics": [{"type": "cross_entropy", "name": "nats per token", "value": 1e-05}],
                }
            ],
        }
    ]


def test_names_and_paths_may_hold_anything(english: Report) -> None:
    assert english.evaluation is not None
    evaluation = english.evaluation.model_copy(update={"data": NASTY})
    data = {"paths": [NASTY], "languages": {"zh": 0.9}}
    report = english.model_copy(update={"run": NASTY, "arch": NASTY, "data": data, "evaluation": evaluation})

    head = front(card(report, Words("en")))

    assert head["tags"] == ["textmill", NASTY] and head["language"] == ["zh"]
    assert head["model-index"][0]["name"] == NASTY  # type: ignore[index]
    assert head["model-index"][0]["results"][0]["dataset"]["split"] == NASTY  # type: ignore[index]


@given(st.text())
def test_any_text_comes_back_from_yaml(text: str) -> None:
    assert yaml.safe_load(f"key: {yaml_string(text)}") == {"key": text}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_comes_back_from_yaml_as_a_number(value: float) -> None:
    assert yaml.safe_load(f"key: {yaml_number(value)}") == {"key": value}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>", "&lt;script&gt;"),
        ("a|b", "a\\|b"),
        ("*x* _y_ `z` [l](u) # $m$", "\\*x\\* \\_y\\_ \\`z\\` \\[l\\](u) \\# \\$m\\$"),
        ("1. one", "1\\. one"),
        ("0.95", "0.95"),
        ("- item", "\\- item"),
        ("two\nlines", "two\\\\nlines"),
        ("&amp;", "&amp;amp;"),
    ],
)
def test_markdown_formats_nothing_that_others_wrote(text: str, shown: str) -> None:
    assert markdown(text) == shown


def test_a_fence_is_longer_than_any_in_the_text() -> None:
    assert fenced("a ```` b", "sh") == "`````sh\na ```` b\n`````"


def snippet(text: str) -> str:
    return text.split("```python\n")[1].split("\n```")[0]


def test_the_snippet_uses_doors_that_exist(english: Report) -> None:
    """Every name it imports is there and takes the arguments it is given."""
    import textmill
    from textmill.generation import write
    from textmill.generation.writing import Writing

    tree = ast.parse(snippet(card(english, Words("en"))))

    imports = {
        (node.module, name.name) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names
    }
    assert imports == {("textmill", "open_run"), ("textmill.generation", "write")}
    assert "open_run" in textmill.__all__
    inspect.signature(write).bind("model", "tokenizer", ["prompt"], "settings", seed=0, begin_mark=True)
    assert callable(Writing.finish) and "text" in Generated.model_fields


def test_commands_can_be_pasted_and_name_no_folder_of_this_machine() -> None:
    text = card(bare(run="/home/someone/my runs/it's"), Words("en"))

    assert "textmill generate 'my runs/it'\"'\"'s' Once" in text
    assert "/home/someone" not in text
    assert "textmill generate 'runs/红楼梦'" in card(bare(run="runs/红楼梦"), Words("zh"))


def test_a_translator_is_used_by_translating(english: Report) -> None:
    text = card(english.model_copy(update={"task": "translate"}), Words("en"))
    assert "textmill translate" in text and "textmill.translate(" in text
    assert "textmill generate" not in text and "pipeline_tag: translation" in text
    assert "--to" not in text and ", to=" not in text


def test_a_translator_of_both_directions_is_told_which(english: Report) -> None:
    both = {
        "data": english.data | {"into": ["de", "en"]},
        "samples": [{"step": 9, "prompt": "A dog runs.", "text": ""}],
    }
    text = card(english.model_copy(update={"task": "translate"} | both), Words("en"))
    assert f"textmill translate {english.run} --to de 'A dog runs.'\n" in text
    assert f"textmill translate {english.run} --to de < in.txt" in text
    assert "'A dog runs.', to='de')" in text
