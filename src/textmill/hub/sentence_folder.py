"""A run -> a folder of sentence-transformers: `export --to sentence-transformers`. Room: hub/.

    config.json, model.safetensors, tokenizer    the body of a stock class of transformers, at the root
    1_Pooling/config.json                        how one vector is made of all tokens
    2_Dense/                                     where BERT's first token decides: what turns it once more
    modules.json, sentence_bert_config.json, config_sentence_transformers.json
Vectors are those of `textmill vectors RUN --sentences` (evaluation/own_vectors.py), of texts that fit the context;
longer ones are cut there, and read whole here. Read back by sentence-transformers itself.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch

from textmill.config import Config
from textmill.errors import ConfigError, RunError
from textmill.evaluation.own_vectors import TextReader
from textmill.files import make_folder, write_json
from textmill.hub.families import their_config_of, theirs_of
from textmill.hub.leaving import (
    EXPORTING,
    Leaving,
    Written,
    equal_texts,
    needs,
    refuse_tokens,
    texts_of_proof,
    versions,
)
from textmill.hub.sentence_modules import MODULES, SETTINGS
from textmill.hub.stock_folder import (
    PRESETS_OF,
    quiet_transformers,
    refuse_own_tokenizer,
    stock_family,
    tokenizer_said,
)
from textmill.hub.tokenizer_file import prove_tokenizer, write_tokenizer
from textmill.results import Proof
from textmill.tables import TASK_FORMS

TOLERANCE = 1e-5
"""By how much a number of a vector may differ, in float32, where the largest is about 1; else in proportion."""
N_COMPARED = 200
MODES = {"mean": "mean", "max": "max", "first": "cls"}
MODULE = "sentence_transformers.models."


class SentenceFolder:
    """What SentenceTransformer(FOLDER) loads, without code of ours."""

    title = "a folder of sentence-transformers"

    def refuse(self, config: Config, kind: str) -> None:
        form = TASK_FORMS[config.task.name]
        if form == "encoder-decoder":
            raise ConfigError(
                f"a model of --task {config.task.name} is an encoder and a decoder, and one body is what is read",
                where=EXPORTING + self.title,
                hint="lm, mask, classify and answer leave as such a folder.",
            )
        if config.model.arch != "transformer":
            raise ConfigError(
                f"an architecture {config.model.arch} is no stock class of transformers, which is read for its body",
                where=EXPORTING + self.title,
                hint=f"Train with --arch transformer --preset {PRESETS_OF[form].split(',')[0]}; or write the vectors "
                "themselves: textmill vectors RUN --sentences FILE --out FILE.npy",
            )
        if config.task.name == "classify" and config.model.pooling not in MODES:
            raise ConfigError(
                f"model.pooling is {config.model.pooling}, whose weights no module of sentence-transformers has",
                where=EXPORTING + self.title,
                hint="Train with --model.pooling mean, max or first.",
            )
        refuse_tokens(config, self.title)
        family = stock_family(config, self.title, f"Train with --preset {PRESETS_OF[form]}.")
        refuse_own_tokenizer(family, kind, self.title)

    def write(self, leaving: Leaving, folder: Path) -> Written:
        needs("sentence_transformers")
        reader = TextReader(leaving.run, leaving.checkpoint)
        family = stock_family(leaving.config, self.title, "")
        architecture = write_body(leaving, family, folder)
        modules = ["Transformer", *write_modules(leaving, reader, folder)]
        listed = [
            {
                "idx": number,
                "name": str(number),
                "path": f"{number}_{name}" if number else "",
                "type": MODULE + name,
            }
            for number, name in enumerate(modules)
        ]
        write_json(folder / MODULES, listed)
        write_json(folder / SETTINGS, {"max_seq_length": leaving.config.model.seq_len, "do_lower_case": False})
        said: dict[str, Any] = {"model_type": "SentenceTransformer", "prompts": {}, "default_prompt_name": None}
        write_json(folder / "config_sentence_transformers.json", said | {"similarity_fn_name": "cosine"})
        return Written(
            architecture=" + ".join([architecture, *modules[1:]]),
            python=PROGRAM,
            needs=("sentence-transformers",),
            library="sentence-transformers",
            notes=[
                f"A text of more than {leaving.config.model.seq_len} tokens is cut there; Textmill reads it whole, in "
                "windows.",
                *notes_on(leaving),
            ],
            proof=prove(leaving, reader, folder),
        )


def write_body(leaving: Leaving, family: str, folder: Path) -> str:
    """The model without its heads, and the tokenizer. Returns the class."""
    model = leaving.model
    body = {name: tensor for name, tensor in model.state_dict().items() if name.split(".")[0] not in ("heads",)}
    tensors = theirs_of(family, body, model.config, {})
    said: dict[str, Any] = their_config_of(model.config, model.vocab_size, family=family, form=model.form)
    write_json(folder / "config.json", said | {"eos_token_id": leaving.tokenizer.mark})
    flat = {name: tensor.detach().float().contiguous().clone() for name, tensor in tensors.items()}
    safetensors.torch.save_file(flat, folder / "model.safetensors", metadata={"format": "pt"})
    shutil.copymode(folder / "config.json", folder / "model.safetensors")  # the library lets nobody else read it
    write_tokenizer(leaving, folder)
    said_of_tokens = {name: value for name, value in tokenizer_said(leaving).items() if name != "mask_token"}
    write_json(
        folder / "tokenizer_config.json", said_of_tokens | {"split_special_tokens": True, "padding_side": "right"}
    )
    return str(said["architectures"][0])


def write_modules(leaving: Leaving, reader: TextReader, folder: Path) -> list[str]:
    """What comes after the body; names of the modules."""
    head = leaving.model.heads["classify"] if reader.pooling == "head" else None
    mode = MODES[head.pooling if head is not None else reader.pooling]
    width = leaving.model.config.d_model
    modes = {f"pooling_mode_{name}": name.startswith(mode) for name in ("cls_token", "mean_tokens", "max_tokens")}
    make_folder(folder / "1_Pooling")
    write_json(
        folder / "1_Pooling/config.json",
        {"word_embedding_dimension": width, **modes, "pooling_mode_mean_sqrt_len_tokens": False},
    )
    if head is None or head.turn is None:
        return ["Pooling"] + ["Normalize"] * reader.normalised
    make_folder(folder / "2_Dense")
    said = {"in_features": width, "out_features": width, "bias": True}
    write_json(folder / "2_Dense/config.json", said | {"activation_function": "torch.nn.modules.activation.Tanh"})
    tensors = {"linear.weight": head.turn, "linear.bias": head.turn_bias}
    flat = {name: tensor.detach().float().contiguous().clone() for name, tensor in tensors.items()}
    safetensors.torch.save_file(flat, folder / "2_Dense/model.safetensors", metadata={"format": "pt"})
    return ["Pooling", "Dense"]


def prove(leaving: Leaving, reader: TextReader, folder: Path) -> Proof:
    """Read back by sentence-transformers. Raises RunError where a vector differs."""
    prove_tokenizer(leaving, folder)
    theirs = loaded(folder)
    tokenizer = theirs.tokenizer
    longest = leaving.config.model.seq_len - len(leaving.before) - len(leaving.behind)
    texts = [text for text in texts_of_proof() if text and len(leaving.tokenizer.encode(text)) <= longest][:N_COMPARED]
    wanted = reader.vectors(texts)
    found = theirs.encode(texts, convert_to_numpy=True, show_progress_bar=False, batch_size=16)
    difference = float(np.abs(found - wanted).max()) / max(1.0, float(np.abs(wanted).max()))
    if found.shape != wanted.shape or not difference <= TOLERANCE:
        raise RunError(
            f"sentence-transformers gives other vectors than the run: they differ by up to {difference:.3g}, more than "
            f"{TOLERANCE:g}; nothing was written",
            hint="This should not happen: it is worth a report, with the run's config.toml.",
        )
    tokenizer.model_max_length = 1 << 30  # it warns of texts that no model is given here
    encode = lambda some: tokenizer(list(some), add_special_tokens=False)["input_ids"]  # noqa: E731
    n_equal = equal_texts(encode, leaving.tokenizer, "sentence-transformers")
    return Proof(
        of="vectors",
        allowed=TOLERANCE,
        max_difference=difference,
        n_numbers=wanted.size,
        how=f"vectors of {len(texts)} texts, beside those of the run",
        n_texts=n_equal,
        n_texts_equal=n_equal,
        by=versions("sentence-transformers", "transformers", "tokenizers"),
    )


def loaded(folder: Path) -> Any:
    """The folder as sentence-transformers reads it: offline, without code of the folder, on the CPU."""
    with quiet_transformers():
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(str(folder), device="cpu", local_files_only=True, trust_remote_code=False)


def notes_on(leaving: Leaving) -> list[str]:
    mark = leaving.tokenizer.token_text(leaving.tokenizer.mark)
    notes = [f"What looks like a control token in a text ({mark}) is text (split_special_tokens)."]
    if leaving.before or leaving.behind:
        notes.append("The mean is over all tokens, the control tokens around a text included, as in Textmill.")
    if leaving.config.task.name in ("answer", "story"):
        notes.append("The model was trained with facts beside the text (where the question is); here it reads without.")
    return notes


PROGRAM = """\
from sentence_transformers import SentenceTransformer

model = SentenceTransformer(".")
vectors = model.encode(["A fine film.", "一部好电影。"])
print(model.similarity(vectors, vectors))
"""
