"""Folders of other people's models, made by transformers, small and random: what the tests of hub/ read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from textmill.tokens import Tokenizer

V, D, H, F, L, T = 257, 24, 4, 40, 2, 64
LLAMA = {
    "vocab_size": V,
    "hidden_size": D,
    "intermediate_size": F,
    "num_hidden_layers": L,
    "num_attention_heads": H,
    "num_key_value_heads": 2,
    "max_position_embeddings": T,
    "bos_token_id": V - 1,
    "eos_token_id": V - 1,
}
BERT = {
    "vocab_size": V,
    "hidden_size": D,
    "intermediate_size": F,
    "num_hidden_layers": L,
    "num_attention_heads": H,
    "max_position_embeddings": T,
}


def model_folder(folder: Path, name: str = "LlamaForCausalLM", tokenizer: bool = True, **said: Any) -> Any:
    """Save a random model of transformers, and a tokenizer of bytes beside it; the model."""
    import transformers

    torch.manual_seed(3)
    kind = name.removesuffix("ForCausalLM").removesuffix("LMHeadModel").partition("For")[0].removesuffix("Model")
    base = BERT if kind == "Bert" else LLAMA
    config = getattr(transformers, f"{kind}Config")(**{**base, **said})
    model = getattr(transformers, name)(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.25)
    model.save_pretrained(folder)
    if tokenizer:
        Tokenizer.train("bytes", [], None, seed=0).save(folder)
    return model


def said_in(folder: Path, **changes: Any) -> None:
    """Change keys of a folder's config.json; None takes one away."""
    path = folder / "config.json"
    said = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in said.items() if value is not ...}))
