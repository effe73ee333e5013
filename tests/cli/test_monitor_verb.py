"""Opinion over time as a person types it: a run, a stream with dates, and what is printed, written and refused."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from test_classify_verb import place, textmill  # noqa: F401  the run that is shared

from textmill import results
from textmill.cli.shell import main
from textmill.evaluation import evaluate
from textmill.runs import open_run
from textmill.text.worlds import Sentiment

pytestmark = pytest.mark.ci

DAY, N_DAYS, PER_DAY = 22, 40, 60


def write_stream(
    path: Path, form: str = "%Y-%m-%d", encoding: str = "utf-8", products: tuple[str, ...] = ("",)
) -> None:
    """Reviews of which 20 % are negative, and of the first product from DAY on 60 %; no text on days 5 and 6."""
    reviews: dict[str, list[str]] = {}
    for number in range(5000, 8000):
        review = Sentiment(seed=3, language="zh", n_labels=3).item(number)
        reviews.setdefault(review.label, []).append(review.text)
    draw = random.Random(1)
    with path.open("w", encoding=encoding, newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["日期", "产品", "评论"])
        for number in range(N_DAYS):
            if number in (5, 6):
                continue
            day = date(2024, 5, 1) + timedelta(days=number)
            said = form.format(day) if "{" in form else day.strftime(form)
            for product in products:
                share = 0.6 if number >= DAY and product == products[0] else 0.2
                for _ in range(PER_DAY):
                    label = "负面" if draw.random() < share else draw.choice(["正面", "中性"])
                    rows.writerow([said, product, draw.choice(reviews[label])])


def mill(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """A command in this process, for loading Python's libraries once; exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["monitor", *arguments])
    return code, out.getvalue(), err.getvalue()


def found_in(folder: Path, *arguments: str, run: str = "runs/made") -> dict[str, Any]:
    code, out, err = mill(folder, run, *arguments, "--json")
    assert code == 0, err
    return checked(out)


def checked(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)
    jsonschema.validate(found, results.Monitored.model_json_schema(by_alias=True))
    return found


@pytest.fixture(scope="module")
def stream(place: Path) -> str:  # noqa: F811
    write_stream(place / "stream.csv", "{0.year}年{0.month}月{0.day}日", "gb18030")
    return "stream.csv"


def test_a_planted_shift_in_a_gb18030_file_with_chinese_dates_is_found(place: Path, stream: str) -> None:  # noqa: F811
    found = found_in(place, stream, "--time", "日期", "--zone", "Asia/Shanghai")
    [one] = found["series"]
    [alarm] = one["alarms"]

    assert alarm["earliest"] <= "2024-05-23T00:00:00+08:00" <= alarm["latest"]  # DAY
    assert alarm["grown"] == "负面" and alarm["difference"]["负面"][0] > 0.1
    assert alarm["examples"] and all(example["source"].startswith("stream.csv:") for example in alarm["examples"])
    assert [number for number, period in enumerate(one["periods"]) if period["shares"] is None] == [5, 6]
    assert found["n_texts"] == (N_DAYS - 2) * PER_DAY == sum(period["n"] for period in one["periods"])
    assert found["is_corrected"] and sum(map(sum, found["confusion"])) == sum(found["measured_on"].values())
    assert set(found["measured_on"]) == {"test", "validation"}


def test_standard_input_says_the_same_as_the_file(place: Path, stream: str) -> None:  # noqa: F811
    whole = found_in(place, stream, "--time", "日期")
    arguments = ("monitor", "runs/made", "-", "--time", "日期", "--json")
    done = textmill(place, *arguments, stdin=(place / stream).read_bytes())
    assert done.returncode == 0, done.stderr.decode()
    piped = checked(done.stdout.decode())
    assert [period["counts"] for period in piped["series"][0]["periods"]] == [
        period["counts"] for period in whole["series"][0]["periods"]
    ]
    assert [alarm["at"] for alarm in piped["series"][0]["alarms"]] == [
        alarm["at"] for alarm in whole["series"][0]["alarms"]
    ]


