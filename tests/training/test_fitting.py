"""A run that does not fit into memory is refused before step 0 with what would fit, or made to fit, the same run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from ticking import Watcher

from textmill.config import Config
from textmill.config.layers import Loaded, from_toml, load_config
from textmill.errors import ConfigError, NoMemory
from textmill.models import build_model
from textmill.runs import Prepared, Run
from textmill.tasks import task_of
from textmill.tasks.prepare import prepare
from textmill.tokens import Sampler
from textmill.training import dry_run, fitting, plan_run, session, train, verify_run
from textmill.training.batching import batches_of
from textmill.training.fitting import Facts, Room, fitted, halved, left_to_group, needed
from textmill.training.optimizers import build_optimizers
from textmill.training.schedule import Plan
from textmill.training.session import cut_for
from textmill.training.updates import updates

TEXT = "".join(f"Line {i}: the {i % 9} geese of {i * i % 13} flew over {i % 4} hills.\n" for i in range(120))
FACTS = Facts(vocab_size=257, device="cpu", n_rows=10_000)


def said(folder: Path, **more: Any) -> Loaded:
    path = folder / "geese.txt"
    path.write_text(TEXT)
    return load_config(
        {
            "data.paths": (str(path),),
            "tokens.kind": "bytes",
            "model.arch": "gru",
            "model.n_layers": 1,
            "model.d_model": 16,
            "model.seq_len": 16,
            "model.dropout": 0.0,
            "train.steps": 6,
            "train.batch": 8,
            "train.sample_tokens": 3,
            "train.eval_every": 2,
            "train.keep": 5,
            "eval.resamples": 100,
            "machine.threads": 1,
            "run.dir": str(folder / "runs"),
        }
        | more
    )


def config_of(**train: Any) -> Config:
    known = {"batch": 8, "optimizer": "adamw", "lr": 1e-2, "weight_decay": 0.0, "order": "shuffle"}
    return Config.model_validate({"train": known | train, "model": {"arch": "gru", "dropout": 0.0}})


def leaves(monkeypatch: pytest.MonkeyPatch, n_bytes: int) -> None:
    """The machine has so many bytes from now on."""
    for module in (session, dry_run):
        monkeypatch.setattr(module, "room_on", lambda device, n_threads=1: Room(n_bytes, "in this test"))


def bytes_for(loaded: Loaded, batch: int, n_rows: int = 10_000, **train: Any) -> int:
    """What a run needs with so many rows at once."""
    settings = {"batch": batch, "optimizer": "adamw", "accumulate": 2, **train}
    config = loaded.config.model_copy(update={"train": loaded.config.train.model_copy(update=settings)})
    return needed(config, Facts(257, "cpu", n_rows))["total"]


# --- the same rows


@pytest.mark.parametrize("batch", [1, 2, 7, 8, 12, 15])
@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("order", ["shuffle", "stream"])
def test_smaller_micro_batches_read_the_same_rows_each_within_one_of_before(
    batch: int, accumulate: int, order: Any
) -> None:
    config: Config | None = config_of(batch=batch, accumulate=accumulate)
    whole = Sampler(101, batch, accumulate, seed=3, order=order)
    while config := halved(config):
        train = config.train
        assert train.batch and train.batch * train.accumulate == batch * accumulate
        parts = Sampler(101, train.batch, train.accumulate, seed=3, order=order)
        for step in range(2 * whole.steps_per_epoch):
            one, other = whole.rows(step), parts.rows(step)
            assert [row for micro in one for row in micro] == [row for micro in other for row in micro]
            assert all(any(set(part) <= set(micro) for micro in one) for part in other)
        assert parts.steps_per_epoch == whole.steps_per_epoch


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("geese")
    return prepare(said(folder).config, folder / "data")[0]


def trained(prepared: Prepared, config: Config, n_steps: int) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Losses of the updates, and the weights after them, in float64."""
    task = task_of(config)
    model = build_model(config.model, prepared.tokenizer.vocab_size, seed=1).double().train()
    rows = task.rows(prepared.train, prepared.tokenizer, config)
    batches = batches_of(task, rows, config, model, "cpu")
    plan = Plan(n_steps, 0, "constant", 0, 0.5, 0.0, 1.0, 1, 1, 1)
    made = updates(model, build_optimizers(model, config.train), task, batches, plan)
    return [update.loss.mean for update in made], model.state_dict()


