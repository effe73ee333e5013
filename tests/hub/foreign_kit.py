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
GPT2 = {"vocab_size": V, "n_embd": D, "n_layer": L, "n_head": H, "n_positions": T, "bos_token_id": V - 1}
MARIAN = {"layers": L, "attention_heads": H, "ffn_dim": F}


def model_folder(folder: Path, name: str = "LlamaForCausalLM", tokenizer: bool = True, **said: Any) -> Any:
    """Save a random model of transformers, and a tokenizer of bytes beside it; the model."""
    import transformers

    torch.manual_seed(3)
    kind = name.removesuffix("ForCausalLM").removesuffix("LMHeadModel").partition("For")[0].removesuffix("Model")
    base = {"Bert": BERT, "GPT2": GPT2}.get(kind, LLAMA)
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


def word_pieces(texts: list[str]) -> Any:
    """A tokenizer of BERT's kind, of transformers."""
    import transformers
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

    words = {name: f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    library = Library(models.WordPiece(unk_token=words["unk"]))
    library.normalizer = normalizers.BertNormalizer(lowercase=True)
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.decoder = decoders.WordPiece()
    library.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=300, special_tokens=list(words.values())))
    library.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    named = {f"{name}_token": word for name, word in words.items()}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=library, **named)


def byte_pairs(texts: list[str], words: tuple[str, ...] = ("<|endoftext|>",), **named: str) -> Any:
    """A byte-level BPE that puts nothing before a text, of transformers. words: control words, the first is the end."""
    import transformers
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, pre_tokenizers, trainers

    library = Library(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=list(words), initial_alphabet=alphabet)
    library.train_from_iterator(texts * 3, trainer)
    named = {"bos_token": words[0], "eos_token": words[0], **named}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=library, additional_special_tokens=list(words[1:]), **named
    )


def marian_folder(folder: Path, texts: list[str]) -> None:
    """Save a random translator, and pieces of sentencepiece of its own for sources and targets."""
    import sentencepiece
    import transformers

    folder.mkdir(parents=True)
    ids: dict[str, int] = {"</s>": 0, "<unk>": 1}
    for side in ("source", "target"):
        with (folder / f"{side}.spm").open("wb") as file:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(texts * 5),
                model_writer=file,
                vocab_size=80,
                character_coverage=1.0,
                hard_vocab_limit=False,
                minloglevel=2,
            )
        pieces = sentencepiece.SentencePieceProcessor(str(folder / f"{side}.spm"))
        for number in range(pieces.get_piece_size()):
            if pieces.id_to_piece(number) != "<s>":
                ids.setdefault(pieces.id_to_piece(number), len(ids))
    pad = ids["<pad>"] = len(ids)
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    said = {"source_lang": "en", "target_lang": "zh", "separate_vocabs": False, "tokenizer_class": "MarianTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    layers = {f"{side}_{key}": n for side in ("encoder", "decoder") for key, n in MARIAN.items()}
    ends = {"pad_token_id": pad, "decoder_start_token_id": pad, "eos_token_id": 0, "forced_eos_token_id": 0}
    config = transformers.MarianConfig(vocab_size=len(ids), d_model=D, max_position_embeddings=T, **layers, **ends)
    torch.manual_seed(3)
    model = transformers.MarianMTModel(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "embed_positions" not in name:
                parameter.normal_(std=0.25)
    model.save_pretrained(folder)
