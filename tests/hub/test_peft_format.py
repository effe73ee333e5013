"""Adapters as peft reads them: a stock class of transformers with them says what our model says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch.testing import assert_close

from textmill.config.layers import load_config
from textmill.errors import ConfigError, RunError
from textmill.hub.export import export
from textmill.hub.families import family_of, their_config_of, theirs_of
from textmill.hub.peft_format import write_peft
from textmill.runs import Run
from textmill.runs.checkpoint import read_tensors
from textmill.training import train

TEXT = "".join(f"The {i % 7} boats of day {i * i % 11} came home. 船回家了。\n" for i in range(40))


pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # of peft about transformers


@pytest.fixture(autouse=True)
def nothing_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textmill.training.session.close", lambda *args: None)


def trained(folder: Path, name: str, task: str = "lm", **knobs: Any) -> Run:
    (folder / "boats.txt").write_text(TEXT, encoding="utf-8")
    flags = {
        "data.paths": (str(folder / "boats.txt"),),
        "data.near_duplicates": "off",
        "task.name": task,
        "train.steps": 4,
        "train.batch": 2,
        "train.sample_tokens": 0,
        "machine.threads": 1,
        "machine.device": "cpu",
        "run.dir": str(folder / "runs"),
        "run.name": name,
    }
    if "model.start" not in knobs:
        shape = {"model.n_layers": 2, "model.d_model": 16, "model.n_heads": 4, "model.seq_len": 24}
        flags |= {"tokens.kind": "bytes", "model.arch": "transformer"} | shape
    return train(load_config(flags | knobs))


def tuned(folder: Path, preset: str, task: str = "lm", **knobs: Any) -> Run:
    base = trained(folder, "base", task, **{"model.preset": preset})
    lora = {"train.tune": "lora", "train.lora_rank": 3, "train.lora_alpha": 7.0, "train.lr": 0.05}
    return trained(folder, "run", task, **lora, **{"model.start": str(base.path)}, **knobs)


def stock(run: Run) -> Any:
    """transformers' own class, with the weights that the run began from."""
    import transformers

    form, config = str(run.info["form"]), run.config.model
    family = family_of(config, form)
    said = their_config_of(config, run.tokenizer.vocab_size, family=family)
    their_config = transformers.AutoConfig.for_model(**said)
    kind = transformers.AutoModelForMaskedLM if form == "encoder" else transformers.AutoModelForCausalLM
    model = kind.from_config(their_config, attn_implementation="eager")
    theirs = theirs_of(family, read_tensors(run.path / "start.safetensors"), config, dict(run.info["heads"]))
    missing, unexpected = model.load_state_dict(theirs, strict=False)
    assert not unexpected, unexpected
    assert all("lm_head" in name or "decoder" in name or "bias" in name or "pooler" in name for name in missing), (
        missing
    )
    model.tie_weights()
    return model.eval()


@pytest.mark.parametrize("preset", ["gpt2", "llama", "modern"])
def test_a_stock_class_with_these_adapters_says_in_peft_what_our_model_says(preset: str, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    run = tuned(tmp_path, preset)
    out = write_peft(run, tmp_path / "adapters")
    base = stock(run)
    ids = torch.tensor([list(TEXT.encode()[:20]), list(TEXT.encode()[30:50])])
    with torch.no_grad():
        before = base(ids).logits.clone()
        model = peft.PeftModel.from_pretrained(base, out).eval()
        theirs = model(ids).logits
        ours = run.model()
        logits = ours.head.logits(ours(ids)[0])
    assert (theirs - before).abs().max() > 0.01  # the adapters say something
    assert_close(theirs, logits, atol=1e-4, rtol=0)
    with torch.no_grad():
        assert_close(model.merge_and_unload()(ids).logits, logits, atol=1e-4, rtol=0)


def test_some_of_the_joined_matrices_may_have_adapters(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    run = tuned(tmp_path, "gpt2", **{"train.lora_targets": ("query", "value")})
    out = write_peft(run, tmp_path / "adapters")
    said = json.loads((out / "adapter_config.json").read_text())
    assert set(said["rank_pattern"].values()) == {6}
    assert set(said["alpha_pattern"].values()) == {14.0}
    ids = torch.tensor([list(TEXT.encode()[:20])])
    with torch.no_grad():
        theirs = peft.PeftModel.from_pretrained(stock(run), out).eval()(ids).logits
        ours = run.model()
        assert_close(theirs, ours.head.logits(ours(ids)[0]), atol=1e-4, rtol=0)


def test_the_file_holds_the_adapters_alone_under_pefts_names(tmp_path: Path) -> None:
    run = tuned(tmp_path, "llama")
    out = write_peft(run, tmp_path / "adapters")
    tensors = safetensors.torch.load_file(out / "adapter_model.safetensors")
    assert sum(tensor.numel() for tensor in tensors.values()) == run.info["start"]["n_trained"]
    name = "base_model.model.model.layers.1.mlp.down_proj.lora_A.weight"
    assert torch.equal(tensors[name], run.load().model["backbone.blocks.1.feed_forward.down.adapters.weight.a"])
    assert {path.name for path in out.iterdir()} == {"adapter_model.safetensors", "adapter_config.json"}


def test_what_has_no_adapters_or_no_stock_class_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    base = trained(tmp_path, "base", **{"model.preset": "llama"})
    with pytest.raises(RunError, match="has no adapters"):
        write_peft(base, tmp_path / "out")
    classic = trained(tmp_path, "classic", **{"model.preset": "classic"})
    run = trained(tmp_path, "run", **{"train.tune": "lora", "model.start": str(classic.path)})
    with pytest.raises(ConfigError, match="no stock class is as this model"):
        write_peft(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept.txt").write_text("mine")
    llama = trained(tmp_path, "llama", **{"train.tune": "lora", "model.start": str(base.path)})
    with pytest.raises(RunError, match="something here already"):
        write_peft(llama, tmp_path / "full")
    assert (tmp_path / "full" / "kept.txt").read_text() == "mine"


def test_adapters_leave_beside_their_base_and_the_card_says_how_they_are_used(tmp_path: Path) -> None:
    peft, transformers = pytest.importorskip("peft"), pytest.importorskip("transformers")
    run = tuned(tmp_path, "llama", **{"data.valid_share": 0.2})
    found = export(run, "peft", tmp_path / "out")
    assert found.proof.max_difference <= 1e-4 and found.proof.n_texts_equal == found.proof.n_texts
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert 'model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("base"), ".")' in card
    ids = torch.tensor([list(TEXT.encode()[:20])])
    base = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out/base").eval()
    ours = run.model()
    with torch.no_grad():
        wanted = ours.head.logits(ours(ids)[0])
        before = base(input_ids=ids).logits
        after = peft.PeftModel.from_pretrained(base, tmp_path / "out").eval()(input_ids=ids).logits
    assert_close(after, wanted, atol=1e-4, rtol=0)
    assert (before - wanted).abs().max() > 1e-3


def test_a_run_without_adapters_or_with_a_head_of_its_own_does_not_leave_as_adapters(tmp_path: Path) -> None:
    whole = trained(tmp_path, "base", **{"model.preset": "llama"})
    with pytest.raises(ConfigError, match="there are no adapters"):
        export(whole, "peft", tmp_path / "out")
    assert not (tmp_path / "out").exists()
