"""Pairs as batches: every target token counts once, whatever stands beside it; smoothing moves gradients alone."""

from __future__ import annotations

import math

import pytest
import torch

from textmill.config import PRESETS, Config, RecurrentConfig, TransformerConfig
from textmill.errors import ConfigError, ContextFull, TooLittleText
from textmill.generation.beam import BeamSettings
from textmill.models import build_model
from textmill.tasks.length_batches import LengthSampler
from textmill.tasks.translate import Translate, Translation
from textmill.text.aligned import SentencePair
from textmill.text.worlds import Pairs
from textmill.tokens import Tokenizer

PAIRS = [SentencePair(item.source, item.target, f"w:{n}") for n, item in enumerate(map(Pairs(seed=4).item, range(12)))]
ARCHS = ["rnn", "lstm", "gru", "transformer"]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train("bytes", ["x"], None, 0)


def model_of(arch, tokenizer, **knobs):
    torch.set_num_threads(1)
    sizes = {"n_layers": 1, "d_model": 16, "seq_len": 400, **knobs}
    if arch == "transformer":
        config = TransformerConfig(**PRESETS["transformer"]["modern"], **sizes)
    else:
        config = RecurrentConfig(arch=arch, **sizes)
    model = build_model(config, tokenizer.vocab_size, "encoder-decoder", seed=3).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.empty_like(parameter).normal_(std=0.2, generator=torch.Generator().manual_seed(1))
    return model


@pytest.mark.parametrize("arch", ARCHS)
def test_the_loss_of_a_batch_is_the_sum_of_its_pairs_alone_and_what_measuring_says(arch, tokenizer):
    task, model = Translate(), model_of(arch, tokenizer).eval()
    pairs = task.pair_ids(PAIRS, tokenizer)
    with torch.no_grad():
        alone = [task.loss(model, task.batch([pair], tokenizer.mark))[0] for pair in pairs]
        together, _ = task.loss(model, task.batch(pairs, tokenizer.mark))
    assert together.count == sum(len(pair.target.encode()) + 1 for pair in PAIRS) == sum(one.count for one in alone)
    assert float(together.total) == pytest.approx(sum(float(one.total) for one in alone), rel=1e-9)
    for batch in (1, 5, 32):
        config = Config(task={"name": "translate"}, eval={"batch": batch})
        scores = task.measure(model, pairs, tokenizer, config)
        assert [score.source for score in scores] == [pair.place for pair in PAIRS]
        for score, one, pair in zip(scores, alone, PAIRS, strict=True):
            assert score.nats == pytest.approx(float(one.total), rel=1e-9)
            assert (score.n_tokens, score.n_bytes, score.n_chars) == (
                one.count, len(pair.target.encode()), len(pair.target)
            )  # fmt: skip
    assert task.metrics(scores)["loss"] == pytest.approx(float(together.total) / together.count)


@pytest.mark.parametrize("logits_at_once", [2**24, 700])
def test_smoothing_reports_the_loss_and_moves_the_gradient_as_on_paper(tokenizer, logits_at_once, monkeypatch):
    """Of one logit vector z the smoothed gradient is P − ((1 − ε) onehot + ε / V)."""
    monkeypatch.setattr("textmill.models.softmax.SCORES_AT_ONCE", logits_at_once)
    monkeypatch.setattr("textmill.models.softmax.SCORES_OF_A_CHUNK", logits_at_once)
    monkeypatch.setattr("textmill.models.softmax.ROWS_OF_A_CHUNK", 1)
    plain, smooth = Translate(), Translate(label_smoothing=0.1)
    model = model_of("gru", tokenizer).train()
    batch = plain.batch(plain.pair_ids(PAIRS[:3], tokenizer), tokenizer.mark)
    gradients = []
    for task in (plain, smooth):
        model.zero_grad()
        loss, _ = task.loss(model, batch)
        loss.total.backward()
        gradients.append(model.head.bias.grad.clone())
        assert float(loss.total.detach()) == pytest.approx(float(plain.loss(model, batch)[0].total.detach()), rel=1e-9)
    counts = torch.bincount(batch.targets[batch.targets >= 0], minlength=tokenizer.vocab_size).double()
    expected = gradients[0] + 0.1 * counts - 0.1 * batch.n_targets / tokenizer.vocab_size
    torch.testing.assert_close(gradients[1], expected)
    model.eval()
    assert float(smooth.loss(model, batch)[0].total.detach()) == pytest.approx(
        float(plain.loss(model, batch)[0].total.detach())
    )
    with pytest.raises(ConfigError, match=r"label_smoothing is 1\.0"):
        Translate(label_smoothing=1.0)


