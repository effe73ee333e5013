"""Case 11, generation: a text gives the same answer alone and in a batch, padded left and padded right."""

import json
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter

from textmill.config.measure import GenerateConfig
from textmill.config.model import ModelConfig
from textmill.errors import InputError
from textmill.generation import write
from textmill.models import build_model
from textmill.tables import ARCHITECTURES
from textmill.tokens import Tokenizer

LINES = (Path(__file__).parent / "11-padding-and-batches" / "prompts.jsonl").read_text("utf-8").splitlines()
PROMPTS = [json.loads(line)["prompt"] for line in LINES]
GREEDY = GenerateConfig(temperature=0.0, max_new_tokens=20)


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train("bytes", [], None, 0)


@pytest.fixture(params=ARCHITECTURES)
def model(request, tokenizer):
    torch.set_num_threads(1)
    config = TypeAdapter(ModelConfig).validate_python(
        {"arch": request.param, "n_layers": 2, "d_model": 32, "seq_len": 128, "dropout": 0.0}
    )
    model = build_model(config, tokenizer.vocab_size, seed=1).double().eval()
    with torch.no_grad():  # away from the first values, where a modern Transformer does not see its context
        for number, parameter in enumerate(model.parameters()):
            generator = torch.Generator().manual_seed(number)
            parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.3)
    return model


def texts(model, tokenizer, prompts, **knobs):
    return [result.text for result in write(model, tokenizer, prompts, GREEDY, 0, **knobs).finish()]


def padded(rows, side):
    """(ids, segments, place of each row's last id); padding holds an id that differs from row to row."""
    length = max(map(len, rows))
    ids = torch.arange(len(rows))[:, None].repeat(1, length)
    segments = torch.full((len(rows), length), -1)
    for number, row in enumerate(rows):
        start = length - len(row) if side == "left" else 0
        ids[number, start : start + len(row)] = torch.tensor(row)
        segments[number, start : start + len(row)] = 0
    ends = torch.tensor([length - 1 if side == "left" else len(row) - 1 for row in rows])
    return ids, segments, ends


def greedy_by_hand(model, rows, side):
    """20 ids a row: the padded prompts at once, then a token a step. With the scores at the prompts' real places."""
    ids, segments, ends = padded(rows, side)
    with torch.no_grad():
        scores, state = model.log_probs(ids, segments=segments)
        new = [scores[torch.arange(len(rows)), ends].argmax(-1)]
        while len(new) < 20:
            log_probs, state = model.log_probs(new[-1][:, None], state=state)
            new.append(log_probs[:, -1].argmax(-1))
    return torch.stack(new, 1), [scores[row][segments[row] == 0] for row in range(len(rows))]


def test_the_batch_is_the_one_the_case_counts(tokenizer):
    lengths = [len(tokenizer.encode(prompt)) for prompt in PROMPTS]
    assert lengths == [1, 7, 30, 68, 0]
    assert 5 * 68 - sum(lengths) == 234


def test_texts_are_the_same_alone_and_in_any_batch_and_order(model, tokenizer):
    alone = [texts(model, tokenizer, [prompt])[0] for prompt in PROMPTS]
    assert len(set(alone)) > 2
    assert texts(model, tokenizer, PROMPTS) == alone
    assert texts(model, tokenizer, PROMPTS[:2]) + texts(model, tokenizer, PROMPTS[2:4]) == alone[:4]
    assert texts(model, tokenizer, PROMPTS[::-1]) == alone[::-1]


def test_scores_and_greedy_ids_are_the_same_alone_padded_left_and_padded_right(model, tokenizer):
    rows = [[tokenizer.mark, *tokenizer.encode(prompt)] for prompt in PROMPTS]
    alone = [greedy_by_hand(model, [row], "left") for row in rows]
    for side in ("left", "right"):
        ids, scores = greedy_by_hand(model, rows, side)
        assert ids.tolist() == [one.tolist()[0] for one, _ in alone]
        for row_scores, (_, (alone_scores,)) in zip(scores, alone, strict=True):
            torch.testing.assert_close(row_scores, alone_scores, atol=1e-8, rtol=0)


def test_the_empty_prompt_starts_at_the_begin_mark_or_is_refused_by_name(model, tokenizer):
    (result,) = write(model, tokenizer, [""], GREEDY, 0).finish()
    assert (result.n_prompt_tokens, result.n_tokens) == (0, 20) or result.finish_reason == "stop"
    with pytest.raises(InputError, match=r"prompt 4 is empty.*tokens\.begin_mark"):
        write(model, tokenizer, PROMPTS, GREEDY, 0, begin_mark=False)


def test_without_a_begin_mark_too_texts_are_the_same_alone_and_in_a_batch(model, tokenizer):
    alone = [texts(model, tokenizer, [prompt], begin_mark=False)[0] for prompt in PROMPTS[:4]]
    assert texts(model, tokenizer, PROMPTS[:4], begin_mark=False) == alone
