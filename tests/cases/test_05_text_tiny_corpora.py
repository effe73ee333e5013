"""Case 05, as far as reading and splitting go: one line, three lines, nothing."""

from pathlib import Path

import pytest

from textmill.config import DataConfig
from textmill.errors import TooLittleText
from textmill.text import plan_split

CASE = Path(__file__).parent / "05-tiny-corpora"


def test_one_line_of_25_bytes_is_all_trained_on_and_validation_is_said_to_be_off() -> None:
    plan = plan_split(DataConfig(paths=(str(CASE / "tiny.txt"),)))
    assert [d.text for d in plan.documents("train")] == ["to be or not to be, maybe"]
    assert plan.ledger.total == {"train": 25}
    assert any("validation is off" in note for note in plan.notes)


@pytest.mark.parametrize("seed", range(5))
def test_ten_percent_of_three_documents_is_one_and_two_are_left(seed: int) -> None:
    plan = plan_split(
        DataConfig(paths=(str(CASE / "three.txt"),), unit="line", valid_share=0.1, test_share=0.0, split_seed=seed)
    )
    train, valid = ({d.text for d in plan.documents(part)} for part in ("train", "validation"))  # type: ignore[arg-type]
    assert (len(train), len(valid)) == (2, 1)
    assert train | valid == {"天亮了。", "鸟醒了。", "孩子还在睡。"}


def test_as_one_document_the_three_lines_are_cut_between_lines() -> None:
    plan = plan_split(DataConfig(paths=(str(CASE / "three.txt"),), valid_share=0.1))
    assert [d.text for d in plan.documents("train")] == ["天亮了。\n鸟醒了。\n"]
    assert [d.text for d in plan.documents("validation")] == ["孩子还在睡。\n"]


@pytest.mark.parametrize("unit", ["file", "line"])
def test_zero_percent_is_no_validation_at_all(unit: str) -> None:
    data = {"paths": (str(CASE / "three.txt"),), "unit": unit, "valid_share": 0.0, "test_share": 0.0}
    plan = plan_split(DataConfig.model_validate(data))
    assert plan.n_documents["validation"] == 0 and not list(plan.documents("validation"))
    assert "There is no validation part: data.valid_share is 0." in plan.notes


@pytest.mark.parametrize("name", ["empty.txt", "blank.txt"])
def test_no_text_at_all_stops_with_one_line_that_names_the_file(name: str) -> None:
    for unit in ("file", "line", "paragraph"):
        with pytest.raises(TooLittleText) as error:
            plan_split(DataConfig.model_validate({"paths": (str(CASE / name),), "unit": unit}))
        assert error.value.where == str(CASE / name)
        assert "\n" not in str(error.value)
        assert error.value.exit_code == 2
