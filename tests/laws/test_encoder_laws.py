"""What every architecture that reads whole texts promises, in every dialect. float64, one thread.

Right values are laws: a text has one answer, however it is batched, padded or ordered. What a head makes of hidden
vectors stands in tests/models/test_classify_head.py.
"""

from __future__ import annotations

import copy
import json
from functools import cache

import pytest
import torch
from kinds import DECODERS, LONGEST, PAD, VOCABULARY, arch_of, close, config_of, random_ids
from torch import Tensor

from textmill.errors import ContextFull, Damaged, InputError, RunError
from textmill.models import LanguageModel, Network, build_model
from textmill.models.encoder import Encoder
from textmill.tables import ARCHITECTURES, ENCODERS

KINDS = [f"encoder:{kind}" for kind in DECODERS if kind.partition("/")[0] in ENCODERS]
KINDS += [f"encoder:{kind} {pooling}" for kind in ("gru", "transformer/bert") for pooling in ("mean", "max")]
KINDS += ["encoder:transformer/bert first"]
CLASSES = ["bad", "fair", "good"]
LENGTHS = [1, 7, 3, 12, 5]
every_kind = pytest.mark.parametrize("kind", KINDS)


def built(kind, seed=1, classes=CLASSES, **knobs) -> Encoder:
    """In the pooling that stands behind the kind."""
    kind, _, pooling = kind.partition(" ")
    config = config_of(kind, **({"pooling": pooling} if pooling else {}), **knobs)
    return build_model(config, VOCABULARY, "encoder", {"classify": {"classes": classes}}, seed=seed)


def fresh_model(kind, **knobs) -> Encoder:
    """float64, and every weight moved off its first value."""
    torch.set_num_threads(1)
    model = built(kind, **knobs).double().eval()
    generator = torch.Generator().manual_seed(101)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.empty_like(parameter).normal_(std=0.3, generator=generator)
    return model


tiny_model = cache(fresh_model)  # for tests that only read it


def texts_of(*lengths: int) -> list[Tensor]:
    """None of them holds id 0."""
    return [1 + random_ids(1, length, seed=40 + number)[0] % (VOCABULARY - 1) for number, length in enumerate(lengths)]