def test_a_direction_stands_before_a_mark_of_its_own_that_no_text_holds(tokenizer):
    task, mark = Translate(directions=("zh", "en")), tokenizer.mark
    [plain] = Translate().source_ids(["zh<|endoftext|>a"], tokenizer)
    [named] = task.source_ids(["a"], tokenizer)
    assert plain.count(mark) == 1 and plain[-1] == mark
    assert named == (*b"zh", mark, *b"a", mark)
    assert task.source_ids(["a"], tokenizer, way=1)[0] == (*b"en", mark, *b"a", mark)


def test_a_pair_is_read_in_both_directions_from_one_store(tokenizer, tmp_path):
    one, both = Translate(), Translate(directions=("zh", "en"))
    mark = tokenizer.mark
    store = one.encode([pair.document() for pair in PAIRS], tokenizer, tmp_path)
    there = list(one.examples(store, tokenizer))
    read = list(both.examples(store, tokenizer))
    assert [pair.way for pair in read] == [0, 1] * len(PAIRS)
    for pair, forth, back, alone in zip(PAIRS, read[::2], read[1::2], there, strict=True):
        assert forth.source == (*b"zh", mark, *alone.source) and forth.target == alone.target
        assert back.source == (*b"en", mark, *pair.target.encode(), mark)
        assert bytes(back.target).decode() == pair.source
        assert (back.n_bytes, back.n_chars) == (len(pair.source.encode()), len(pair.source))
        assert forth.place == back.place == pair.place
        assert [both.source_text(found, tokenizer) for found in (forth, back)] == [pair.source, pair.target]
    assert both.pair_ids(PAIRS, tokenizer) == read and one.pair_ids(PAIRS, tokenizer) == there

    longest = sorted(max(len(pair.source), len(pair.target) + 1) for pair in read)
    config = Config(task={"name": "translate"}, model={"seq_len": longest[-3]})
    rows = both.rows(store, tokenizer, config)
    kept = [pair for pair in read if max(len(pair.source), len(pair.target) + 1) <= longest[-3]]
    assert [rows.pair(number) for number in range(len(rows.sizes))] == kept and len(kept) < len(read)
    assert rows.sizes == [max(len(pair.source), len(pair.target) + 1) for pair in kept]


def test_both_directions_are_judged_apart_and_the_best_is_best_in_both(tokenizer, tmp_path, monkeypatch):
    """A model that knows Chinese by heart and writes nonsense in English."""
    both = Translate(directions=("zh", "en"), best_by="bleu")
    store = both.encode([pair.document() for pair in PAIRS], tokenizer, tmp_path)
    known = {pair.source: pair.target for pair in PAIRS}

    def translations(model, tokenizer, texts, settings=None, way=0, **others):
        return [[Translation(known[text] if way == 0 else "x y z", 0.0, True)] for text in texts]

    monkeypatch.setattr(both, "translations", translations)
    config = Config(task={"name": "translate", "both_ways": True}, data={"paths": ("a.en", "a.zh")})
    assert (Translate.of(config).directions, Translate.of(Config(task={"name": "translate"})).directions) == (
        ("zh", "en"), None
    )  # fmt: skip
    judged = both.judge(None, tokenizer, list(both.examples(store, tokenizer)), config, store)
    assert judged.metrics["bleu"] == pytest.approx(100) and judged.metrics["bleu_back"] < 5
    assert {"bleu", "chrf", "bleu_back", "chrf_back"} == set(judged.metrics)
    assert "tok:zh" in judged.convention["bleu_signature"] and "tok:13a" in judged.convention["bleu_signature_back"]
    assert set(judged.baselines["dictionary"]) == set(judged.metrics)
    assert [row["way"] for row in judged.rows] == [0, 1] * len(PAIRS)
    assert [row["reference"] for row in judged.rows[1::2]] == [pair.source for pair in PAIRS]
    quickly = both.output_scores(None, tokenizer, both.examples(store, tokenizer), config)
    assert quickly["bleu"] == pytest.approx((judged.metrics["bleu"] + judged.metrics["bleu_back"]) / 2)


