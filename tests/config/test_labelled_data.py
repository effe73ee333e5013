"""[data] of texts with labels: read as the task reads, and refused where it reads none."""

from __future__ import annotations

import pytest

from textmill.config import Config, DataConfig
from textmill.errors import ConfigError
from textmill.tables import TASK_FORMS, TASKS, TASKS_WITH_LABELS


@pytest.fixture
def classify(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A task that reads texts with labels."""
    name, *_ = TASKS_WITH_LABELS
    monkeypatch.setitem(TASKS, name, "a:B")
    monkeypatch.setitem(TASK_FORMS, name, "decoder")
    return {"name": name}


def test_a_task_of_labels_reads_texts_with_labels_and_another_does_not(classify: dict[str, str]) -> None:
    data = Config(task=classify, data={"label": "stars", "label_separator": "|"}).data
    assert (data.labelled, data.pairs, data.label) == (True, False, ("stars",))
    assert Config().data.labelled is False
    assert Config(task={"name": "translate"}).data.labelled is False


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"labelled": True}, "data.labelled is true, but task lm reads texts without"),
        ({"label": "stars"}, "data.label is of labelled texts, and task lm reads none: leave it out"),
        ({"label_separator": "|"}, "data.label_separator is of labelled texts, and task lm reads none"),
        ({"labelled": True, "pairs": True}, "labelled and pairs are both true"),
        ({"label_separator": ""}, "label_separator is empty"),
    ],
)
def test_knobs_of_labels_are_refused_where_there_are_none(data: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Config(data=data)


def test_a_task_of_labels_does_not_read_texts_without(classify: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"data\.labelled is false, but task classify reads texts with labels"):
        Config(task=classify, data={"labelled": False})


def test_a_text_with_a_label_is_not_near_empty_and_other_rules_stay() -> None:
    assert "near-empty" in DataConfig().cleaning_rules
    assert DataConfig(labelled=True).cleaning_rules == tuple(
        rule for rule in DataConfig().cleaning_rules if rule != "near-empty"
    )
    assert DataConfig(labelled=True, clean=("near-empty",)).cleaning_rules == ()
