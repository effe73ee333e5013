"""What every architecture that reads stories promises: an answer depends on its story alone. float64, one thread.

What an encoder promises of its rows stands in test_encoder_laws.py; here rows are the sentences of stories.
"""

from __future__ import annotations

import json
from functools import cache

import pytest
import torch
from kinds import DECODERS, PAD, VOCABULARY, close, config_of

from textmill.errors import ConfigError, Damaged
from textmill.models import Network, build_model
from textmill.tables import ENCODERS
from textmill.tasks.stories import ReadStories

KINDS = [f"encoder:{kind}" for kind in DECODERS if kind.partition("/")[0] in ENCODERS]
ANSWERS = ["garden", "home", "厨房"]
MARK = VOCABULARY - 1
every_kind = pytest.mark.parametrize("kind", KINDS)

# by lines, the question last; two share sentences, and one has none at all
STORIES = [
    ((3, 4, 5), (6, 7), (3, 4, 5), (8, 9, 10, 11)),
    ((12,), (8, 9)),
    ((6, 7), (13, 14, 15, 16, 17), (12,), (3, 4, 5), (18, 2), (8, 9)),
    ((20, 21),),
    ((6, 7), (20, 21)),
]


def built(kind, seed=1, classes=ANSWERS):
    return build_model(config_of(kind), VOCABULARY, "encoder", {"story": {"classes": classes}}, seed=seed)


def fresh_model(kind):
    """float64, and every weight moved off its first value."""
    torch.set_num_threads(1)
    model = built(kind).double().eval()
    generator = torch.Generator().manual_seed(101)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.empty_like(parameter).normal_(std=0.3, generator=generator)
    return model


tiny_model = cache(fresh_model)  # for tests that only read it


def read(model, stories, pad=0):
    """(log-probabilities (B, C), attention (B, S)); pad: columns of nothing behind the last sentence."""
    batch = ReadStories(64).read_together(stories, MARK)
    wide = torch.nn.functional.pad(batch.stories, (0, pad), value=PAD)
    head = model.heads["story"]
    with torch.no_grad():
        hidden = model(batch.ids, batch.segments)
        logits, attention = head(hidden, None if batch.segments is None else batch.segments >= 0, wide)
    return head.log_probs(logits), attention


@every_kind
def test_a_story_is_answered_alone_as_in_any_batch_in_any_order_with_any_padding(kind):
    model = tiny_model(kind)
    alone = [read(model, [story]) for story in STORIES]
    assert min((a[0] - b[0]).abs().max() for a, b in zip(alone[1:], alone[:-1], strict=True)) > 1e-6
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 3, 1], [3, 1], [3]):
        for pad in (0, 3):
            answers, attention = read(model, [STORIES[number] for number in order], pad)
            for row, number in enumerate(order):
                n = len(STORIES[number]) - 1
                close(answers[row], alone[number][0][0])
                close(attention[row, :n], alone[number][1][0])
                assert (attention[row, n:] == 0).all()


@every_kind
def test_each_sentence_and_their_order_matter_to_the_answer(kind):
    model, (one, two, three, question) = tiny_model(kind), STORIES[0]
    answers, _ = read(model, [STORIES[0]])
    for other in ((one, two, question), ((1, 4, 5), two, three, question), (one, two, three, (8, 9, 10, 12))):
        assert (read(model, [other])[0] - answers).abs().max() > 1e-9
    a, b = (6, 7), (12, 13)
    assert (read(model, [(a, b, question)])[0] - read(model, [(b, a, question)])[0]).abs().max() > 1e-9


@every_kind
def test_gradients_of_a_batch_are_the_sum_of_those_alone_and_reach_every_weight(kind):
    model, task, wanted = fresh_model(kind), ReadStories(64), [2, 0, 1, 1, 0]

    def gradients(*batches):
        model.zero_grad()
        for numbers in batches:
            batch = task.read_together([STORIES[number] for number in numbers], MARK)
            head = model.heads["story"]
            real = None if batch.segments is None else batch.segments >= 0
            logits, attention = head(model(batch.ids, batch.segments), real, batch.stories)
            classes = torch.tensor([wanted[number] for number in numbers])
            ((-head.log_probs(logits)).gather(1, classes[:, None]).sum() + attention.sum()).backward()
        return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}

    together = gradients([0, 1, 2, 3, 4])
    alone = gradients([0], [1], [2], [3], [4])
    for name, gradient in together.items():
        close(gradient, alone[name])
        if "key.bias" not in name or name.startswith("heads"):
            assert gradient.abs().max() > 1e-9, f"no gradient reaches {name}"


@every_kind
def test_a_saved_reader_comes_back_bit_by_bit_with_its_answers(kind, tmp_path):
    model = built(kind, seed=4).eval()
    model.save(tmp_path)
    described = json.loads((tmp_path / "model.json").read_text("utf-8"))
    assert described["heads"] == {"story": {"classes": ANSWERS}}
    back = Network.load(tmp_path).eval()
    for one, other in zip(read(model, STORIES), read(back, STORIES), strict=True):
        assert torch.equal(one, other)
    (tmp_path / "model.json").write_text(
        json.dumps({**described, "heads": {"story": {"classes": ["a", "a"]}}}), "utf-8"
    )
    with pytest.raises(Damaged, match="'a' stands twice"):
        Network.load(tmp_path)


@every_kind
def test_first_weights_depend_on_seed_and_name_and_lean_to_no_answer(kind):
    model, again, other = built(kind, seed=4), built(kind, seed=4), dict(built(kind, seed=5).named_parameters())
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert sum(not torch.equal(own, other[name]) for name, own in model.named_parameters()) > 10
    assert (read(model, STORIES)[0].exp() - 1 / 3).abs().max() < 0.25


def test_one_answer_alone_is_refused():
    with pytest.raises(ConfigError, match="nothing to tell apart"):
        built(KINDS[0], classes=["a"])
