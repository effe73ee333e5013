"""Laws of generate() for every architecture: batch = alone, cached = read again, n and seed; in float64, one thread."""

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from textmill.config.measure import GenerateConfig
from textmill.config.model import ModelConfig
from textmill.generation import distribution, generate
from textmill.generation.engine import read
from textmill.generation.sampling import draw, uniform_at
from textmill.models import build_model
from textmill.models.ngram import NGram
from textmill.tables import ARCHITECTURES

VOCAB_SIZE, MARK = 23, 22
PROMPTS = [[1], [2, 3, 4, 5, 6, 7, 8], [9, 1] * 5, [3] * 13]
GREEDY = GenerateConfig(temperature=0.0, max_new_tokens=20)
WARM = GenerateConfig(temperature=1.0, top_p=0.9, repetition_penalty=1.1, max_new_tokens=20)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def tiny_model(arch, seq_len=64, dtype=torch.float64, dropout=0.0):
    """Weights far from their first values: a modern Transformer begins as the identity, blind to its context."""
    knobs = {"arch": arch, "n_layers": 2, "d_model": 16, "seq_len": seq_len, "dropout": dropout}
    if arch == "transformer":
        knobs["n_heads"] = 2
    config = TypeAdapter(ModelConfig).validate_python(knobs)
    model = build_model(config, VOCAB_SIZE, seed=1).to(dtype).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
    return model


def test_the_ngram_writes_the_same_alone_in_a_batch_and_without_any_state():
    stream = np.random.default_rng(0).integers(0, VOCAB_SIZE, 200).repeat(2)
    model = NGram.fit(stream, VOCAB_SIZE, MARK)
    batch = ids_by_row(model, PROMPTS, WARM, n=2, mark=MARK)
    alone = [row for prompt in PROMPTS for row in ids_by_row(model, [prompt], WARM, n=2, mark=MARK)]
    without_state = [slowly(model, prompt, WARM, 5, sample, None) for prompt in PROMPTS for sample in range(2)]
    assert batch == alone == without_state


def ids_by_row(model, prompts, settings, **knobs):
    rows = {}
    for piece in generate(model, prompts, settings, seed=knobs.pop("seed", 5), notice=lambda message: None, **knobs):
        rows.setdefault(piece.row, []).append(piece.id)
    return [rows[row] for row in sorted(rows)]


def slowly(model, prompt, settings, seed, sample, max_context):
    """The whole context is read anew for each token, in one call, without a state."""
    context, new = list(prompt), []
    while True:
        if max_context is not None and len(context) > max_context:
            context = context[-(max_context // 2) :]
        with torch.no_grad():
            log_probs = model.log_probs(torch.tensor([context]))[0][0, -1].double().numpy()
        probabilities = distribution(log_probs, settings, {*prompt, *new} - {MARK}, new)
        new.append(draw(probabilities, uniform_at(seed, sample, len(new))))
        context.append(new[-1])
        if new[-1] == MARK or len(new) == settings.max_new_tokens:
            return new


@pytest.mark.parametrize("settings", [GREEDY, WARM], ids=["greedy", "warm"])
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_text_is_the_same_alone_in_a_batch_and_without_any_state(arch, settings):
    model = tiny_model(arch)
    batch = ids_by_row(model, PROMPTS, settings, n=2, mark=MARK)

    alone = [row for prompt in PROMPTS for row in ids_by_row(model, [prompt], settings, n=2, mark=MARK)]
    without_state = [slowly(model, prompt, settings, 5, sample, None) for prompt in PROMPTS for sample in range(2)]
    assert batch == alone == without_state
    assert len({tuple(row) for row in batch}) > 1


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_order_of_the_prompts_makes_no_difference(arch):
    model = tiny_model(arch)
    turned = ids_by_row(model, PROMPTS[::-1], WARM, mark=MARK)
    assert turned[::-1] == ids_by_row(model, PROMPTS, WARM, mark=MARK)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_full_context_is_read_again_from_its_last_half(arch):
    model = tiny_model(arch, seq_len=8)
    batch = ids_by_row(model, PROMPTS, WARM, n=2, mark=MARK)
    expected = [slowly(model, prompt, WARM, 5, sample, model.max_context) for prompt in PROMPTS for sample in range(2)]
    assert batch == expected


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_more_samples_do_not_change_the_first_ones(arch):
    model = tiny_model(arch)
    few, many = (ids_by_row(model, PROMPTS[:1], WARM, n=n, mark=MARK) for n in (2, 5))
    assert many[:2] == few


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_long_prompt_read_in_parts_gives_the_scores_of_one_reading(arch, monkeypatch):
    model = tiny_model(arch)
    whole, _ = read(model, PROMPTS)
    monkeypatch.setattr("textmill.generation.engine.READ_AT_ONCE", 3)
    in_parts, _ = read(model, PROMPTS)
    np.testing.assert_allclose(in_parts, whole, atol=1e-10)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_texts_in_float32_are_the_same_alone_and_in_a_batch(arch):
    model = tiny_model(arch, dtype=torch.float32)
    batch = ids_by_row(model, PROMPTS, GREEDY, mark=MARK)
    assert batch == [row for prompt in PROMPTS for row in ids_by_row(model, [prompt], GREEDY, mark=MARK)]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_model_in_training_writes_without_dropout_and_stays_in_training(arch):
    model = tiny_model(arch, dropout=0.5)
    expected = ids_by_row(model, PROMPTS, WARM, mark=MARK)
    model.train()
    assert ids_by_row(model, PROMPTS, WARM, mark=MARK) == expected
    assert model.training
