"""Each architecture gets an equal share, what is finished stays, and the recommendation says how sure it is."""

import json
from pathlib import Path
from typing import Any

import pytest
from ticking import Killed, Ticking, Watcher

from textmill.errors import ConfigError, InputError
from textmill.results import Candidate
from textmill.runs import Run
from textmill.tables import ARCHITECTURES
from textmill.training import choose, choosing, plan_choice
from textmill.training.choosing import reason_for, shares

TEXT = "".join(f"Line {i}: the {i % 9} geese of {i * i % 13} flew over {i % 4} hills.\n" for i in range(80))


def flags_of(folder: Path, **more: Any) -> dict[str, Any]:
    path = folder / "geese.txt"
    path.write_text(TEXT)
    return {
        "data.paths": (str(path),),
        "tokens.kind": "bytes",
        "model.n_layers": 1,
        "model.d_model": 16,
        "model.seq_len": 16,
        "train.minutes": 4,
        "train.batch": 4,
        "train.sample_tokens": 0,
        "machine.threads": 1,
        "machine.device": "cpu",
        "run.dir": str(folder / "runs"),
    } | more


def test_every_architecture_gets_the_same_minutes_and_a_name_of_its_own(tmp_path: Path) -> None:
    wanted = shares(flags_of(tmp_path), None)
    assert list(wanted) == list(ARCHITECTURES)
    assert {loaded.config.train.minutes for loaded in wanted.values()} == {1.0}
    assert {arch: loaded.config.run.name for arch, loaded in wanted.items()} == {
        arch: f"geese-choose-{arch}" for arch in ARCHITECTURES
    }
    assert {loaded.config.model.arch for loaded in wanted.values()} == set(ARCHITECTURES)


@pytest.mark.pictures
def test_a_choice_that_was_killed_goes_on_and_what_is_finished_is_not_done_again(tmp_path: Path) -> None:
    flags = flags_of(tmp_path)
    with pytest.raises(Killed):
        choose(flags, listener=Watcher(at_notice="gru, 3 of 4"), now=Ticking(1.0))
    done = Run.open(tmp_path / "runs" / "geese-choose-lstm")
    before = (done.path / "run.json").stat().st_mtime_ns
    assert done.status == "finished"
    assert not (tmp_path / "runs" / "geese-choose-gru").exists()

    watcher = Watcher()
    chosen = choose(flags, listener=watcher, now=Ticking(1.0))
    assert (done.path / "run.json").stat().st_mtime_ns == before
    assert sum("is finished" in line for line in watcher.notices) == 2
    assert watcher.notices[0] == "4 minutes in all: 1 for each of rnn, lstm, gru, transformer"

    measured = [one.metrics["bpb"] for one in chosen.candidates]
    assert measured == sorted(measured)
    assert {one.arch for one in chosen.candidates} == set(ARCHITECTURES)
    assert chosen.recommended == chosen.candidates[0].arch
    assert chosen.candidates[0].behind is None
    for one in chosen.candidates:
        evaluation = Run.open(one.run).evaluation()
        assert evaluation is not None
        assert one.metrics == evaluation.metrics
        low, high = one.intervals["bpb"]
        assert low < one.metrics["bpb"] < high
        if one.behind is not None:
            assert one.behind[0] <= one.metrics["bpb"] - measured[0] <= one.behind[1]
    assert {"uniform", "ngram", "ngram_bytes"} <= set(chosen.baselines)
    kept = json.loads((tmp_path / "runs" / "geese-choose" / "choose.json").read_text("utf-8"))
    assert kept["schema"] == "textmill.choose/1"
    assert kept == json.loads(chosen.to_json())
    [svg] = [path for path in chosen.plots if path.endswith(".svg")]
    picture = Path(svg).read_text("utf-8")
    assert all(name in picture for name in ("RNN", "LSTM", "GRU", "Transformer", "bits per byte"))

    planned = plan_choice(flags)
    assert planned.plan["gru"] == f"{tmp_path}/runs/geese-choose-gru: finished"


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    planned = plan_choice(flags_of(tmp_path))
    assert planned.plan["minutes_of_each"] == 1
    assert planned.plan["rnn"] == f"{tmp_path}/runs/geese-choose-rnn: to be trained"
    assert f"{tmp_path}/runs/geese-choose" in planned.writes
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("key", "value"), [("model.arch", "gru"), ("train.steps", 5), ("train.epochs", 1)])
def test_an_architecture_or_another_length_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"{key}: choose trains rnn, lstm, gru, transformer"):
        choose(flags_of(tmp_path, **{key: value}))
    with pytest.raises(ConfigError, match="n_heads"):  # a knob that not all of them have
        choose(flags_of(tmp_path, **{"model.n_heads": 2}))


def test_a_run_that_was_not_measured_cannot_be_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unmeasured:
        path = tmp_path

        def evaluation(self) -> None:
            return None

    with pytest.raises(InputError, match="no bits per byte of held-out text"):
        choosing.evaluation_of(Unmeasured())  # type: ignore[arg-type]


def candidate(arch: str, bpb: float, behind: tuple[float, float] | None) -> Candidate:
    return Candidate(
        arch=arch,
        run=f"runs/x-choose-{arch}",
        step=5,
        size="tiny",
        n_parameters={},
        took_s=None,
        metrics={"bpb": bpb},
        intervals={},
        behind=behind,
    )


def test_the_reason_says_what_cannot_be_told_apart_and_what_loses_to_its_floor() -> None:
    floors = {"ngram": {"bpb": 2.5}}
    far = [candidate("gru", 2.0, None), candidate("lstm", 2.1, (0.05, 0.15)), candidate("rnn", 2.4, (0.3, 0.5))]
    assert reason_for(far, floors).startswith("gru: 2.000 bits per byte; lstm, the next, is behind by 0.050 to 0.150")
    near = [far[0], candidate("lstm", 2.01, (-0.01, 0.03)), far[2]]
    assert "lstm cannot be told apart from it" in reason_for(near, floors)
    assert "does not beat its floor" in reason_for(far, {"ngram": {"bpb": 1.9}})
    assert "does not beat its floor" not in reason_for(far, floors)
