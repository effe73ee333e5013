"""`textmill look`: what it prints, in two languages, and what it writes: nothing, but with --out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import LOOK, Shell, fake_room, tree

from textmill import results
from textmill.results import LengthBin, Lengths


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("TEXTMILL_LANG", "LC_ALL", "LANG"):
        monkeypatch.delenv(name, raising=False)
    Path("texts").mkdir()
    Path("texts/a.txt").write_text("The geese flew over the hills and the farms.\n" * 40)
    Path("texts/b.txt").write_text("从前有一座山，山里有一座庙。\n" * 40, encoding="gb18030")
    Path("texts/bad.jsonl").write_text('{"text": "One of the lines."}\nbroken\n')
    return Shell(capsys)


def test_look_writes_nothing_without_out(shell: Shell, tmp_path: Path) -> None:
    before = tree(tmp_path)
    assert shell("look", "texts", "--bars").code == 0
    assert shell("look", "texts", "--out", "page", "-n").code == 0
    assert tree(tmp_path) == before


def test_a_dry_run_says_what_would_be_written(shell: Shell) -> None:
    [plan] = shell("look", "texts", "--out", "page", "--sample", "5%", "-n", "--json").documents(results.Plan)
    assert (plan["verb"], plan["writes"]) == ("look", ["page/look.html", "page/plots"])
    assert plan["plan"] == {"paths": ["texts"], "sample": "5%", "lang": "en"}
    assert "nothing was written" in shell("look", "texts", "-n").out


@pytest.mark.pictures
def test_out_writes_the_page_and_says_where(shell: Shell) -> None:
    [found] = shell("look", "texts", "--out", "page", "--json", "--lang", "zh").documents(results.Look)

    html = Path("page/look.html").read_text(encoding="utf-8")
    assert found["page"] == "page/look.html" and all(Path(plot).is_file() for plot in found["plots"])
    assert len(found["plots"]) == 6
    assert "文档有多长？" in html and "textmill train texts" in html and html.count("<svg") == 6


@pytest.mark.parametrize("out", ["texts", "texts/page", "./texts/../texts/new/page"])
def test_the_page_is_not_written_into_the_text(shell: Shell, out: str) -> None:
    said = shell("look", "texts", "--out", out)
    assert (said.code, said.out) == (2, "")
    assert "would be read as text the next time" in said.err
    assert not list(Path().rglob("*.html"))


def test_every_fixed_word_is_chinese_when_chinese_is_asked_for(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    english, chinese = shell("look", "texts", "--bars").out, shell("look", "texts", "--bars", "--lang", "zh").out

    assert "where each byte goes" in english and "documents by length" in english
    assert "每个字节的去向" in chinese and "各种长度（字符）的文档：" in chinese and "简体中文" in chinese
    labels = "".join(line for line in chinese.splitlines() if not line.startswith(("  ", "texts/", "下一步")))
    assert not any(word in labels for word in ("bytes", "document", "file", "repeats", "length", "notes"))
    monkeypatch.setenv("TEXTMILL_LANG", "zh")
    assert shell("look", "texts", "--bars").out == chinese
    assert shell("look", "texts", "--lang", "en", "--bars").out == english
    assert chinese.splitlines()[-1] == "下一步：textmill train texts"


def test_bars_are_as_long_as_their_numbers(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    bins = [LengthBin(least=1, most=1, n=1000), LengthBin(least=2, most=4, n=500), LengthBin(least=5, most=9, n=1)]
    bins.append(LengthBin(least=10, most=19, n=0))
    lengths = Lengths(shortest=1, median=1, nine_in_ten=4, longest=7, bins=bins)
    found = LOOK.model_copy(update={"lengths": lengths, "document_languages": {}})
    fake_room(monkeypatch, "textmill.training", look=lambda data, **_: found)

    lines = shell("look", "x", "--bars").out.splitlines()

    at = lines.index("documents by length in characters:")
    rows = [line.split() for line in lines[at + 1 : at + 5]]
    assert rows == [["1", "1,000", "█" * 40], ["2–4", "500", "█" * 20], ["5–9", "1", "▏"], ["10–19", "0"]]
    assert "documents by length in characters:" not in shell("look", "x").out


def test_a_sample_is_said_in_every_output_and_its_command_is_the_whole_texts(shell: Shell) -> None:
    Path("texts/big.jsonl").write_text("".join(json.dumps({"text": f"line {n} of it"}) + "\n" for n in range(3000)))

    said = shell("look", "texts", "--sample", "20kB")
    [found] = shell("look", "texts", "--sample", "20kB", "--json").documents(results.Look)

    assert said.out.startswith("4 files, ") and "a look at a sample (--sample 20kB, seed 0)" in said.out
    assert "training text" not in said.out and "validation text" not in said.out
    assert said.out.splitlines()[-1] == "next: textmill train texts" == f"next: {found['suggestion']}"
    assert found["sample"]["n_files"] == 4 and found["n_documents"] == {"text": found["duplicates"]["n_documents"]}
    assert shell("look", "texts", "--sample", "9GB").out == shell("look", "texts").out


def test_a_size_that_is_none_is_refused(shell: Shell) -> None:
    said = shell("look", "texts", "--sample", "lots")
    assert said.code == 2 and "'lots' is no size" in said.err and "200MB" in said.err


def test_look_loads_neither_torch_nor_what_draws(shell: Shell) -> None:
    program = (
        "import sys, textmill; textmill.look('texts'); textmill.look('texts/bad.jsonl')\n"
        "assert not {'torch', 'transformers', 'matplotlib', 'jinja2'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
