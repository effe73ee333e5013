"""The loss doctor: each cause is told by its facts, a sound run by none; facts come from what the folder holds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from textmill.config.layers import load_config
from textmill.models import LanguageModel
from textmill.runs import Run
from textmill.training import examine, session, train
from textmill.training.diagnosis import CAUSES, diagnose
from textmill.training.vitals import Vitals, vitals_of


def falling(start: float, end: float, n: int = 160, speed: float = 12.0) -> list[tuple[int, float]]:
    """A loss that falls as losses do, after a gentle first step."""
    shape = [math.exp(-speed * step * step / (n * n + 4 * step * n)) for step in range(n)]
    return [(step + 1, end + (start - end) * (share - shape[-1]) / (1 - shape[-1])) for step, share in enumerate(shape)]


SOUND = Vitals(
    train=falling(5.5, 1.0),
    valid=[(16 * n, loss) for n, loss in enumerate([3.0, 2.0, 1.5, 1.3, 1.2, 1.1, 1.05, 1.03, 1.02, 1.01], start=1)],
    steps_per_epoch=300,
    shuffled=True,
    vocab_size=257,
    n_tokens=120_000,
    n_documents=400,
    n_parameters=100_000,
    unigram_nats=2.9,
    learned_ids=80,
    learned_ids_used=1.0,
    copied=0.0,
    copied_in_part=0.05,
    places=np.random.default_rng(1).normal(size=(64, 4)),
    trained_nats=[1.0] * 24,
    gained=0.02,
    moved=0.8,
    embedding_turned=0.3,
    nats_at={0: 6.0, 1: 1.0, 2: 5.0},
    mark_nats=2.5,
    dead=0.05,
)


def spiked() -> list[tuple[int, float]]:
    return [(step, 8.0 if 2 < step < 110 else loss) for step, loss in SOUND.train]


def held() -> list[tuple[int, float]]:
    """A loss that falls soon, and stands."""
    return [(step, 1.6 + 4 * math.exp(-step / 6) + 0.05 * math.sin(step * step)) for step in range(1, 161)]


def in_waves(period: int) -> list[tuple[int, float]]:
    return [(step, 1.0 + 0.2 * math.sin(2 * math.pi * step / period)) for step in range(1, 161)]


def struck(later: float = 2.9, swing: float = 0.02) -> list[tuple[int, float]]:
    """A first step at the full rate, a blow at the fifth, and from then on a loss that stands: what single tokens
    cost."""
    start = [(1, 5.5), (2, 4.7), (3, 4.8), (4, 4.2), (5, 8.0), (6, 4.1)]
    return [*start, *[(n, later + swing * math.sin(n * n)) for n in range(7, 161)]]


LENGTHS = [28, 10, 18, 8]
FORGOTTEN = [5.0] * 8 + [2.5] * 8 + [1.0] * 8
"""What a token costs in three books that were read one after the other."""
BOOKS = np.repeat(np.eye(4), LENGTHS, axis=0)
"""What stands at 64 places of a text: four books, one after the other."""


def by_books(in_order: bool = True, seed: int = 2, n: int = 160, period: int = 150) -> list[tuple[int, float]]:
    """A loss that jumps where a book begins, in `period` steps for all four; or at random."""
    draw, begins = np.random.default_rng(seed), [sum(LENGTHS[:n]) * period / 64 for n in range(4)]
    found: list[tuple[int, float]] = []
    for step in range(1, n + 1):
        place = (step - 1) % period if in_order else int(draw.integers(period))
        within = min(place - begin for begin in begins if begin <= place)
        jump = 1.2 * math.exp(-within / 8) if step > 20 else 0.0  # a gentle beginning
        found.append((step, 3.0 * (step + 20) ** -0.3 * (1 + jump)))
    return found


SICK: dict[str, dict[str, Any]] = {
    "the labels are shifted": {"nats_at": {0: 6.0, 1: 4.0, 2: 1.0}},
    "the embeddings are frozen": {"embedding_turned": 0.0},
    "held-out documents stand in the training text": {"copied": 0.1},
    "the tokenizer does not fit the text": {"learned_ids_used": 0.05},
    "the end marks are missing": {"mark_nats": 14.0},
    "many units are dead": {"dead": 0.7},
    "the learning rate is too high": {"train": spiked(), "moved": 4.0},
    "the learning rate is too low": {"train": [(n, 5.5 - n / 2000) for n in range(1, 161)], "moved": 0.01},
    "there was no warm-up": {"train": [(1, 5.5), *[(n, 2.6) for n in range(2, 161)]], "dead": 0.8},
    "the rows were not shuffled": {"train": in_waves(40), "steps_per_epoch": 40},
    "there is far too little text": {"n_tokens": 3000, "valid": [(80, 1.1), (160, 1.4)]},
    "the model over-fits": {"valid": [(40, 1.6), (80, 1.4), (120, 1.5), (160, 1.7)]},
}


def test_every_cause_has_its_facts_here() -> None:
    assert set(SICK) == set(CAUSES)


def test_sound_facts_have_no_cause() -> None:
    assert diagnose(SOUND, "runs/x") == []


@pytest.mark.parametrize("cause", SICK)
def test_a_cause_is_named_first_with_evidence_and_remedy(cause: str) -> None:
    found = diagnose(replace(SOUND, **SICK[cause]), "runs/x")

    assert found[0].what == cause
    assert found[0].evidence and found[0].remedy and found[0].severity == "cause"
    strengths = [finding.strength for finding in found]
    assert strengths == sorted(strengths, key=lambda s: -(s or 0))
    assert all(s is not None and 0 < s < 1 for s in strengths)


@pytest.mark.parametrize(
    "facts",
    [
        {"train": in_waves(40), "steps_per_epoch": 40, "shuffled": False},  # a recurrence reads in order by design
        {"train": in_waves(40), "steps_per_epoch": 300},  # ups and downs that no epoch explains
        {"steps_per_epoch": 50},  # a falling loss, three epochs of it
        {"train": falling(5.5, 4.0), "unigram_nats": 4.1},  # a text of which single tokens tell nearly all
        {"train": [], "valid": []},
        {"mark_nats": None},
        {"copied": None, "copied_in_part": None},
        {"train": by_books(in_order=False), "steps_per_epoch": 150, "places": BOOKS},
        {"train": by_books(), "steps_per_epoch": 150},  # what the loss does is not what stands in the text
        {"train": by_books(), "steps_per_epoch": 150, "places": BOOKS, "shuffled": False},
        {"gained": 0.3},  # a loss that still falls
        {"trained_nats": FORGOTTEN, "steps_per_epoch": 160, "shuffled": False},
        {"trained_nats": [5.0] * 24, "steps_per_epoch": 160},  # all of it, as where rows begin elsewhere
        {"trained_nats": FORGOTTEN[::-1], "steps_per_epoch": 160},  # what was read last is the hardest
        {"n_tokens": 10_000, "valid": [(40, 1.6), (80, 1.4), (160, 1.4)]},  # read often, to no harm
        {"train": held(), "gained": 0.03},
        {"train": held(), "gained": None},
        {"train": SOUND.train[:3]},
        {"learned_ids": 0, "learned_ids_used": 1.0},
    ],
    ids=lambda facts: ", ".join(facts),
)
def test_what_is_not_known_or_is_meant_so_is_no_cause(facts: dict[str, Any]) -> None:
    assert diagnose(replace(SOUND, **facts), "runs/x") == []


def test_a_loss_that_stands_and_falls_at_once_at_a_low_rate_had_a_rate_too_high() -> None:
    [found] = diagnose(replace(SOUND, train=held(), gained=0.3), "runs/x")
    assert found.what == "the learning rate is too high" and "30.0%" in found.evidence


def test_one_pass_in_the_order_of_the_text_is_seen_by_what_stands_there() -> None:
    [found] = diagnose(replace(SOUND, train=by_books(), steps_per_epoch=150, places=BOOKS), "runs/x")
    assert found.what == "the rows were not shuffled" and "follow what stands in the text" in found.evidence


def seldom_logged(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """As a run logs by itself: a line of each of the first steps, then one of every ten, their mean."""
    later = range(30, len(points) + 1, 10)
    return [*points[:20], *[(step, float(np.mean([loss for _, loss in points[step - 10 : step]]))) for step in later]]


def test_a_few_passes_of_few_lines_are_told_by_what_was_new() -> None:
    """25 points for six facts of the text: moved by any stretch, these explain nearly as much. What is new does not."""
    read = replace(SOUND, places=BOOKS, steps_per_epoch=83)

    [found] = diagnose(replace(read, train=seldom_logged(by_books(n=250, period=83))), "runs/x")

    assert found.what == "the rows were not shuffled" and "follow what stands in the text" in found.evidence
    shuffled = [seldom_logged(by_books(in_order=False, seed=seed, n=250, period=83)) for seed in range(20)]
    assert not [found for train in shuffled for found in diagnose(replace(read, train=train), "runs/x")]


def test_a_blow_some_steps_after_a_first_step_at_the_full_rate_is_a_warm_up_that_is_missing() -> None:
    found = diagnose(replace(SOUND, train=struck(), moved=1.8, gained=0.002), "runs/x")
    assert found[0].what == "there was no warm-up" and "at step 5 it was 8.00" in found[0].evidence


@pytest.mark.parametrize(
    "facts",
    [
        {"train": struck(later=3.6, swing=0.5)},  # it swings above what single tokens cost
        {"gained": 0.2},  # a low rate helps at once: the rate is what holds it up
    ],
    ids=["swinging", "held up"],
)
def test_a_blow_after_which_the_rate_still_does_harm_is_a_rate_too_high(facts: dict[str, Any]) -> None:
    found = diagnose(replace(SOUND, **({"train": struck(), "moved": 4.0, "gained": 0.002} | facts)), "runs/x")
    assert found[0].what == "the learning rate is too high"


def test_a_blow_that_a_run_forgot_is_no_fault() -> None:
    blow = [(step, 8.0 if step == 5 else loss) for step, loss in SOUND.train]
    assert diagnose(replace(SOUND, train=blow), "runs/x") == []


def test_what_was_read_first_and_is_forgotten_was_not_shuffled() -> None:
    [found] = diagnose(replace(SOUND, trained_nats=FORGOTTEN, steps_per_epoch=160), "runs/x")
    assert found.what == "the rows were not shuffled" and "forgotten" in found.evidence


def test_a_model_that_learned_before_it_knew_the_text_by_heart_over_fits_and_one_that_never_did_lacks_text() -> None:
    late = {"n_tokens": 4000, "valid": [(40, 1.6), (80, 1.5), (120, 1.4), (160, 1.7)]}
    soon = {"n_tokens": 4000, "valid": [(40, 1.4), (80, 1.5), (120, 1.6), (160, 1.7)]}
    assert diagnose(replace(SOUND, **late), "runs/x")[0].what == "the model over-fits"
    assert diagnose(replace(SOUND, **soon), "runs/x")[0].what == "there is far too little text"


def test_a_beginning_that_is_logged_more_often_weighs_no_more() -> None:
    """The same curve, and it with a line for each ten steps after the first twenty."""
    often = replace(SOUND, train=spiked(), moved=4.0)
    seldom = replace(often, train=[point for point in often.train if point[0] <= 20 or point[0] % 10 == 0])
    first, second = (diagnose(vitals, "runs/x")[0] for vitals in (often, seldom))
    assert first.what == second.what == "the learning rate is too high"
    slow = [(step, 5.0 if step <= 20 else 1.0) for step in range(1, 121) if step <= 20 or step % 10 == 0]
    assert diagnose(replace(SOUND, train=slow, moved=4.0), "runs/x") == []


def test_a_rate_that_makes_the_beginning_far_worse_is_told_before_a_warm_up_that_is_missing() -> None:
    exploded = [(1, 5.5), *[(n, 14.0 - n / 20) for n in range(2, 161)]]

    found = diagnose(replace(SOUND, train=exploded, dead=0.8), "runs/x")

    assert [finding.what for finding in found][:2] == ["the learning rate is too high", "there was no warm-up"]


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("ill")
    text = folder / "text.jsonl"
    lines = [f'{{"text": "Line {i}: {i * i % 97} geese and {i % 7} more fly over the hill."}}\n' for i in range(120)]
    text.write_text("".join(lines))
    return {
        **{"data.paths": (str(text),), "tokens.kind": "char", "model.arch": "gru", "model.d_model": 16},
        **{"model.n_layers": 1, "model.seq_len": 16, "train.steps": 30, "train.batch": 4, "train.log_every": 1},
        **{"train.sample_tokens": 0, "machine.threads": 1, "run.dir": str(folder / "runs"), "train.lr": 1e-2},
    }


def trained(flags: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str) -> Run:
    monkeypatch.setattr(session, "close", lambda *args: None)
    return train(load_config(flags | {"run.name": name}))


@pytest.mark.parametrize("how", ["without a place in the optimizer", "without a gradient, but decayed"])
def test_frozen_embeddings_of_a_real_run_are_seen(
    flags: dict[str, Any], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    build, optimizers_of = session.new_model, session.build_optimizers

    def frozen(*arguments: Any, **more: Any) -> Any:
        model: Any = build(*arguments, **more)
        model.embedding.weight.register_hook(torch.zeros_like)
        return model

    def without_embedding(model: Any, config: Any) -> Any:
        optimizers = optimizers_of(model, config)
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            kept = [
                pair
                for pair in zip(group["param_names"], group["params"], strict=True)
                if not pair[0].startswith("embedding")
            ]
            group["param_names"], group["params"] = [name for name, _ in kept], [parameter for _, parameter in kept]
        return optimizers

    if how == "without a place in the optimizer":
        monkeypatch.setattr(session, "build_optimizers", without_embedding)
    else:
        monkeypatch.setattr(session, "new_model", frozen)
    run = trained(flags | {"train.optimizer": "adamw"}, monkeypatch, f"frozen {how}".replace(",", ""))

    found = examine(run.path)
    assert found.whole
    assert found.findings[0].what == "the embeddings are frozen"


def test_the_facts_of_a_real_run_are_those_of_its_files(flags: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(flags, monkeypatch, "sound")
    prepared = run.prepared()

    vitals = vitals_of(run)

    assert (vitals.n_tokens, vitals.n_documents) == (prepared.train.n_tokens, prepared.train.n_documents)
    assert [step for step, _ in vitals.train] == list(range(1, 31))
    assert vitals.train[-1][1] == run.log.read()[-1]["train/loss"]
    assert vitals.copied == 0.0 and vitals.embedding_turned > 0 and vitals.moved > 0
    model: Any = run.model("last")
    ids = torch.tensor([[prepared.tokenizer.mark, *prepared.valid.tokens[:15].tolist()]])  # a row begins with a mark
    with torch.no_grad():
        nats, _ = model.nll(ids[:, :15], ids[:, 1:])
    monkeypatch.setattr("textmill.training.vitals.N_PLACES_MEASURED", 1)
    assert vitals_of(run).nats_at[1] == pytest.approx(float(nats.mean()), rel=1e-5)


def test_a_run_of_one_document_a_row_is_asked_about_no_other_layout(
    flags: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never read a mark. Rows of several documents would hold marks, and it would gain by learning of them."""
    own = {"tokens.pack": False, "tokens.begin_mark": False}
    run = trained(flags | own, monkeypatch, "a document a row")
    read: list[torch.Tensor] = []
    forward = LanguageModel.forward

    def watched(self: LanguageModel, ids: torch.Tensor, *more: Any, **other: Any) -> Any:
        read.append(ids)
        return forward(self, ids, *more, **other)

    monkeypatch.setattr(LanguageModel, "forward", watched)
    vitals = vitals_of(run)

    assert len(read) > 40 and not any((ids == run.prepared().tokenizer.mark).any() for ids in read)
    assert vitals.gained is not None and math.isfinite(vitals.mark_nats or math.nan)
    assert all(math.isfinite(nats) for nats in [*vitals.nats_at.values(), *vitals.trained_nats])


def test_a_run_whose_text_was_deleted_is_not_judged_and_says_so(
    flags: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(flags, monkeypatch, "bare")
    monkeypatch.setattr(
        type(run), "prepared", lambda self: (_ for _ in ()).throw(session.RunError("the text is not there"))
    )

    found = examine(run.path)

    assert found.whole
    assert "the text is not there" in [finding.evidence for finding in found.findings]
