"""Looking: facts about a text, without writing anything. And the parts of the room that look uses."""

import doctest
import importlib
import io
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import textmill.text
from textmill.config import DataConfig
from textmill.errors import InputError, NoSpace, TooLittleText
from textmill.results import Look
from textmill.text import keep_stdin, languages, look, plan_split


def test_look_names_files_bytes_parts_languages_preview_and_notes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("".join(f"line {n:02}\n" for n in range(20)).encode())
    (tmp_path / "b.jsonl").write_bytes('{"text": "中文中文"}\n{"text": 1}\n'.encode())
    before = sorted(tmp_path.iterdir())
    found = look(DataConfig(paths=(str(tmp_path),), valid_share=0.0))

    assert sorted(tmp_path.iterdir()) == before
    assert [file.path for file in found.files] == [str(tmp_path / "a.txt"), str(tmp_path / "b.jsonl")]
    assert found.bytes == 160 + 25 + 12 == sum(found.ledger.values())
    assert found.ledger == {"train": 160 + 12, "markup": 13, "bad_record": 12}
    assert found.languages == pytest.approx({"en": 80 / 84, "zh": 4 / 84, "other": 0.0})
    assert found.n_documents == {"train": 2, "validation": 0, "test": 0}
    assert (
        found.preview[1] == "中文中文"
        and found.preview[0].startswith("line 00 line 01")
        and len(found.preview[0]) <= 101
    )
    assert found.bad_records == [f"{tmp_path / 'b.jsonl'}:2: 'text' is a number, not a string"]
    assert any("1 bad record" in note for note in found.notes)
    assert found.suggestion == ""
    assert Look.model_validate_json(found.to_json()) == found
    assert json.loads(found.to_json())["schema"] == "textmill.look/1"


def test_look_shows_ten_bad_records_and_counts_all(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "good"}\n' + "broken\n" * 150, encoding="utf-8")
    found = look(DataConfig(paths=(str(path),)))
    assert len(found.bad_records) == 10
    assert any("150 bad records" in note for note in found.notes)
    assert found.ledger["bad_record"] == 150 * len("broken\n")


@pytest.mark.parametrize(
    ("texts", "shares"),
    [
        (["ab", "中文"], {"zh": 0.5, "en": 0.5, "other": 0.0}),
        (["a1 2!?，。\n"], {"zh": 0.0, "en": 1.0, "other": 0.0}),
        (["да", "ab"], {"zh": 0.0, "en": 0.5, "other": 0.5}),
        (["\U00020bb7ｂ"], {"zh": 0.5, "en": 0.5, "other": 0.0}),
        (["カナ漢字"], {"zh": 0.5, "en": 0.0, "other": 0.5}),
        (["12 😀"], {"zh": 0.0, "en": 0.0, "other": 0.0}),
        ([], {"zh": 0.0, "en": 0.0, "other": 0.0}),
    ],
)
def test_languages_are_shares_of_letters_by_script(texts: list[str], shares: dict[str, float]) -> None:
    assert languages(texts) == shares


def test_languages_of_a_long_text_are_counted_to_its_end() -> None:
    assert languages(["a" * 1_500_000 + "中" * 1_500_000, "中" * 3]) == {
        "zh": 1_500_003 / 3_000_003,
        "en": 1_500_000 / 3_000_003,
        "other": 0.0,
    }


def test_the_plan_knows_the_languages_that_its_documents_have(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abc\n中文字\nгде\n", encoding="utf-8")
    plan = plan_split(DataConfig(paths=(str(tmp_path),), unit="line"))
    assert plan.languages == pytest.approx({"en": 1 / 3, "zh": 1 / 3, "other": 1 / 3})


# -- standard input ----------------------------------------------------------------------------------------------------


class Piped:
    def __init__(self, stream: io.RawIOBase | io.BytesIO):
        self.buffer = stream


def test_standard_input_is_kept_byte_for_byte_under_a_name_of_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = "one\r\ntwo\x00中".encode() * 100_000
    monkeypatch.setattr(sys, "stdin", Piped(io.BytesIO(raw)))
    path = keep_stdin(tmp_path / "new" / "folder")
    assert path.read_bytes() == raw
    assert path.name.startswith("stdin-") and path.suffix == ".txt"

    monkeypatch.setattr(sys, "stdin", Piped(io.BytesIO(raw)))
    assert keep_stdin(path.parent) == path
    monkeypatch.setattr(sys, "stdin", Piped(io.BytesIO(b"other")))
    assert keep_stdin(path.parent) != path
    assert path.read_bytes() == raw
    assert len(list(path.parent.iterdir())) == 2


def test_nothing_from_standard_input_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(io.BytesIO(b"")))
    with pytest.raises(TooLittleText, match="nothing came"):
        keep_stdin(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "kind"), [(28, NoSpace), (5, InputError)])
def test_a_full_disk_or_a_broken_pipe_leaves_no_half_copy(
    number: int, kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaks(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError(number, "played by the test")
            return super().read(3)

    monkeypatch.setattr(sys, "stdin", Piped(Breaks(b"some text")))
    with pytest.raises(kind):
        keep_stdin(tmp_path)
    assert list(tmp_path.iterdir()) == []


# -- the room ----------------------------------------------------------------------------------------------------------


def test_the_room_imports_no_torch() -> None:
    code = "import sys, textmill.text; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(textmill.text.__path__)])
def test_examples_in_docstrings_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"textmill.text.{name}")).failed == 0
