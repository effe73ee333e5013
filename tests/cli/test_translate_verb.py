"""Two files in, a translator out: train, eval and translate as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from forked import textmill
from textmill import results
from textmill.text.worlds import Pairs

pytestmark = pytest.mark.ci

TINY = [
    *("--model.d_model", "16", "--model.n_layers", "1", "--model.seq_len", "64", "--generate.max_new_tokens", "12"),
    *("--train.batch", "4", "--train.sample_tokens", "12", "--eval.resamples", "100", "--steps", "6"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("translate")
    pairs = [Pairs(seed=3).item(number) for number in range(220)]
    for side, language in (("source", "en"), ("target", "zh")):
        lines = "".join(f"{getattr(pair, side)}\n" for pair in pairs)
        (folder / f"news.{language}").write_text(lines, encoding="utf-8")
    done = textmill(
        folder, "train", "news.en", "news.zh", "--task", "translate", "--arch", "gru", "--name", "made", *TINY
    )
    assert done.returncode == 0, done.stderr.decode()
    return folder


def test_training_measures_translations_beside_the_source_as_it_stands(place: Path) -> None:
    run = json.loads((place / "runs/made/run.json").read_text())
    assert (run["form"], run["finished"]) == ("encoder-decoder", True)
    assert {Path(file["path"]).name for file in run["data"]["files"]} == {"news.en", "news.zh"}
    for file in run["data"]["files"]:
        assert sum(file["ledger"].values()) == file["bytes"] == (place / file["path"]).stat().st_size
    measured = json.loads((place / "runs/made/eval/test.json").read_text())
    assert 0 <= measured["metrics"]["bleu"] < 100 and "copy" in measured["baselines"]
    assert "tok:zh" in measured["convention"]["bleu_signature"]
    low, high = measured["intervals"]["chrf"]
    assert low <= measured["metrics"]["chrf"] <= high
    assert all("output" in row for row in measured["documents"])
    sample = (place / "runs/made/samples/final-1.txt").read_text(encoding="utf-8")
    assert "\n→ " in sample
    again = textmill(place, "train", "news.en", "news.zh", "--task", "translate", "--name", "made")
    assert again.returncode == 0 and b"nothing to do" in again.stderr


def test_eval_on_other_pairs_says_the_same_from_a_table(place: Path) -> None:
    pairs = [Pairs(seed=9).item(number) for number in range(20)]
    (place / "other.en").write_text("".join(f"{pair.source}\n" for pair in pairs), encoding="utf-8")
    rows = "".join(f"{pair.source}\t{pair.target}\n" for pair in pairs)
    (place / "other.tsv").write_text(rows, encoding="utf-8")
    done = textmill(place, "eval", "runs/made", "--data", "other.tsv", "--json")
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    jsonschema.validate(found, results.Evaluation.model_json_schema(by_alias=True))
    assert found["metrics"]["n_chars"] == sum(len(pair.target) for pair in pairs)


def test_its_floor_and_its_files_can_be_looked_into(place: Path) -> None:
    for arguments in (("eval", "runs/made/floor"), ("score", "runs/made/floor", "A bird"), ("doctor", "runs/made")):
        done = textmill(place, *arguments)
        assert done.returncode == 0, done.stderr.decode()
    report = (place / "runs/made/report.html").read_text(encoding="utf-8")
    assert "BLEU, 0 to 100" in report and "the source as it stands" in report


def test_a_line_in_is_a_line_out(place: Path) -> None:
    lines = b"The bird sees the lake.\n\nno \xff text\r\nthe end"
    done = textmill(place, "translate", "runs/made", stdin=lines)
    out = done.stdout.decode().split("\n")
    assert done.returncode == 1 and len(out) == 5 and out[4] == ""
    assert out[0] and out[1] == out[2] == "" and out[3]
    assert "line 3 is no UTF-8 (byte 4 of it)" in done.stderr.decode()
    told = textmill(place, "translate", "runs/made", "--json", "--n-best", "2", "--beams", "3", stdin=lines[:25])
    documents = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(documents) == 2
    for document in documents:
        jsonschema.validate(document, results.Translated.model_json_schema(by_alias=True))
    assert len(documents[0]["alternatives"]) == 1
    assert documents[0]["score"] >= documents[0]["alternatives"][0]["score"]
    alone = textmill(place, "translate", "runs/made", "The bird sees the lake.", "--json", "--beams", "3")
    assert json.loads(alone.stdout)["translation"] == documents[0]["translation"]


def test_terms_of_a_glossary_are_written_and_what_is_lost_is_told(place: Path) -> None:
    (place / "terms.tsv").write_text("bird\t鹦鹉\nlake\t大湖\n", encoding="utf-8")
    lines = b"The bird sees the lake.\nA dog 1914.\n"
    done = textmill(
        place, "translate", "runs/made", "--glossary", "terms.tsv", "--json", "--max-new-tokens", "60", stdin=lines
    )
    assert done.returncode == 0, done.stderr.decode()
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["terms"] == ["鹦鹉", "大湖"] and first["terms_lacking"] == []
    assert "鹦鹉" in first["translation"] and "大湖" in first["translation"]
    assert second["terms"] == []
    assert second["lost"] == ([] if "1914" in second["translation"] else ["1914"])
    if second["lost"]:
        assert "line 2: 1914" in done.stderr.decode()


def test_what_a_translation_looked_at_is_drawn(place: Path) -> None:
    for name, begin in (("looked.svg", b"<?xml"), ("looked.png", b"\x89PNG")):
        done = textmill(place, "translate", "runs/made", "The bird sees the lake.", "--show", name)
        assert done.returncode == 0, done.stderr.decode()
        assert (place / name).read_bytes().startswith(begin)
        assert len(done.stdout.splitlines()) == 1


def test_two_runs_are_compared_on_the_same_pairs(place: Path) -> None:
    done = textmill(place, "compare", "runs/made", "runs/made", "--json")
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    jsonschema.validate(found, results.Comparison.model_json_schema(by_alias=True))
    assert found["runs"] == ["runs/made", "runs/made"] and set(found["differences"]) == {"bpb", "bleu", "chrf"}
    assert {difference["value"] for difference in found["differences"].values()} == {0.0}
    floor = textmill(place, "compare", "runs/made/floor", "runs/made")
    assert floor.returncode == 2 and b"other texts were held out" in floor.stderr


@pytest.fixture(scope="module")
def both(place: Path) -> Path:
    """A run of both directions."""
    done = textmill(
        place,
        *("train", "news.en", "news.zh", "--task", "translate", "--both-ways", "--arch", "gru", "--name", "both"),
        *(*TINY, "--train.best_by", "bleu"),
    )
    assert done.returncode == 0, done.stderr.decode()
    return place / "runs/both"


def test_one_model_of_both_directions_is_measured_in_both_and_asked_for_one(place: Path, both: Path) -> None:
    measured = json.loads((both / "eval/test.json").read_text())
    assert {"bleu", "chrf", "bleu_back", "chrf_back"} <= set(measured["metrics"])
    made, run = (json.loads((place / "runs" / name / "run.json").read_text()) for name in ("made", "both"))
    assert made["data"]["prepared"] == run["data"]["prepared"]  # the text is prepared once
    logged = [json.loads(line) for line in (both / "metrics.jsonl").read_text().splitlines()]
    assert any("eval/bleu" in line for line in logged)
    forth = textmill(place, "translate", "runs/both", "--to", "zh", "The bird sees the lake.", "--json")
    back = textmill(place, "translate", "runs/both", "--to", "EN", "鸟看湖。", "--json")
    for done in (forth, back):
        assert done.returncode == 0, done.stderr.decode()
        jsonschema.validate(json.loads(done.stdout), results.Translated.model_json_schema(by_alias=True))
    found = json.loads(textmill(place, "compare", "runs/both", "runs/both", "--json").stdout)
    assert set(found["differences"]) == {"bpb", "bleu", "chrf", "bleu_back", "chrf_back"}


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(
    ("arguments", "stdin", "told"),
    [
        (("translate", "runs/made"), b"", "there is no line to translate"),
        (("translate", "runs/made", "--n-best", "3"), b"a\n", "add --json"),
        (("translate", "runs/made", "--n-best", "9", "--json"), b"a\n", "n_best is 9"),
        (("translate", "runs/made", "--to", "en"), b"a\n", "into en: it translates into zh"),
        (("translate", "runs/both"), b"a\n", "--to zh, or --to en"),
        (("translate", "runs/both", "--to", "fr"), b"a\n", "into fr: it translates into zh and into en"),
        (("train", "news.en", "--both-ways"), b"", "reads single texts: leave it out"),
        (("translate", "runs/made", "--show", "a.svg"), b"a\n", "--show draws one text"),
        (("translate", "runs/made", "A bird.", "--show", "a.gif"), b"", ".svg or .png"),
        (("translate", "runs/made", "A bird.", "--show", "none/a.svg"), b"", "no such folder"),
        (("translate", "runs/made", "A bird.", "--glossary", "none.tsv"), b"", "the glossary cannot be read"),
        (("compare", "runs/made", "runs/none"), b"", "there is no such run"),
        (("translate", "runs/made/floor"), b"a\n", "this run does not translate (it is an n-gram model)"),
        (("generate", "runs/made", "A"), b"", "textmill translate"),
        (("train", "news.en", "--task", "translate"), b"", "there is no file with its translation"),
        (("train", "news.en", "short.zh", "--task", "translate"), b"", "short.zh has 219"),
        (("train", "news.en", "news.zh"), b"", "'.en' are not read"),
        (("train", "news.en", "--source", "en"), b"", "data.source is of pairs"),
        (
            ("train", "news.en", "news.zh", "--task", "translate", "--train.order", "stream"),
            b"",
            "train.order is stream",
        ),
    ],
)
def test_what_does_not_go_is_one_line_and_writes_nothing(
    place: Path, arguments: tuple[str, ...], stdin: bytes, told: str
) -> None:
    lines = (place / "news.zh").read_text(encoding="utf-8").splitlines(keepends=True)
    (place / "short.zh").write_text("".join(lines[1:]), encoding="utf-8")
    before = sorted(path.name for path in (place / "runs").iterdir())
    done = textmill(place, *arguments, stdin=stdin)
    assert done.returncode == 2, done.stderr.decode()
    assert told in done.stderr.decode() and b"Traceback" not in done.stderr
    assert sorted(path.name for path in (place / "runs").iterdir()) == before


def test_each_side_has_its_own_vocabulary_from_the_text_to_the_translation(tmp_path: Path) -> None:
    pairs = [Pairs(seed=3).item(number) for number in range(220)]
    for side, language in (("source", "en"), ("target", "zh")):
        lines = "".join(f"{getattr(pair, side)}\n" for pair in pairs)
        (tmp_path / f"news.{language}").write_text(lines, encoding="utf-8")
    train = ["train", "news.en", "news.zh", "--task", "translate", "--arch", "gru", "--tokens.shared", "no", *TINY]
    planned = textmill(tmp_path, *train, "--steps", "6", "-n", "--json")
    assert planned.returncode == 0, planned.stderr.decode()
    done = textmill(tmp_path, *train, "--steps", "6", "--name", "two")
    assert done.returncode == 0, done.stderr.decode()
    assert "Each side has a vocabulary of its own" in done.stderr.decode()
    more = textmill(tmp_path, *train, "--steps", "9", "--name", "two")
    assert more.returncode == 0, more.stderr.decode()
    run = json.loads((tmp_path / "runs/two/run.json").read_text())
    assert run["finished"] and {"tokenizer.json", "tokenizer.source.json"} <= set(run["hashes"])
    facts = json.loads((tmp_path / "runs/two/tokenizer.source.textmill.json").read_text())
    mine = json.loads((tmp_path / "runs/two/tokenizer.textmill.json").read_text())
    assert facts["vocab_size"] != mine["vocab_size"]
    plan = json.loads(planned.stdout)["plan"]
    assert (plan["vocab_size_about"], plan["source_vocab_size_about"]) == (mine["vocab_size"], facts["vocab_size"])

    sources = "The small cat sees the dog.\n\nA bird runs.\n"
    out = textmill(tmp_path, "translate", "two", stdin=sources.encode())
    assert out.returncode == 0, out.stderr.decode()
    assert len(out.stdout.decode().split("\n")) == 4
    for verb in (["eval", "two"], ["doctor", "two"], ["report", "two"], ["info", "two"]):
        assert (told := textmill(tmp_path, *verb)).returncode == 0, told.stderr.decode()
    for arguments in (
        ["generate", "runs/two/floor", "猫"],
        ["train", "news.en", "news.zh", *train[3:], "--steps", "9"],
    ):
        told = textmill(tmp_path, *arguments, *(["--name", "two"] if arguments[0] == "train" else []))
        assert told.returncode == 0, told.stderr.decode()

    said = ["yes" if word == "no" else word for word in train]
    other = textmill(tmp_path, *said, "--steps", "12", "--name", "two")
    assert other.returncode == 2 and b"tokens.shared" in other.stderr

    (tmp_path / "runs/two/tokenizer.source.json").unlink()
    lacking = textmill(tmp_path, "translate", "two", "A bird runs.")
    assert lacking.returncode != 0 and b"Traceback" not in lacking.stderr and b"source_embedding" in lacking.stderr
