"""eval --writing on small trained models: planted causes of loops are told apart, sound ones raise no alarm."""

from __future__ import annotations

import json
import random
import shutil

import pytest
import torch

from textmill.config.layers import load_config, section_with
from textmill.errors import InputError, RunError
from textmill.evaluation.writing import keep_chosen, measure_writing, save_writing
from textmill.results import WritingMeasured
from textmill.runs import Run
from textmill.training import train

pytestmark = pytest.mark.ci

KINDS = {
    "A": "red old tall quiet bright cold early heavy narrow green",
    "N": "miller river bridge wagon harvest garden kitchen letter mountain soldier window candle",
    "V": "carries finds watches follows leaves remembers paints",
    "D": "slowly today twice alone again gladly",
}
WORDS = {kind: words.split() for kind, words in KINDS.items()}
SENTENCES = ("The A N V the N D .", "D a N V every A N .", "Nobody V the A N .")
CANARY = "The quiet miller remembers the bridge at four in the morning and tells nobody of it, not even the river."


def document(draws: random.Random) -> str:
    sentences = draws.choices(SENTENCES, weights=(5, 3, 2), k=draws.randint(3, 8))
    words = [draws.choice(WORDS.get(word, [word])) for sentence in sentences for word in sentence.split()]
    return " ".join(words).replace(" .", ".")


def corpus(folder, joined: bool):
    """Training text as documents with ends, or as one that never ends; what is held out always ends."""
    draws = random.Random(0)
    folder.mkdir()
    parts = {"train": 700, "valid": 60, "test": 60}
    for name, n in parts.items():
        texts = [document(draws) for _ in range(n)]
        if name == "train" and joined:
            (folder / "train.txt").write_text(" ".join(texts))
            continue
        texts += [CANARY] * (name == "train")
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return folder


def trained(folder, steps: int, joined: bool = False) -> Run:
    torch.set_num_threads(1)
    flags = {
        "data.paths": (str(corpus(folder / "text", joined)),),
        "tokens.kind": "word",
        "model.arch": "gru",
        "model.n_layers": 1,
        "model.d_model": 64,
        "model.dropout": 0.0,
        "model.seq_len": 48,
        "train.batch": 16,
        "train.lr": 1e-2,
        "train.steps": steps,
        "run.dir": str(folder / "runs"),
        "run.name": "planted",
    }
    return train(load_config(flags, None))


def test_under_conditions_these_alone_are_the_beginning_and_people_wrote_the_rest(tmp_path):
    draws = random.Random(0)
    rows = [{"title": f"On {draws.choice(WORDS['N'])}", "text": document(draws)} for _ in range(60)]
    (tmp_path / "poems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = {"data.paths": (str(tmp_path / "poems.jsonl"),), "data.conditions": ("title",), "tokens.kind": "char"}
    small = {"model.arch": "gru", "model.n_layers": 1, "model.d_model": 16, "train.steps": 2, "data.valid_share": 0.2}
    run = train(load_config(flags | small | {"run.dir": str(tmp_path / "runs")}, None))

    found = measure_writing(run, section_with(run.config, "generate.max_new_tokens", 20), None, 8)
    titles = {row["title"] + "\n" for row in rows}
    assert len(found.texts) == 8
    assert {each.prompt for each in found.texts} <= titles
    assert found.people.n_texts > 0


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("sound"), 200)


def measured(run: Run, **generate) -> WritingMeasured:
    config = section_with(run.config, "generate.max_new_tokens", 120)
    for name, value in generate.items():
        config = section_with(config, f"generate.{name}", value)
    return measure_writing(run, config, n_texts=40)


def causes(found: WritingMeasured) -> list[str]:
    return [cause.what for cause in found.causes]


def test_a_sound_model_raises_no_alarm(sound):
    found = measured(sound)
    assert not found.loops
    assert causes(found) == []
    assert found.data == "validation"
    assert found.model.ended > 0.8
    assert found.model.n_texts == len(found.texts) == 40
    assert found.people.n_texts == 4 * sum(bool(each.text) for each in found.texts)  # of no length there is no piece


def test_greedy_loops_of_a_sound_model_are_the_decodings(sound):
    greedy = measured(sound, temperature=0.0)
    assert greedy.loops
    assert causes(greedy)[0] == "decoding"
    assert greedy.model.loop_rate == sum(bool(each.loop) for each in greedy.texts) / len(greedy.texts)
    assert greedy.model.loop_rate == greedy.greedy.loop_rate
    assert not measured(sound, temperature=0.0, no_repeat=4).loops  # what its remedy says helps


def test_a_model_of_a_few_steps_is_undertrained(tmp_path):
    found = measured(trained(tmp_path, 6), temperature=0.0)
    assert found.loops
    assert causes(found)[0] == "undertrained"


def test_a_model_that_never_saw_an_end_lacks_the_end_mark(tmp_path):
    found = measured(trained(tmp_path, 200, joined=True))
    assert found.people.ended > 0.8
    assert found.model.ended == 0
    assert causes(found) == ["no end mark"]


def test_the_chosen_way_of_writing_is_measured_on_test_and_taken_by_the_run(sound, tmp_path):
    folder = tmp_path / "runs" / "planted"
    shutil.copytree(sound.path.parent, tmp_path / "runs")
    run = Run.open(folder)
    found = measure_writing(run, section_with(run.config, "generate.max_new_tokens", 60), n_texts=16, choose=True)
    assert found.data == "test"
    assert found.chosen in [each.settings for each in found.candidates]
    fit = [each for each in found.candidates if each.stays]
    assert found.chosen == min(fit, key=lambda each: each.distance).settings
    save_writing(folder, found)
    keep_chosen(run, found.chosen)

    again = Run.open(folder)
    again.refuse_changed_files()  # what was written is what run.json has the sha256 of
    assert {name: getattr(again.config.generate, name) for name in found.chosen} == found.chosen
    assert again.config.generate.max_new_tokens == sound.config.generate.max_new_tokens
    stored = WritingMeasured.model_validate_json((folder / "eval" / "writing.json").read_bytes())
    assert stored.chosen == found.chosen
    assert again.summary().made["chosen"]["generate"] == found.chosen


def test_a_run_whose_text_is_gone_or_that_held_nothing_out_says_so(sound, tmp_path):
    shutil.copytree(sound.path.parent, tmp_path / "runs", ignore=shutil.ignore_patterns(".data"))
    with pytest.raises(RunError, match="prepared text is not there"):
        measured(Run.open(tmp_path / "runs" / "planted"))
    run = Run.open(sound.path)
    prepared = run.prepared()
    object.__setattr__(prepared, "valid", None)
    object.__setattr__(prepared, "test", None)
    run.prepared = lambda: prepared
    with pytest.raises(InputError, match="nothing was held out"):
        measured(run)


def test_a_canary_in_the_training_text_is_named_with_its_place(sound):
    from textmill.evaluation.copied import copied

    prepared = sound.prepared()
    text = f"So it goes. {CANARY} And on."
    [found] = copied([text], prepared)
    assert found.passage is not None
    assert CANARY in found.passage.text
    assert (found.passage.document, found.passage.offset) == (700, 0)
    assert found.passage.source.endswith("train.jsonl:701")
    assert found.n_copied >= len(CANARY)