def padded(texts: list[Tensor], side: str = "right", fill: int = 0) -> tuple[Tensor, Tensor]:
    """(ids, segments), two places wider than the longest."""
    width = max(len(text) for text in texts) + 2
    ids, segments = torch.full((len(texts), width), fill), torch.full((len(texts), width), PAD)
    for row, text in enumerate(texts):
        start = {"right": 0, "left": width - len(text), "both": (width - len(text)) // 2}[side]
        ids[row, start : start + len(text)] = text
        segments[row, start : start + len(text)] = row + 2
    return ids, segments


def answered(model, ids, segments=None, owners=None) -> tuple[Tensor, Tensor]:
    """(hidden (W, T, D), log-probabilities of the classes (B, C))."""
    head = model.heads["classify"]
    with torch.no_grad():
        hidden = model(ids, segments)
        real = None if segments is None else segments >= 0
        return hidden, head.log_probs(head(hidden, real, owners))


def test_every_encoder_of_the_table_stands_in_these_laws():
    assert {arch_of(kind.partition(" ")[0]) for kind in KINDS} == set(ENCODERS) <= set(ARCHITECTURES)


@every_kind
def test_a_text_is_answered_alone_as_in_any_batch_in_any_order_padded_on_either_side(kind):
    model, texts = tiny_model(kind), texts_of(*LENGTHS)
    alone = [answered(model, text[None]) for text in texts]
    assert min((a[1] - b[1]).abs().max() for a, b in zip(alone[1:], alone[:-1], strict=True)) > 1e-3
    for rows in ([0, 1, 2, 3, 4], [4, 2, 0, 3, 1], [3, 1], [0, 4], [2]):
        for side in ("right", "left", "both"):
            ids, segments = padded([texts[row] for row in rows], side)
            hidden, answers = answered(model, ids, segments)
            assert hidden.isfinite().all()
            again = answered(model, torch.where(segments == PAD, 9, ids), segments)
            for place, row in enumerate(rows):
                real = segments[place] >= 0
                close(hidden[place, real], alone[row][0][0])
                close(answers[place], alone[row][1][0])
                assert torch.equal(again[0][place, real], hidden[place, real])
            assert torch.equal(again[1], answers)


@every_kind
@pytest.mark.parametrize("side", ["right", "left"])
def test_an_embedding_of_1000_at_the_padding_id_changes_nothing(kind, side):
    model, texts = copy.deepcopy(tiny_model(kind)), texts_of(*LENGTHS)
    ids, segments = padded(texts, side, fill=0)
    hidden, answers = answered(model, ids, segments)
    with torch.no_grad():
        model.embedding.weight[0] = 1000.0
    after, answers_after = answered(model, ids, segments)
    assert torch.equal(after[segments >= 0], hidden[segments >= 0])
    assert torch.equal(answers_after, answers)


@every_kind
def test_every_token_matters_to_every_place_of_its_text_and_of_no_other(kind):
    model, ids = tiny_model(kind), random_ids(3, 9)
    hidden, answers = answered(model, ids)
    for changed in (0, 4, 8):
        other = ids.clone()
        other[1, changed] = (other[1, changed] + 1) % VOCABULARY
        hidden_after, answers_after = answered(model, other)
        difference = (hidden_after - hidden).abs().amax(dim=2)
        assert (difference[1] > 1e-12).all(), "what follows a token matters to it too"
        assert (answers_after - answers)[1].abs().max() > 1e-7
        assert difference[[0, 2]].max() < 1e-12
        close(answers_after[[0, 2]], answers[[0, 2]])


@every_kind
def test_a_text_in_windows_is_answered_alone_as_beside_others_in_any_order(kind):
    model = tiny_model(kind)
    texts = [texts_of(12, 12, 5), texts_of(4), texts_of(9, 2)]  # by windows
    alone = [answered(model, *padded(windows), torch.zeros(len(windows), dtype=torch.long))[1][0] for windows in texts]
    for order in ([0, 1, 2], [2, 0, 1], [1, 2], [0]):
        windows = [window for number in order for window in texts[number]]
        owners = torch.tensor([place for place, number in enumerate(order) for _ in texts[number]])
        for side in ("right", "left"):
            _, answers = answered(model, *padded(windows, side), owners)
            assert answers.shape == (len(order), len(CLASSES))
            for place, number in enumerate(order):
                close(answers[place], alone[number])


@every_kind
def test_one_window_a_text_is_what_no_windows_are(kind):
    model, (ids, segments) = tiny_model(kind), padded(texts_of(*LENGTHS))
    close(answered(model, ids, segments, torch.arange(5))[1], answered(model, ids, segments)[1])


@every_kind
def test_gradients_of_a_padded_batch_are_the_sum_of_those_alone_and_reach_every_weight(kind):
    model, texts = fresh_model(kind), texts_of(6, 9, 2, 5)
    wanted = torch.tensor([2, 0, 1])

    def gradients(*batches):
        model.zero_grad()
        for windows, owners, classes in batches:
            ids, segments = padded(windows, "left") if len(windows) > 1 else (windows[0][None], None)
            head = model.heads["classify"]
            scores = head(model(ids, segments), None if segments is None else segments >= 0, owners)
            (-head.log_probs(scores).gather(1, classes[:, None])).sum().backward()
        return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}

    together = gradients((texts, torch.tensor([0, 1, 1, 2]), wanted))
    alone = gradients(
        (texts[:1], None, wanted[:1]), (texts[1:3], torch.tensor([0, 0]), wanted[1:2]), (texts[3:], None, wanted[2:])
    )
    for name, gradient in together.items():
        close(gradient, alone[name])
        if "key.bias" not in name:  # softmax does not feel what is added to every score
            assert gradient.abs().max() > 1e-7, f"no gradient reaches {name}"


@every_kind
def test_rows_that_make_no_sense_are_refused_by_name(kind):
    model, ids = tiny_model(kind), random_ids(2, 4)
    for arguments, complaint in (
        ((ids, [[0] * 4, [PAD] * 4]), "row 1 holds no token"),
        ((ids, [[0, 0, 1, 1], [0] * 4]), "row 0 holds 2 documents"),
        ((ids, [[0, PAD, 1, PAD], [0] * 4]), "row 0 holds 2 documents"),
        ((ids, [[0, 0]]), "segments have shape"),
        ((ids + VOCABULARY,), "vocabulary"),
        ((torch.zeros(2, 0, dtype=torch.long),), "one token or more"),
    ):
        with pytest.raises(InputError, match=complaint):
            model(arguments[0], *(torch.tensor(segments) for segments in arguments[1:]))
    if model.max_context is not None:
        with pytest.raises(ContextFull, match=f"{LONGEST + 1} .* {LONGEST}"):
            model(random_ids(1, LONGEST + 1))
    else:
        assert model(random_ids(1, LONGEST + 1)).isfinite().all()


# --- first weights, files


@every_kind
def test_first_weights_depend_on_seed_and_name_alone(kind):
    model, before = built(kind, seed=4), torch.get_rng_state()
    again, other_seed = built(kind, seed=4), built(kind, seed=5)
    assert torch.equal(torch.get_rng_state(), before), "building a model may not disturb the global generator"
    more_classes = dict(built(kind, seed=4, classes=[*CLASSES, "splendid"]).named_parameters())
    differing = 0
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, dict(again.named_parameters())[name])
        differing += not torch.equal(parameter, dict(other_seed.named_parameters())[name])
        if name not in ("heads.classify.weight", "heads.classify.bias"):
            assert torch.equal(parameter, more_classes[name])
    assert differing >= 3
    with torch.no_grad():
        answers = answered(model, random_ids(4, 6))[1]
    assert (answers - answers.mean()).abs().max() < 0.5, "a new model leans to no class"