@pytest.mark.parametrize("arch", ["rnn", "lstm", "gru", "transformer"])
@pytest.mark.parametrize("order", ["shuffle", "stream"])
def test_a_run_in_smaller_micro_batches_is_the_same_run(prepared: Prepared, arch: str, order: str) -> None:
    heads = {"n_heads": 2} if arch == "transformer" else {}
    model = {"arch": arch, "n_layers": 2, "d_model": 16, "seq_len": 16, "dropout": 0.0, **heads}
    known = {"optimizer": "adamw", "lr": 1e-2, "weight_decay": 0.1, "order": order}

    def with_rows(batch: int, accumulate: int) -> Config:
        return Config.model_validate({"model": model, "train": {**known, "batch": batch, "accumulate": accumulate}})

    task, config = task_of(with_rows(8, 1)), with_rows(8, 1)
    n_steps = task.sampler(task.rows(prepared.train, prepared.tokenizer, config), config).steps_per_epoch + 3
    losses, weights = trained(prepared, config, n_steps)  # more than an epoch: its last update is short
    for batch, accumulate in ((4, 2), (2, 4)):
        other_losses, other_weights = trained(prepared, with_rows(batch, accumulate), n_steps)
        assert other_losses == pytest.approx(losses, rel=1e-9)
        for name, tensor in weights.items():
            torch.testing.assert_close(other_weights[name], tensor, rtol=1e-6, atol=1e-9)


def test_weights_of_a_split_run_would_differ_if_it_read_other_rows(prepared: Prepared) -> None:
    config = config_of(batch=8)
    other = config_of(batch=4)
    assert trained(prepared, config, 3)[0] != pytest.approx(trained(prepared, other, 3)[0], rel=1e-6)


