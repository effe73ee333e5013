"""Minutes become a size, a batch and steps: by speeds that tests give, and in runs whose clock tests set."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from ticking import Killed, Ticking, Watcher

from textmill.config import Config
from textmill.config.layers import Loaded, from_toml, load_config
from textmill.errors import ConfigError, RunError
from textmill.runs import Run
from textmill.runs.checkpoint import load_checkpoint
from textmill.training import plan_run, session, train
from textmill.training.budget import Around, Speed, Text, choose, is_due, replanned
from textmill.training.calibration import calibrate
from textmill.training.schedule import COURSES, Plan
from textmill.training.spending import Budget, Stopwatch, with_length

TEXT = "".join(f"Line {i}: the {i % 9} geese of {i * i % 13} flew over {i % 4} hills.\n" for i in range(80))
NOTHING = Around(0, 0, 0, 0, 0.0)
LARGE = Text(n_tokens=10**9, n_rows=10**6, least_batch=3)  # 1000 targets a row


def speed(size: str, update_s: float, precision: str = "float32", batch: int = 16) -> Speed:
    n_parameters = {"tiny": 800_000, "small": 5_000_000, "base": 25_000_000}[size]
    return Speed(size, precision, n_parameters, batch, (update_s, update_s), written_s=0.0)


# choices, from speeds


def test_the_largest_size_is_taken_that_reads_ten_tokens_a_parameter_in_the_time() -> None:
    speeds = [speed("tiny", 0.1), speed("small", 0.5), speed("base", 2.0)]
    # small needs 50 M targets: 3,125 updates of 16,000, 1562.5 s; base 250 M: 15,625 updates, 31,250 s
    assert choose(speeds, LARGE, NOTHING, 1560).size == "tiny"
    assert choose(speeds, LARGE, NOTHING, 1565).size == "small"
    assert choose(speeds, LARGE, NOTHING, 31_200).size == "small"
    assert choose(speeds, LARGE, NOTHING, 31_300).size == "base"
    assert choose(speeds, LARGE, NOTHING, 1565).steps == 3130


def test_a_text_with_fewer_tokens_than_a_tenth_of_the_parameters_gets_a_smaller_size() -> None:
    speeds = [speed("tiny", 0.001), speed("small", 0.001)]
    assert choose(speeds, Text(499_000, 499, least_batch=3), NOTHING, 1e6).size == "tiny"
    # 20 passes over 2.6 M are the 50 M that small wants at least
    assert choose(speeds, Text(2_600_000, 2600, least_batch=3), NOTHING, 1e6).size == "small"
    assert choose(speeds, Text(2_400_000, 2400, least_batch=3), NOTHING, 1e6).size == "tiny"


def test_a_small_text_is_read_twenty_times_however_much_time_there_is() -> None:
    choice = choose([speed("tiny", 0.1)], Text(160_000, 160, least_batch=3), NOTHING, 1e6)
    assert (choice.steps, choice.n_fitting) == (20 * 10, 10**7)


def test_what_else_is_to_be_done_is_taken_off_the_time() -> None:
    # An update of 16,000 targets takes 0.48 s, so a token that is only read 1e-5 s: a third.
    around = Around(read_during=200_000, written_during=0, read_after=300_000, written_after=0, after_s=5.0)
    choice = choose([speed("tiny", 0.48)], LARGE, around, 100 * 0.48 * 10 + 2 + 3 + 5)
    assert choice.steps in (999, 1000)  # the last digit of a sum of floats
    assert (choice.during_s, choice.after_s) == (pytest.approx(2), pytest.approx(8))


def test_the_batch_is_halved_until_three_hundred_updates_fit_unless_it_was_said() -> None:
    assert choose([speed("tiny", 1.6)], LARGE, NOTHING, 100).batch == 4  # 62 updates of 16 rows, 250 of 4; 2 is too few
    assert choose([speed("tiny", 1.6)], LARGE, NOTHING, 250).batch == 8
    said = Text(LARGE.n_tokens, LARGE.n_rows, least_batch=None)
    assert choose([speed("tiny", 1.6)], said, NOTHING, 100).batch == 16


def test_bfloat16_is_taken_where_it_is_faster_and_not_where_it_hardly_matters() -> None:
    def taken(bfloat16_s: float) -> str:
        return choose([speed("tiny", bfloat16_s, "bfloat16"), speed("tiny", 1.0)], LARGE, NOTHING, 1e4).precision

    assert [taken(0.5), taken(0.98), taken(2.0)] == ["bfloat16", "float32", "float32"]


def test_a_budget_that_is_over_before_training_gives_one_step() -> None:
    choice = choose([speed("tiny", 1.0)], LARGE, NOTHING, -5)
    assert (choice.steps, choice.n_fitting) == (1, 0)


# planning anew


def plan(schedule: str, steps: int, warmup: int = 3, decay_share: float = 0.6) -> Plan:
    return Plan(steps, 0, schedule, warmup, decay_share, 0.1, None, 1, 1, 1)


@pytest.mark.parametrize("schedule", COURSES)
@pytest.mark.parametrize("steps", [4, 10, 57])
def test_no_rate_so_far_is_another_under_the_steps_that_are_planned_anew(schedule: str, steps: int) -> None:
    old = plan(schedule, steps)
    tried = 0
    for done in range(1, old.open_until + 1):
        for left_s in (0.0, 5.0, 40.0, 1000.0):
            new = plan(schedule, replanned(old, done, spent_s=float(done), left_s=left_s, useful=200))
            assert [new.rate_factor(k) for k in range(1, done + 1)] == [old.rate_factor(k) for k in range(1, done + 1)]
            tried += new.steps != steps
    assert tried


def test_wsd_is_planned_anew_at_forty_percent_and_a_level_rate_at_half() -> None:
    wsd, constant = plan("wsd", 103), plan("constant", 100)  # 60 of 103 - 3 steps fall: the 44th is the last level one
    assert wsd.open_until == 44
    assert [is_due(wsd, 30, spent, 100) for spent in (42, 43)] == [False, True]  # 44 / 103 = 0.427
    assert is_due(wsd, 44, 1, 100) and not is_due(wsd, 45, 99, 100)
    assert [is_due(constant, 30, spent, 100) for spent in (49, 50)] == [False, True]


def test_twice_the_speed_gives_twice_the_steps_but_not_more_than_are_useful() -> None:
    # 40 of 100 steps in 20 of 100 s, 80 s left: 160 more
    assert replanned(plan("wsd", 100, 0), 40, 20, 80, useful=1000) == 200
    assert replanned(plan("wsd", 100, 0), 40, 20, 80, useful=150) == 150
    assert replanned(plan("wsd", 100, 0), 40, 40, 61, useful=1000) == 100  # 101: hardly another


# runs


@pytest.fixture(autouse=True)
def nothing_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textmill.training.session.close", lambda *args: None)


def said(folder: Path, **more: Any) -> Loaded:
    path = folder / "geese.txt"
    path.write_text(TEXT)
    flags: dict[str, Any] = {
        "data.paths": (str(path),),
        "tokens.kind": "bytes",
        "model.arch": "gru",
        "model.n_layers": 1,
        "model.d_model": 16,
        "model.seq_len": 16,
        "train.minutes": 1,
        "train.batch": 4,
        "train.sample_tokens": 0,
        "machine.threads": 1,
        "machine.device": "cpu",
        "run.dir": str(folder / "runs"),
    }
    return load_config({key: value for key, value in (flags | more).items() if value is not None})


def assert_equals_a_run_of_its_config(run: Run) -> None:
    config = from_toml(run.path / "config.toml")
    again = train(config.model_copy(update={"run": config.run.model_copy(update={"name": "again"})}))
    steps = config.train.steps
    mine, theirs = (load_checkpoint(each.checkpoints / f"step-{steps:08d}") for each in (run, again))
    for group in ("model", "optimizer", "state"):
        tensors, others = getattr(mine, group), getattr(theirs, group)
        assert tensors.keys() == others.keys()
        assert [name for name in tensors if not torch.equal(tensors[name], others[name])] == []
    logs = [
        [
            {k: v for k, v in line.items() if k != "train/tokens_per_second" and not k.startswith("time/")}
            for line in each.log.read()
        ]
        for each in (run, again)
    ]
    assert logs[0] == logs[1]
    assert "budget" in run.info and "budget" not in again.info


@pytest.mark.parametrize(("arch", "tick"), [("gru", 0.5), ("transformer", 0.03)])
def test_a_run_with_a_budget_is_planned_anew_once_and_its_config_repeats_it_to_the_bit(
    arch: str, tick: float, tmp_path: Path
) -> None:
    clock, watcher = Ticking(0.3), Watcher()  # the machine becomes faster, or slower, once the first plan is made
    before = watcher.notice

    def notice(text: str) -> None:
        before(text)
        if text.startswith("1 minutes: "):
            clock.tick = tick

    watcher.notice = notice  # type: ignore[method-assign]
    more = {"model.arch": arch, "model.n_heads": 2} if arch == "transformer" else {}
    run = train(said(tmp_path, **more), listener=watcher, now=clock)

    [change] = run.info["budget"]["steps_changed"]
    assert run.config.train.steps == change["to"] == run.step
    assert run.config.train.minutes == 1
    assert (change["to"] > change["from"]) == (tick < 0.3)
    assert [line for line in watcher.notices if line.startswith(f"step {change['at']}: at this pace {change['to']}")]
    told = watcher.notices[-1]
    assert ("faster than when the machine was calibrated" in told) == (tick < 0.3)
    assert_equals_a_run_of_its_config(run)


@pytest.mark.parametrize("when", ["before", "in between", pytest.param("after", marks=pytest.mark.ci)])
def test_a_run_killed_about_the_new_plan_ends_by_the_same_command_as_its_config_says(when: str, tmp_path: Path) -> None:
    more = {"train.save_every": 3, "run.name": "killed"}
    whole = train(said(tmp_path, **more | {"run.name": "whole"}), now=Ticking(0.6))
    [change] = whole.info["budget"]["steps_changed"]
    watchers = {
        "before": Watcher(at_step=change["at"]),
        "in between": Watcher(at_notice="at this pace"),  # config.toml has it, and no step was made by it
        "after": Watcher(at_step=change["at"] + 2),
    }
    with pytest.raises(Killed):
        train(said(tmp_path, **more), listener=watchers[when], now=Ticking(0.6))
    steps = Run.open(tmp_path / "runs" / "killed").config.train.steps
    assert steps == (change["from"] if when == "before" else change["to"])

    run = train(said(tmp_path, **more), now=Ticking(50.0))  # the clock does not matter any more
    assert run.step == run.config.train.steps == steps
    assert_equals_a_run_of_its_config(run)


def test_weights_before_the_first_step_are_those_of_a_run_without_calibration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, torch.Tensor]] = []
    real = session.updates

    def watched(model: torch.nn.Module, *args: Any, **knobs: Any) -> Any:
        seen.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return real(model, *args, **knobs)

    monkeypatch.setattr(session, "updates", watched)
    run = train(said(tmp_path), now=Ticking(0.5))
    after_calibration = seen[0]
    seen.clear()
    train(said(tmp_path, **{"train.minutes": None, "train.steps": run.step, "run.name": "other"}))
    assert after_calibration.keys() == seen[0].keys()
    assert all(torch.equal(after_calibration[name], seen[0][name]) for name in seen[0])


def test_sizes_are_timed_in_turns_within_the_limit_and_what_is_too_slow_is_left_out(tmp_path: Path) -> None:
    _, prepared, *_ = session.ready(said(tmp_path, **{"train.minutes": None, "train.steps": 1}), Watcher())
    configs = []
    for size, width in (("tiny", 8), ("small", 24), ("base", 512)):  # 4 times as dear, and then 60 times
        more = {
            "model.d_model": width,
            "model.size": size,
            "train.minutes": None,
            "train.steps": 1,
            "tokens.kind": "bytes",
        }
        config, *_ = session.ready(said(tmp_path, **more), Watcher())
        configs.append(config)
    clock = Ticking(0.3)  # every update takes 0.3 s, however large the model is
    speeds, left_out = calibrate(configs, ["float32"], prepared, 15.0, clock)
    assert [each.size for each in speeds] == ["tiny", "small"]
    assert left_out == ["base"]
    assert all(2 <= len(each.seconds) <= 4 for each in speeds)
    assert clock.seconds < 15.0

    speeds, left_out = calibrate(configs, ["float32"], prepared, 0.1, Ticking(1.0))  # time for nothing
    assert [(each.size, each.seconds) for each in speeds] == [("tiny", (1.0,))]
    assert left_out == ["small", "base"]


def test_what_was_said_is_not_chosen_and_what_was_not_is_written_down(tmp_path: Path) -> None:
    watcher = Watcher()
    more = {"model.n_layers": None, "model.d_model": None, "train.batch": None, "model.seq_len": 8, "model.arch": "rnn"}
    run = train(said(tmp_path, **more), listener=watcher, now=Ticking(0.7))
    assert any("tiny, small and base" in line for line in watcher.notices)
    assert run.config.model.size == "tiny"  # a text of 4 kB is too small for any other
    assert None not in (run.config.train.batch, run.config.train.steps, run.config.train.warmup_steps)
    assert run.config.train.precision == "float32" or "bfloat16" in " ".join(watcher.notices)


# how long was said


def test_without_a_length_it_is_ten_minutes_and_that_is_the_first_line(tmp_path: Path) -> None:
    watcher = Watcher(at_notice="calibrating")
    with pytest.raises(Killed):
        train(said(tmp_path, **{"train.minutes": None}), listener=watcher)
    assert watcher.notices[0] == "--steps, --epochs and --minutes are unsaid: --minutes 10"
    assert watcher.notices[-1].startswith("calibrating for 60 s at most")


def test_minutes_and_epochs_are_refused_and_minutes_beside_steps_are_a_note() -> None:
    with pytest.raises(ConfigError, match=r"train\.epochs \(--epochs\) and train\.minutes \(--minutes\) both say how"):
        with_length(Config(train={"minutes": 5, "epochs": 2}))
    config, [told] = with_length(Config(train={"minutes": 5, "steps": 20}))
    assert config.train.steps == 20
    assert told == "train.minutes (5) is a note: train.steps (20) says how long to train"


def test_a_run_of_minutes_refuses_other_minutes_and_more_steps_make_it_one_of_steps(tmp_path: Path) -> None:
    run = train(said(tmp_path), now=Ticking(1.0))
    with pytest.raises(RunError, match=r"train\.minutes: 1\.0 -> 2\.0"):
        train(said(tmp_path, **{"train.minutes": 2}))
    steps = run.step + 2
    grown = train(said(tmp_path, **{"train.minutes": None, "train.steps": steps}))
    assert (grown.config.train.minutes, grown.step) == (None, steps)


def test_a_plan_says_what_would_be_timed_and_writes_nothing(tmp_path: Path) -> None:
    found = plan_run(said(tmp_path, **{"model.d_model": None, "model.n_layers": None}))
    assert found.plan["minutes"] == 1
    assert found.plan["would_calibrate"].startswith("tiny, small and base in ")
    assert found.plan["would_calibrate"].endswith(", for 6 s at most")
    assert "passes" not in found.plan["cost_about"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["geese.txt"]


def test_a_miss_is_told_beside_the_drift_and_a_steady_machine_has_none() -> None:
    seconds = [0.0]
    choice = choose([speed("tiny", 1.0)], Text(LARGE.n_tokens, LARGE.n_rows), NOTHING, 57)
    watch = Stopwatch(lambda: seconds[0], -3.0)
    budget = Budget(1, watch, LARGE, choice, [speed("tiny", 1.0)], [], 5.0)
    seconds[0] = 57
    assert budget.outcome(57 * 1.05, 57)[0] == "it took 1.00 of 1 minutes"
    seconds[0] = 72
    told, facts = budget.outcome(choice.steps * choice.update_s * 1.25, choice.steps)
    assert told.startswith("it took 1.25 of 1 minutes, 25% more than planned; an update was 25% slower than when ")
    assert facts["drift"] == 0.25
    assert json.loads(json.dumps(budget.facts()))["planned_s"] == pytest.approx(60, abs=0.5)