@every_kind
def test_the_same_seed_gives_the_same_bits_and_dropout_acts_in_training_alone(kind):
    ids, results = random_ids(4, 12), []
    for _ in range(2):
        model = built(kind, dropout=0.3, seed=4).train()
        torch.manual_seed(11)
        scores = model.heads["classify"](model(ids))
        model.heads["classify"].log_probs(scores)[:, 0].sum().backward()
        results.append([scores, *(parameter.grad for parameter in model.parameters())])
    assert all(torch.equal(first, second) for first, second in zip(*results, strict=True))
    plain, dropping = fresh_model(kind), fresh_model(kind, dropout=0.3)
    assert torch.equal(answered(dropping, ids)[1], answered(plain, ids)[1])
    dropping.train()
    assert (answered(dropping, ids)[1] - answered(dropping, ids)[1]).abs().max() > 1e-3
    # Of a text whose hidden vectors are given, the head drops a share of the pooled vector itself.
    hidden = torch.ones(1, 3, 16, dtype=torch.float64)
    head = dropping.heads["classify"]
    assert not torch.equal(head(hidden), head(hidden))


@every_kind
def test_a_saved_encoder_comes_back_bit_by_bit_with_its_classes(kind, tmp_path):
    classes = ["1", "2", "10", "so-so, 'quoted'", "好 <b>"]
    model = built(kind, classes=classes, seed=4).eval()
    model.save(tmp_path)
    described = json.loads((tmp_path / "model.json").read_text("utf-8"))
    assert described["form"] == "encoder"
    assert described["heads"] == {"classify": {"classes": classes, "several": False}}
    ids, segments = padded(texts_of(*LENGTHS))
    for back in (Network.load(tmp_path).eval(), Encoder.load(tmp_path).eval()):
        assert isinstance(back, Encoder)
        assert back.config == model.config
        assert back.heads["classify"].classes == tuple(classes)
        assert back.state_dict().keys() == model.state_dict().keys()
        for name, tensor in back.state_dict().items():
            assert torch.equal(tensor, model.state_dict()[name])
        assert torch.equal(answered(back, ids, segments)[1], answered(model, ids, segments)[1])
    with pytest.raises(RunError, match="of form 'encoder'"):
        LanguageModel.load(tmp_path)


@every_kind
def test_a_description_that_does_not_fit_the_weights_is_refused_by_name(kind, tmp_path):
    built(kind).save(tmp_path)
    whole = json.loads((tmp_path / "model.json").read_text("utf-8"))
    for heads, complaint in (
        ({}, "heads.classify.bias is not a tensor of this model"),
        ({"classify": {"classes": ["a", "b"]}}, r"heads.classify.bias has shape \(3,\), the model \(2,\)"),
        ({"classify": {"classes": ["a", "a", "b"]}}, "not the description of a model .*'a' stands twice"),
        ({"clasify": {"classes": CLASSES}}, "not the description of a model .*no head 'clasify'"),
        ({"classify": {"labels": CLASSES}}, "not the description of a model .*classes"),
        ({"classify": CLASSES}, "not the description of a model"),
    ):
        (tmp_path / "model.json").write_text(json.dumps({**whole, "heads": heads}), "utf-8")
        with pytest.raises(Damaged, match=complaint):
            Network.load(tmp_path)


# --- memory and precision


@every_kind
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_layers_that_are_made_again_give_the_same_loss_and_gradients(kind, dropout):
    ids, segments = padded(texts_of(*LENGTHS), "left")

    def learned(again):
        model = fresh_model(kind, dropout=dropout, n_layers=3).train()
        if again:
            model.recompute_layers()
        torch.manual_seed(11)
        head = model.heads["classify"]
        loss = head.log_probs(head(model(ids, segments), segments >= 0))[:, 1].sum()
        loss.backward()
        return loss.detach(), [parameter.grad for parameter in model.parameters()]

    (loss, gradients), (same, others) = learned(False), learned(True)
    assert torch.equal(loss, same)
    for one, other in zip(gradients, others, strict=True):
        torch.testing.assert_close(other, one, atol=1e-10, rtol=0)


@every_kind
def test_bfloat16_answers_as_float32_but_for_rounding_under_autocast_and_throughout(kind):
    model, half = built(kind), built(kind).bfloat16()
    ids, segments = padded(texts_of(*LENGTHS))
    owners, head = torch.tensor([0, 0, 1, 2, 2]), model.heads["classify"]
    scores = head(model(ids, segments), segments >= 0, owners)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = head(model(ids, segments), segments >= 0, owners)
    halved = half.heads["classify"](half(ids, segments), segments >= 0, owners)
    (mixed.sum() + halved.sum()).backward()
    for other in (mixed, halved):
        assert other.dtype == torch.float32
        torch.testing.assert_close(other, scores, atol=0.02, rtol=0)