@pytest.mark.pictures
def test_products_are_followed_apart_and_the_page_is_one_file(place: Path) -> None:  # noqa: F811
    write_stream(place / "two.csv", products=("杯子", "帽子"))
    arguments = ("two.csv", "--time", "日期", "--by", "产品", "--every", "day", "--out", "page", "--lang", "zh")
    found = found_in(place, *arguments)
    assert [one["name"] for one in found["series"]] == ["帽子", "杯子"]
    assert [bool(one["alarms"]) for one in found["series"]] == [False, True]

    page = (place / "page/monitor.html").read_text(encoding="utf-8")
    assert "<script" not in page and "src=" not in page and 'lang="zh-Hans"' in page
    assert page.count("<svg") == 4  # two products, wide and narrow
    assert "占比由" in page and found["series"][1]["alarms"][0]["examples"][0]["text"] in page
    kept = json.loads((place / "page/monitor.json").read_text(encoding="utf-8"))
    assert kept == found and kept["plots"] == [
        f"page/plots/opinion-{number}.{ending}" for number in (1, 2) for ending in ("svg", "png")
    ]
    _, told, _ = mill(place, "runs/made", *arguments)
    assert "警报 1：自 2024-05-2" in told and "没有警报。" in told and "此前还有" in told


def test_the_floor_and_another_checkpoint_are_corrected_by_their_own_errors(place: Path, stream: str) -> None:  # noqa: F811
    own = found_in(place, stream, "--time", "日期")
    floor = found_in(place, stream, "--time", "日期", run="runs/made/floor")
    with contextlib.chdir(place):
        measured = evaluate(open_run("runs/made/floor"))
    assert floor["measured_on"] == own["measured_on"]
    assert floor["measured_on"]["test"] == measured.metrics["n_texts"]
    last = found_in(place, stream, "--time", "日期", "--checkpoint", "last")
    assert last["confusion"] != own["confusion"] and sum(map(sum, last["confusion"])) == sum(map(sum, own["confusion"]))


def test_bad_input_is_one_clear_line(place: Path, stream: str) -> None:  # noqa: F811
    (place / "slashes.csv").write_text("date,text\n03/04/2024,房间很好\n", encoding="utf-8")
    (place / "bad.csv").write_text("date,text\n昨天,房间很好\n", encoding="utf-8")
    (place / "empty.csv").write_text("date,text\n", encoding="utf-8")
    (place / "plain.txt").write_text("房间很好\n", encoding="utf-8")
    refused = {
        (stream, "--time", "日朝"): "no column '日朝'",
        (stream, "--time", "日期", "--by", "产"): "no column '产'",
        (stream, "--time", "日期", "--zone", "Asia/Shangai"): "did you mean 'Asia/Shanghai'",
        (stream, "--time", "日期", "--false-alarms", "0"): "--false-alarms",
        (stream,): "--time",
        ("slashes.csv", "--time", "date"): "--dates day-first",
        ("bad.csv", "--time", "date"): "bad.csv:2: '昨天' is no date",
        ("bad.csv", "--time", "date", "--strict"): "bad.csv:2: '昨天' is no date",
        ("empty.csv", "--time", "date"): "no text with a date",
        ("plain.txt", "--time", "date"): "no columns in the format text",
        ("nowhere.csv", "--time", "date"): "no such file",
    }
    for arguments, said in refused.items():
        code, out, err = mill(place, "runs/made", *arguments)
        assert code == 2 and said in err and not out, (arguments, err)


def test_a_plan_writes_nothing(place: Path, stream: str) -> None:  # noqa: F811
    code, out, _ = mill(place, "runs/made", stream, "--time", "日期", "--out", "planned", "-n")
    assert code == 0 and "planned/monitor.html" in out
    assert not (place / "planned").exists()


def test_from_python(place: Path, stream: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    import textmill as house

    monkeypatch.chdir(place)
    found = house.monitor("runs/made", stream, "日期", every="week")
    assert found.series[0].n_texts == (N_DAYS - 2) * PER_DAY and "too few for an alarm" in found.series[0].stated