def test_a_source_with_several_translations_is_translated_and_scored_once(tokenizer, tmp_path, monkeypatch):
    """A model that writes the second of three translations is right."""
    told = ["他跑得很快。", "他跑步跑得飞快。", "那个人跑得非常快。"]
    pairs = [SentencePair("He runs fast.", text, f"more.tsv:{number}") for number, text in enumerate(told, 1)]
    pairs = [pairs[0], *PAIRS, *pairs[1:]]
    task = Translate()
    store = task.encode([pair.document() for pair in pairs], tokenizer, tmp_path)
    known = {pair.source: pair.target for pair in PAIRS} | {"He runs fast.": told[1]}
    asked = []

    def translations(model, tokenizer, texts, settings=None, way=0, **others):
        asked.extend(texts)
        return [[Translation(known[text], 0.0, True)] for text in texts]

    monkeypatch.setattr(task, "translations", translations)
    config = Config(task={"name": "translate"}, data={"paths": ("a.en", "a.zh")})
    judged = task.judge(None, tokenizer, list(task.examples(store, tokenizer)), config)
    assert len(asked) == len(set(asked)) == len(PAIRS) + 1
    assert judged.metrics["bleu"] == pytest.approx(100) and judged.metrics["chrf"] == pytest.approx(100)
    assert "nrefs:var" in judged.convention["bleu_signature"]
    assert [note for note in judged.notes if "several" in note] == [
        "1 source has several translations in this text: it is scored once, against all of them."
    ]
    rows = judged.rows
    assert [rows[n]["sentence"] for n in (0, -2, -1)] == [0, 0, 0]
    assert [rows[n]["reference"] for n in (0, -2, -1)] == told and {rows[n]["output"] for n in (0, -2, -1)} == {told[1]}

    known["He runs fast."] = "x"
    assert task.judge(None, tokenizer, list(task.examples(store, tokenizer)), config).metrics["bleu"] < 100


def test_both_directions_need_names_and_pairs():
    nameless = Config(task={"name": "translate", "both_ways": True}, data={"paths": ("pairs.tsv",)})
    with pytest.raises(ConfigError, match="have no names to tell them apart"):
        Translate.of(nameless)
    with pytest.raises(ConfigError, match="task lm reads single texts"):
        Config(task={"both_ways": True})


def test_batches_hold_every_pair_once_an_epoch_within_their_tokens():
    size = [max(i % 37 + 2, i * i % 23 + 2) for i in range(500)]
    sampler = LengthSampler(size, tokens=200, accumulate=1, seed=5)
    first, second = ([number for batch in sampler.batches(epoch) for number in batch] for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(500)) and first != second
    for batch in sampler.batches(0):
        assert len(batch) * max(size[number] for number in batch) <= 200
    places = sum(len(batch) * max(size[number] for number in batch) for batch in sampler.batches(0))
    assert places < 1.15 * sum(size)  # like lengths together: little padding
    n = len(sampler.batches(0))
    assert sampler.steps_per_epoch == n
    walked = [sampler.rows(step) for step in range(n + 3)]
    anew = LengthSampler(size, tokens=200, accumulate=1, seed=5)
    assert [anew.rows(step) for step in (n + 2, 0, n)] == [walked[n + 2], walked[0], walked[n]]
    assert LengthSampler(size, tokens=200, accumulate=1, seed=6).rows(0) != walked[0]
    by_three = LengthSampler(size, tokens=200, accumulate=3, seed=5)
    assert [micro for step in range(n // 3) for micro in by_three.rows(step)] == [
        micro for [micro] in walked[: n // 3 * 3]
    ]
    with pytest.raises(ConfigError, match="a batch holds 20 tokens, and an example alone has 38"):
        LengthSampler([3, 38], tokens=20, accumulate=1, seed=0)
    with pytest.raises(TooLittleText, match="nothing to train on"):
        LengthSampler([], tokens=20, accumulate=1, seed=0)


@pytest.mark.parametrize("arch", ARCHS)
def test_an_empty_text_gives_an_empty_text_and_the_others_keep_their_places(arch, tokenizer):
    task, model = Translate(), model_of(arch, tokenizer).eval()
    settings = BeamSettings(beams=2, max_new_tokens=5, n_best=2)
    texts = ["one", "", "桥", "  ", "three"]
    best = list(task.translations(model, tokenizer, texts, settings))
    assert len(best) == 5
    assert [found[0].text for found in (best[1], best[3])] == ["", ""]
    for place in (0, 2, 4):
        [alone] = task.translations(model, tokenizer, [texts[place]], settings)
        assert [one.text for one in alone] == [one.text for one in best[place]]
        assert [one.score for one in alone] == pytest.approx([one.score for one in best[place]])
        assert all(math.isfinite(one.score) for one in alone)


def test_a_text_beyond_the_context_is_refused_by_its_number_before_any_is_translated(tokenizer):
    model = model_of("transformer", tokenizer, seq_len=8).eval()
    with pytest.raises(ContextFull, match="text 3 has 9 tokens with its marks, and the model reads 8"):
        next(Translate().translations(model, tokenizer, ["short", "", "12345678"]))
