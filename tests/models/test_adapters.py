"""Low-rank adapters, and which weights are trained: laws for every architecture, dialect and form."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from textmill.config import PRESETS, RecurrentConfig, TrainConfig, TransformerConfig
from textmill.errors import ConfigError
from textmill.models import build_model
from textmill.models.adapters import (
    Lora,
    frozen_names,
    merged,
    numbers_of_tuning,
    put_trained,
    refuse_untrained,
    trained_numbers,
    trained_state,
    tune,
)
from textmill.models.cost import flops_per_token, memory_bytes
from textmill.models.network import Network

VOCABULARY = 30
CLASSES = {"classify": {"classes": ["good", "bad"], "several": False}}
DIALECTS = ["transformer/" + preset for preset in PRESETS["transformer"]]
KINDS = [*DIALECTS, "rnn", "lstm", "gru"]
FORMS = ["decoder", "encoder", "encoder-decoder"]
TUNES: dict[str, dict[str, Any]] = {
    "lora": {"tune": "lora", "lora_rank": 2, "lora_alpha": 6.0},
    "last": {"tune": "last"},
    "frozen": {"tune": "frozen"},
}


def config_of(kind: str, **more: Any) -> Any:
    arch, _, preset = kind.partition("/")
    sizes = {"n_layers": 2, "d_model": 16, "seq_len": 24} | more
    if preset:
        return TransformerConfig(**PRESETS[arch][preset] | {"preset": preset, "n_heads": 4, "n_kv_heads": 2} | sizes)
    return RecurrentConfig(arch=arch, **sizes)


def moved_off_zero(model: Network, seed: int = 5) -> Network:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
    return model


def built(kind: str, form: str, **more: Any) -> Network:
    heads = CLASSES if form == "encoder" else {}
    return moved_off_zero(build_model(config_of(kind, **more), VOCABULARY, form, heads, seed=1)).eval()


def read(model: Network, form: str) -> torch.Tensor:
    """What the model makes of two rows, one of them padded."""
    ids = torch.tensor([[3, 1, 4, 1, 5, 9], [2, 7, 1, 8, 0, 0]])
    segments = torch.tensor([[0] * 6, [0] * 4 + [-1] * 2])
    if form == "encoder":
        return model.heads["classify"](model(ids, segments), segments >= 0)  # type: ignore[operator, index]
    state = model.begin(ids[:, :4], segments[:, :4]) if form == "encoder-decoder" else None  # type: ignore[operator]
    hidden, _ = model(ids, segments, state)
    return model.head.logits(hidden)  # type: ignore[operator, union-attr]


def taught(model: Network, form: str, n_steps: int = 3) -> None:
    """A few updates of whatever is trained."""
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    model.train()
    for _ in range(n_steps):
        logits = read(model, form)
        (-logits.flatten(0, -2).log_softmax(-1)[:, 1].mean()).backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_with_new_adapters_is_to_the_bit_what_it_was(kind: str, form: str) -> None:
    model = built(kind, form)
    before, weights = read(model, form), {**model.state_dict()}
    tune(model, TrainConfig(**TUNES["lora"]), 0, weights)
    assert any(".adapters." in name for name in model.state_dict())
    assert torch.equal(read(model, form), before)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_adapters_added_in_say_what_they_say_beside(kind: str, form: str) -> None:
    model, train = built(kind, form), TrainConfig(**TUNES["lora"])
    before = read(model, form)
    tune(model, train, 0, set(model.state_dict()))
    taught(model, form)
    beside = read(model, form)
    assert (beside - before).abs().max() > 1e-4  # the adapters learned something
    plain = built(kind, form)
    plain.load_state_dict(merged(model.state_dict(), Lora.of(train).scale))
    size = max(1.0, float(beside.detach().abs().max()))
    assert_close(read(plain, form), beside, rtol=0, atol=1e-6 * size)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", TUNES)
def test_only_what_should_move_moves(how: str, kind: str, form: str) -> None:
    model, train = built(kind, form), TrainConfig(**TUNES[how])
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    # The head of a classifier is new, the others' began with the rest.
    begun = {name for name in before if not name.startswith("heads.")}
    tune(model, train, 0, begun)
    if how == "frozen" and not any(name in ("head.weight", "heads.classify.weight") for name in before):
        with pytest.raises(ConfigError, match="leaves nothing to train"):
            refuse_untrained(model, train)
        return
    refuse_untrained(model, train)
    taught(model, form)
    moved = {name for name, tensor in before.items() if not torch.equal(model.state_dict()[name], tensor)}
    if how == "lora":
        assert moved == before.keys() - begun
        return
    layers = {name for name in before if "blocks.1." in name or "_l1" in name}
    head = {name for name in before if name.startswith(("head.", "heads."))}
    assert moved & head or not head  # one that is tied has no weights of its own
    assert not moved & {name for name in before if "embedding" in name or "blocks.0." in name or "_l0" in name}
    assert bool(moved & layers) == (how == "last")
    assert moved <= before.keys() - frozen_names(model)


@pytest.mark.parametrize("kind", ["transformer/llama", "lstm"])
@pytest.mark.parametrize("how", TUNES)
def test_what_is_not_trained_takes_no_gradient_and_no_place_in_a_checkpoint(how: str, kind: str) -> None:
    model = built(kind, "decoder")
    n_all = sum(parameter.numel() for parameter in model.parameters())
    tune(model, TrainConfig(**TUNES[how]), 0, set(model.state_dict()))
    taught(model, "decoder", n_steps=1)
    read(model.train(), "decoder").sum().backward()
    state = trained_state(model)
    graded = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert graded == state.keys()
    assert sum(tensor.numel() for tensor in state.values()) == trained_numbers(model).total < n_all
    other = built(kind, "decoder")
    tune(other, TrainConfig(**TUNES[how]), 7, set(other.state_dict()))
    put_trained(other, state)
    assert torch.equal(read(other.eval(), "decoder"), read(model.eval(), "decoder"))
    with pytest.raises(RuntimeError, match="is not trained"):
        put_trained(other, {"embedding.weight": state[next(iter(state))]})


def test_what_is_asked_of_adapters_and_cannot_be_is_refused_by_name() -> None:
    def refused(kind: str, **knobs: Any) -> str:
        model = built(kind, "decoder")
        with pytest.raises(ConfigError) as raised:
            tune(model, TrainConfig(tune=knobs.pop("tune", "lora"), **knobs), 0, set(model.state_dict()))
        return f"{raised.value.message} {raised.value.hint}"

    assert "names 'quary', which this model has not (there are: query, key, value, out, up, gate, down)" in refused(
        "transformer/llama", lora_targets=("quary",)
    )
    assert "did you mean 'query'" in refused("transformer/llama", lora_targets=("quary",))
    assert "(there are: input, state)" in refused("gru", lora_targets=("gate",))
    assert "lora_rank is 17, and backbone.blocks.0.attention.query has a width of 16" in refused(
        "transformer/gpt2", lora_rank=17
    )
    assert "lora_rank is 9, and backbone.blocks.0.attention.key has a width of 8" in refused(
        "transformer/llama", lora_rank=9
    )
    assert "recurrent cells multiply by W + B A at once" in refused("lstm", lora_dropout=0.1)
    assert "train.tune_layers is 3, and the model has 2" in refused("gru", tune="last", tune_layers=3)


@pytest.mark.parametrize("kind", ["transformer/gpt2", "gru"])
def test_targets_are_the_matrices_that_are_named(kind: str) -> None:
    targets = {"transformer/gpt2": ("query", "value"), "gru": ("state",)}[kind]
    model = built(kind, "decoder")
    tune(model, TrainConfig(tune="lora", lora_rank=1, lora_targets=targets), 0, set(model.state_dict()))
    found = {name.rpartition(".adapters.")[0].rpartition(".")[2] for name in model.state_dict() if ".adapters." in name}
    assert found == ({"query", "value"} if kind.startswith("transformer") else {"cells"})
    assert not any("adapters.weight_ih" in name for name in model.state_dict())


@pytest.mark.parametrize("how", ["full", *TUNES])
@pytest.mark.parametrize("kind", ["transformer/llama", "transformer/modern"])
def test_flops_of_an_update_are_those_that_torch_counts(kind: str, how: str) -> None:
    train = TrainConfig(**TUNES.get(how, {}))
    config = config_of(kind, n_layers=3, d_model=32, n_kv_heads=4)
    model = build_model(config, VOCABULARY, seed=1)
    tune(model, train, 0, set(model.state_dict()))
    ids = torch.arange(2 * 24).reshape(2, 24) % VOCABULARY
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH):  # it does not count the fused ones
        hidden, _ = model.train()(ids)
        model.head.logits(hidden).sum().backward()
    expected = flops_per_token(config, VOCABULARY, trained=numbers_of_tuning(config, train, VOCABULARY, "decoder"))
    # Below the lowest layer that is trained nothing wants the gradient of what goes into its projections.
    # (llama's last layer begins with a norm that has weights, and they want it).
    unwanted = 3 * 2 * 32 * 32 if how == "lora" or (how == "last" and "modern" in kind) else 0
    assert counter.get_total_flops() / ids.numel() == pytest.approx(expected - unwanted, rel=0.002)


@pytest.mark.parametrize("how", TUNES)
@pytest.mark.parametrize("optimizer", ["adamw", "momentum", "adafactor"])
def test_memory_is_that_of_the_gradients_and_of_the_optimizer(optimizer: str, how: str) -> None:
    from textmill.training.optimizers import build_optimizers, optimizer_tensors

    config = config_of("transformer/llama")
    train = TrainConfig(optimizer=optimizer, lr=0.01, weight_decay=0.0, **TUNES[how])
    model = build_model(config, VOCABULARY, seed=1)
    tune(model, train, 0, set(model.state_dict()))
    optimizers = build_optimizers(model, train)
    read(model.train(), "decoder").sum().backward()
    for one in optimizers:
        one.step()
    told = memory_bytes(config, VOCABULARY, optimizer, trained=numbers_of_tuning(config, train, VOCABULARY, "decoder"))
    assert told["weights"] == 4 * sum(parameter.numel() for parameter in model.parameters())
    assert told["gradients"] == 4 * sum(p.grad.numel() for p in model.parameters() if p.grad is not None)
    kept = optimizer_tensors(optimizers)
    n_kept = sum(t.numel() for name, t in kept.items() if optimizer == "adafactor" or not name.endswith("/step"))
    assert told["optimizer"] == pytest.approx(4 * n_kept, rel=0.02)
