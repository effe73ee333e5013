"""A run on a folder that gives much to say: its Chinese page and card say it in Chinese."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from textmill.config.layers import Loaded, load_config
from textmill.report.card import card
from textmill.report.page import page
from textmill.report.pictures import Pictures
from textmill.report.words import Words
from textmill.results import Report
from textmill.runs import Run
from textmill.training import look, train
from textmill.training.naming import named, with_kept_stdin
from textmill.training.progress import Quiet
from textmill.training.session import begin, ready

from .reading import read

EN, ZH = Words("en"), Words("zh")
LIBRARIES_SAY = ("File is not a zip file", "Compressed file ended before the end-of-stream marker was reached")
"""What Python says of a damaged file: no catalogue of ours knows it, and a search finds it as it stands."""
OURS = re.compile(r"--\S+|\b(?:near_duplicates|JSON lines)\b")
ENGLISH = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")


def fill(folder: Path) -> None:
    """Files of whose reading there is something to say, each for another reason."""
    lines = [f"{n} 只大雁在 {n * n % 13} 月飞过 {n % 4} 座山。" for n in range(120)]
    files: dict[str, bytes | str] = {f"geese-{n:02}.txt": "\n".join(lines[8 * n : 8 * n + 9]) for n in range(14)}
    files |= {
        "again.txt": files["geese-00.txt"],
        "near.txt": str(files["geese-01.txt"]) + "\n末",
        "reviews.csv": 'text;stars\n好看极了;5\n\n;3\n坏;1;2\n"没完;1\n再来一次;4\n',
        "mixed.jsonl": '{"text": "第一条"}\n{"title": "x"}\n{"text": 3}\n[1]\n{"text": \n{"text": " "}\n',
        "broken.json": '[{"text": "好"}, {"text": ',
        "lines.json": '{"text": "一行"}\n{"text": "又一行"}\n',
        "nested.json": '{"data": [{"text": "里面一"}, {"text": "里面二"}], "n": 1}',
        "open.html": "<p>正文在这里<!-- 注释没有结束",
        "script.html": "<p>正文二<script>var a;",
        "oldmac.txt": "第一\r第二\r第三\r第四",
        "picture.png": b"\x89PNG",
        "noise.txt": bytes(range(128, 256)) * 30 + b"\x00" * 99,
        "fake.txt": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9,
        ".hidden/x.txt": "x",
        ".dot.txt": "x",
        "bad.zip": b"PK\x03\x04 cut",
        "cut.txt.gz": gzip.compress(b"abc" * 1000)[:20],
        "bytes.txt": "好的文字。".encode() * 40 + b"\xff\xfe" + "后面。".encode() * 40,
        "a-test.txt": "这是测试文本，写得不同。\n",
        "old-run/run.json": "{}",
        "old-run/config.toml": "",
    } | {f"skip-{n}.xyz": "x" for n in range(4)}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "link.txt").symlink_to("geese-00.txt")
    os.mkfifo(folder / "pipe")


def wanted(name: str) -> Loaded:
    knobs = {
        "data.paths": ("mixed", "mixed/geese-03.txt"), "run.name": name, "model.arch": "gru", "model.n_layers": 1,
        "model.d_model": 16, "model.seq_len": 16, "train.steps": 2, "train.batch": 4, "train.sample_tokens": 3,
        "eval.resamples": 100, "machine.threads": 1, "tokens.kind": "bpe", "tokens.vocab_size": 2000,
    }  # fmt: skip
    return load_config(knobs)


def begun(name: str) -> Run:
    """A run that has read its text and not trained yet."""
    loaded = named(wanted(name))
    config, prepared, *_ = ready(replace(loaded, config=with_kept_stdin(loaded.config)), Quiet())
    Path("runs", name).mkdir()
    return begin(Path("runs", name), config, prepared)


@pytest.fixture(scope="module", autouse=True)
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(tmp_path_factory.mktemp("notes"))
        fill(Path("mixed"))
        yield


@pytest.fixture(scope="module")
def run(here: None) -> Run:
    return begun("first")


def english_in(text: str) -> list[str]:
    """English words in a row, but for flags and for what libraries say."""
    for said in LIBRARIES_SAY:
        text = text.replace(said, "")
    return ENGLISH.findall(OURS.sub("", text))


def test_every_note_of_a_run_is_told_in_chinese_and_its_english_comes_back_to_the_letter(run: Run) -> None:
    report = run.report()
    notes = [*report.data["notes"], report.tokenizer["note"]]

    assert len(notes) > 20 and notes[-1] == report.data["notes"][-1]
    for note in notes:
        assert EN.told(note, report.messages) == note
        told = ZH.told(note, report.messages)
        assert re.search("[\u4e00-\u9fff]", told) and told.endswith("。") and english_in(told) == [], told


def no_english_is_left_on(report: Report) -> None:
    signature = str(report.evaluation.convention["signature"]) if report.evaluation else ""  # made for papers
    found = read(page(report, Pictures({}), ZH))
    text = found.text.replace(signature, "")
    for element in found.all("code", "pre"):
        text = text.replace(element.text, "")
    for note in report.data["notes"]:
        assert note not in text and ZH.told(note, report.messages) in found.text
    assert english_in(text) == []

    _, _, written = card(report, ZH).rpartition("---\n")  # the front matter is for model hubs
    plain = re.sub(r"```.*?```|<!--.*?-->", "", written, flags=re.DOTALL).replace("\\", "")
    assert english_in(plain.replace(signature, "")) == []
    assert "词表：要求 2,000 个词元，而文本只够" in plain


def test_no_english_sentence_of_ours_is_left_on_the_chinese_page_and_card(run: Run) -> None:
    no_english_is_left_on(run.report())


@pytest.mark.ci
def test_nor_is_any_left_once_the_run_is_trained_and_measured() -> None:
    report = train(wanted("trained")).report()

    assert report.evaluation is not None and report.limits and report.samples
    no_english_is_left_on(report)


def test_what_was_prepared_before_there_were_records_still_opens_and_is_told_in_english(run: Run) -> None:
    path = run.path.parent / ".data" / run.info["data"]["prepared"] / "ledger.json"
    ledger = json.loads(path.read_text(encoding="utf-8"))
    assert set(ledger["messages"]) == set(ledger["notes"])
    path.write_text(json.dumps({key: value for key, value in ledger.items() if key != "messages"}), encoding="utf-8")

    report = begun("second").report()

    assert report.data["notes"] == ledger["notes"] and not set(ledger["notes"]) & set(report.messages)
    assert ledger["notes"][0] in read(page(report, Pictures({}), ZH)).text


def test_look_hands_on_the_notes_of_the_text_and_why_training_would_refuse_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("short.txt").write_text("山高", encoding="utf-8")
    found = look("short.txt")

    [refused] = [note for note in found.notes if note.startswith("Training would be refused: ")]
    assert set(found.messages) == set(found.notes)
    assert ZH.told(refused, found.messages) == (
        "训练不会开始：训练文本只有 7 个词元（含结尾标记），至少要有 16 个。"  # six bytes and a mark
        "请增加文本。要得到有用的模型，需要 10 kB 以上。"
    )