@pytest.mark.parametrize("arch", ["lstm", "gru"])
def test_a_run_that_is_continued_in_smaller_micro_batches_carries_its_states_on(
    tmp_path: Path, arch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    knobs = {"model.arch": arch, "train.order": "stream"}
    whole = train(said(tmp_path, **{**knobs, "run.name": "whole"}))
    begun = said(tmp_path, **{**knobs, "run.name": "begun"})
    stopped_at(monkeypatch, 4, RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to get 1 byte"))
    with pytest.raises(NoMemory):
        train(begun)
    monkeypatch.undo()
    run = train(said(tmp_path, **{**knobs, "run.name": "begun", "train.fit": True}))
    assert (run.config.train.batch, run.config.train.accumulate) == (4, 2)
    one, other = whole.latest_good(print), run.latest_good(print)
    assert one is not None and other is not None and one.step == other.step == 6
    for name, tensor in one.model.items():
        torch.testing.assert_close(other.model[name], tensor, rtol=1e-4, atol=2e-6)


def test_states_are_cut_within_their_micro_batches_and_the_short_last_one_too() -> None:
    from textmill.models.state import RecurrentState

    def state(*lanes: int) -> RecurrentState:
        numbers = torch.tensor(lanes)
        return RecurrentState({"h": numbers[None, :, None].float()}, numbers, numbers)

    cut = cut_for([state(0, 1, 2, 3), state(4, 5, 6), None], 2)
    lanes = [None if part is None else part.n_seen.tolist() for part in cut]
    assert lanes == [[0, 1], [2, 3], [4, 5], [6], None, None]
    assert [part.vectors["h"].flatten().tolist() for part in cut if part] == [[0, 1], [2, 3], [4, 5], [6]]
    assert cut_for(cut, 2) == cut


# --- before step 0


def test_what_does_not_fit_is_refused_before_anything_of_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = said(tmp_path, **{"model.d_model": 256, "train.batch": 32})
    leaves(monkeypatch, (bytes_for(loaded, 4, fit=True) + bytes_for(loaded, 8, fit=True)) // 2)
    for attempt in (train, plan_run):
        with pytest.raises(ConfigError, match=r"too little memory: training needs about .* MB at most") as refused:
            attempt(loaded)
        assert "in this test" in str(refused.value) and "4 at once and 8 times an update" in str(refused.value)
        assert "--fit" in str(refused.value)
    assert not (tmp_path / "runs" / "geese").exists()


def test_the_size_that_is_advised_fits_and_one_more_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config.model_validate(
        {"model": {"arch": "lstm", "size": "large", "n_layers": 2, "d_model": 2304, "dropout": 0.0},
         "train": {"batch": 16, "optimizer": "adamw"}}
    )  # fmt: skip
    sizes = fitting.sizes_of("decoder")["lstm"]
    of = {
        name: config.model_copy(update={"model": config.model.model_copy(update={"size": name, **knobs})})
        for name, knobs in sizes.items()
    }
    needs = {name: needed(other, FACTS)["total"] for name, other in of.items()}
    assert needs["tiny"] < needs["small"] < needs["base"] < needs["large"]
    with pytest.raises(ConfigError, match=r"This would fit: .*--size small\."):
        fitted(config, FACTS, Room(needs["small"] + 1, "left"))
    with pytest.raises(ConfigError, match=r"Not one row fits, nor a smaller size"):
        fitted(config, FACTS, Room(1000, "left"))


def test_with_fit_the_run_is_split_noted_written_down_and_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = said(tmp_path, **{"model.d_model": 256, "train.batch": 32, "train.fit": True, "train.steps": 2})
    leaves(monkeypatch, (bytes_for(loaded, 8) + bytes_for(loaded, 16)) // 2)
    assert (plan_run(loaded).plan["batch"], plan_run(loaded).plan["accumulate"]) == (8, 4)
    watcher = Watcher()
    given_back: list[bool] = []
    monkeypatch.setattr(session, "give_large_blocks_back", lambda: given_back.append(True))
    run = train(loaded, listener=watcher)
    assert given_back == [True]
    assert any("8 at once, 4 times an update, which reads the same rows" in line for line in watcher.notices)
    written = from_toml(run.path / "config.toml").train
    assert (written.batch, written.accumulate, written.fit) == (8, 4, True)
    again = Watcher()
    train(loaded, listener=again)  # what was said is no difference to what came of it
    assert any("nothing to do" in line for line in again.notices)


def test_a_batch_that_is_another_number_of_rows_is_refused_with_fit_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knobs: dict[str, Any] = {"model.d_model": 256, "train.fit": True, "train.steps": 2}
    loaded = said(tmp_path, **knobs, **{"train.batch": 32})
    leaves(monkeypatch, (bytes_for(loaded, 8) + bytes_for(loaded, 16)) // 2)
    train(loaded)
    with pytest.raises(Exception, match="begun with other settings") as refused:
        train(said(tmp_path, **knobs, **{"train.batch": 16}))
    assert "train.batch: 8 -> 16" in str(refused.value)


def test_where_not_one_row_fits_fit_is_no_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves(monkeypatch, 1000)
    with pytest.raises(ConfigError, match="too little memory"):
        train(said(tmp_path, **{"train.fit": True}))


def test_a_budget_tries_no_size_that_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from textmill.training.spending import with_room

    loaded = load_config({"model.arch": "gru", "train.minutes": 1.0, "train.batch": 8})
    config = loaded.config
    folder = tmp_path / "data"
    ready, _ = prepare(said(tmp_path).config, folder)
    facts = Facts(ready.tokenizer.vocab_size, "cpu", 40)
    sizes = ["tiny", "small", "base"]
    decided = {name: fitting_config(config, name) for name in sizes}
    room = Room(needed(decided["small"], facts)["total"], "left")
    notices: list[str] = []
    assert with_room(config, sizes, ready, 40, room, notices.append) == (config, ["tiny", "small"])
    assert notices == [f"base would not fit into memory, {room}: not tried"]


def fitting_config(config: Config, size: str) -> Config:
    from textmill.training.defaults import decide
    from textmill.training.spending import with_size

    return decide(with_size(config, size), 5000, 40, 10)[0]


def test_pairs_are_refused_fit_and_told_what_would_fit() -> None:
    config = Config.model_validate(
        {
            "data": {"source": "en", "target": "de"},
            "task": {"name": "translate"},
            "model": {"arch": "gru", "dropout": 0.0},
            "train": {"batch": 64, "optimizer": "adamw", "fit": True},
        }
    )
    half = halved(config)
    assert config.data.pairs and half is not None
    room = Room(needed(half, FACTS)["total"], "left")
    with pytest.raises(ConfigError, match=r"--fit is not for pairs.*\n.*--train.batch 32 --train.accumulate 2"):
        fitted(config, FACTS, room)


def test_few_rows_of_text_need_no_more_than_they_fill() -> None:
    config = config_of(batch=512)
    assert needed(config, Facts(257, "cpu", 8)) == needed(config_of(batch=8), FACTS)


# --- what there is


def test_a_control_group_leaves_what_is_neither_used_nor_a_cache(tmp_path: Path) -> None:
    told, root = tmp_path / "cgroup", tmp_path / "fs"
    own = root / "work" / "job"
    own.mkdir(parents=True)
    told.write_text("0::/work/job\n")
    for folder, most, used in ((own, "max", 300), (own.parent, "1000", 700)):
        (folder / "memory.max").write_text(f"{most}\n")
        (folder / "memory.current").write_text(f"{used}\n")
        (folder / "memory.stat").write_text("anon 1\ninactive_file 50\n")
    assert left_to_group(told, root) == 1000 - 700 + 50  # that of the group around it
    (own / "memory.max").write_text("400\n")
    assert left_to_group(told, root) == 400 - 300 + 50


def test_a_control_group_of_the_first_version_is_read_too(tmp_path: Path) -> None:
    told, root = tmp_path / "cgroup", tmp_path / "fs"
    (root / "memory").mkdir(parents=True)
    told.write_text("5:cpu,memory:/docker/abc\n3:pids:/docker/abc\n")
    (root / "memory" / "memory.limit_in_bytes").write_text("1000")
    (root / "memory" / "memory.usage_in_bytes").write_text("400")
    (root / "memory" / "memory.stat").write_text("total_inactive_file 100\n")
    assert left_to_group(told, root) == 700
    (root / "memory" / "memory.limit_in_bytes").write_text(str(2**63 - 4096))
    assert left_to_group(told, root) is None


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert left_to_group(tmp_path / "none", tmp_path) is None


def test_what_fits_once_freed_memory_goes_back_is_said_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = said(tmp_path, **{"model.d_model": 256, "train.batch": 32})
    alone = bytes_for(loaded, 32, accumulate=1)
    leaves(monkeypatch, (bytes_for(loaded, 32, accumulate=1, fit=True) + alone) // 2)
    with pytest.raises(ConfigError) as refused:
        plan_run(loaded)
    assert "--fit, which gives freed memory back at once" in str(refused.value.hint)
    assert plan_run(said(tmp_path, **{"model.d_model": 256, "train.batch": 32, "train.fit": True})).plan["batch"] == 32


# --- memory that runs out all the same


def stopped_at(monkeypatch: pytest.MonkeyPatch, step: int, error: BaseException) -> None:
    """An update raises, after `step` of them."""
    real = session.updates

    def failing(*arguments: Any) -> Any:
        for update in real(*arguments):
            yield update
            if update.step == step:
                raise error

    monkeypatch.setattr(session, "updates", failing)


def no_memory() -> list[BaseException]:
    found: list[BaseException] = [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")]
    try:
        torch.empty(2**60, dtype=torch.uint8)
    except RuntimeError as error:
        found.append(error)
    return found


def test_what_torch_says_without_memory_is_known() -> None:
    assert len(no_memory()) == 3 and all(fitting.is_out_of_memory(error) for error in no_memory())
    assert not fitting.is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


@pytest.mark.parametrize("error", no_memory(), ids=lambda error: type(error).__name__)
def test_memory_that_runs_out_is_one_line_that_names_what_is_kept_and_what_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    stopped_at(monkeypatch, 4, error)
    with pytest.raises(NoMemory, match=r"memory ran out: .*step 4 of .* is kept") as told:
        train(said(tmp_path))
    assert told.value.exit_code == 2 and told.value.hint is not None
    assert "--fit, which reads the same rows, 4 at once and 2 times an update" in told.value.hint
    monkeypatch.undo()

    watcher = Watcher()
    run = train(said(tmp_path, **{"train.fit": True}), listener=watcher)
    assert (run.step, run.config.train.batch, run.config.train.accumulate) == (6, 4, 2)
    assert any("8 rows at once were too many before: 4 at once" in line for line in watcher.notices)
    assert verify_run(load_config({"data.paths": (str(run.path),)})).equal


def test_before_the_first_checkpoint_it_is_said_that_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_at(monkeypatch, 1, MemoryError())
    with pytest.raises(NoMemory, match="has no checkpoint yet"):
        train(said(tmp_path))


def test_another_error_stays_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_at(monkeypatch, 1, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        train(said(tmp_path))
    assert "memory_ran_out_at_rows" not in Run.open(tmp_path / "runs" / "geese").info


def test_a_run_that_fits_is_left_to_the_allocator_which_is_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "give_large_blocks_back", lambda: pytest.fail("updates would take twice as long"))
    train(said(tmp_path, **{"train.steps": 2}))
