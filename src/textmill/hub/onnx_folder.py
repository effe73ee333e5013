"""A run -> a folder with model.onnx, tokenizer.json and a card: `export --to onnx`. Room: hub/.

Every architecture goes: a decoder with its state, an encoder with classes or hidden words. The graph is that of
onnx_models.py, read back by onnxruntime and compared at two batch sizes and lengths.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textmill.config import Config
from textmill.errors import ConfigError
from textmill.hub.leaving import EXPORTING, Leaving, Written, needs, refuse_difference, refuse_tokens, versions
from textmill.hub.onnx_models import graph_of
from textmill.hub.tokenizer_file import prove_tokenizer, write_tokenizer
from textmill.results import Proof
from textmill.tables import TASK_FORMS

BATCHES = ((2, 7, 5), (3, 1, 11))
"""(rows, tokens read first, tokens read after them): what a graph is proved at."""
Arrays = dict[str, NDArray[Any]]


class OnnxFolder:
    """model.onnx, run by onnxruntime."""

    title = "ONNX"

    def refuse(self, config: Config, kind: str) -> None:
        task = config.task.name
        if TASK_FORMS[task] == "encoder-decoder":
            instead = "--preset marian leaves as --to hf" if config.model.arch == "transformer" else None
            raise ConfigError(
                "a translator has two graphs and a search between them, which are not written as ONNX",
                where=EXPORTING + self.title,
                hint=f"A translator of {instead or '--arch transformer --preset marian leaves as --to hf'}.",
            )
        if task in ("answer", "story"):
            raise ConfigError(
                f"a run of --task {task} reads facts beside its text that ONNX has no reader for",
                where=EXPORTING + self.title,
                hint="lm, classify and mask leave as ONNX.",
            )
        refuse_tokens(config, self.title)

    def write(self, leaving: Leaving, folder: Path) -> Written:
        needs("onnx", "onnxruntime")
        model = leaving.model
        facts = {"begin": "" if leaving.begin is None else str(leaving.begin), "end": str(leaving.tokenizer.mark)}
        if "classify" in leaving.run.info["heads"]:
            facts["classes"] = json.dumps(model.heads["classify"].classes, ensure_ascii=False)
        graph_of(model).save(folder, facts)
        write_tokenizer(leaving, folder)
        session = opened(folder)
        difference, n_numbers = (prove_encoder if model.form == "encoder" else prove_decoder)(model, session)
        refuse_difference(difference, "model.onnx")
        proof = Proof(
            max_difference=difference,
            n_numbers=n_numbers,
            how=how_compared(),
            n_texts=(n_texts := prove_tokenizer(leaving, folder)),
            n_texts_equal=n_texts,
            by=versions("onnxruntime", "tokenizers"),
        )
        return Written(
            architecture=f"{leaving.config.model.arch}, {model.form}",
            python=program(leaving, session),
            needs=("onnxruntime", "tokenizers", "numpy"),
            library="onnx",
            notes=notes_on(leaving),
            proof=proof,
        )


def opened(folder: Path) -> Any:
    """An onnxruntime session over model.onnx, on one thread, silent but for errors."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])


def how_compared() -> str:
    sizes = " and ".join(f"{rows} rows of {first} + {then} tokens" for rows, first, then in BATCHES)
    return f"random ids, {sizes}, the state carried from the first part to the second"


def random_ids(model: Any, rows: int, n_tokens: int) -> Tensor:
    generator = torch.Generator().manual_seed(rows)
    return torch.randint(model.vocab_size, (rows, n_tokens), generator=generator)


def within(model: Any) -> Iterable[tuple[int, int, int]]:
    """BATCHES, shorter where the context is."""
    for rows, first, then in BATCHES:
        most = model.max_context or first + then
        yield rows, min(first, most - 1), min(then, most - min(first, most - 1))


@torch.no_grad()
def prove_decoder(model: Any, session: Any) -> tuple[float, int]:
    """(largest difference of a logit, logits compared): texts read in two parts there, at once here."""
    worst, n_numbers = 0.0, 0
    for rows, first, then in within(model):
        ids = random_ids(model, rows, first + then)
        hidden, _ = model(ids)
        wanted = (model.head.log_probs if is_adaptive(model) else model.head.logits)(hidden)
        feeds, found = no_past(session, rows), []
        for part in (ids[:, :first], ids[:, first:]):
            logits, *after = session.run(None, {"ids": part.numpy(), **feeds})
            feeds = dict(zip(feeds, after, strict=True))
            found.append(torch.from_numpy(logits))
        worst = max(worst, largest(torch.cat(found, dim=1), wanted))
        n_numbers += wanted.numel()
    return worst, n_numbers


@torch.no_grad()
def prove_encoder(model: Any, session: Any) -> tuple[float, int]:
    """The same of texts that are read whole, one of them half as long, with padding."""
    worst, n_numbers = 0.0, 0
    for rows, first, then in within(model):
        ids = random_ids(model, rows, first + then)
        segments = torch.zeros_like(ids)
        segments[0, (first + then + 1) // 2 :] = -1
        real = segments >= 0
        feeds = {"ids": ids.numpy(), "real": real.numpy()}
        if "mask" in model.heads:
            hidden_here = torch.rand(ids.shape, generator=torch.Generator().manual_seed(rows)) < 0.3
            feeds["hidden"] = hidden_here.numpy()
            wanted = model.heads["mask"].logits(model(ids, segments, masked=hidden_here), model.embedding.weight)[real]
            found = torch.from_numpy(session.run(None, feeds)[0])[real]
        else:
            wanted = model.heads["classify"](model(ids, segments), real)
            found = torch.from_numpy(session.run(None, feeds)[0])
        worst = max(worst, largest(found, wanted))
        n_numbers += wanted.numel()
    return worst, n_numbers


def is_adaptive(model: Any) -> bool:
    return bool(model.config.softmax == "adaptive")


def largest(found: Tensor, wanted: Tensor) -> float:
    """Of the differences; NaN where something is no number."""
    return float((found - wanted).abs().max())


def no_past(session: Any, rows: int) -> Arrays:
    """What a decoder reads at the beginning of a text: zeros, or nothing at all."""
    return {
        value.name: np.zeros(
            [rows if dim == "batch" else 0 if dim == "past" else dim for dim in value.shape], np.float32
        )
        for value in session.get_inputs()
        if value.name != "ids"
    }


def notes_on(leaving: Leaving) -> list[str]:
    """What a user of the graph must know."""
    model, notes = leaving.model, []
    if model.form == "decoder":
        kept = "h, and c of an LSTM" if model.max_context is None else "keys and values of every layer"
        notes.append(
            f"The past goes in and comes out ({kept}); a text may be read in any parts. All rows of a batch are "
            "equally long: there is no padding."
        )
    else:
        notes.append("One text a row; padding stands at the right, where `real` is false.")
    if model.max_context is not None:
        notes.append(f"A row holds at most {model.max_context} tokens, the past included; beyond them it is an error.")
    if is_adaptive(model):
        notes.append("The scores are natural logarithms of probabilities: the head is an adaptive softmax.")
    if model.form == "encoder" and leaving.config.task.name == "classify":
        notes.append(
            f"Textmill reads a text of more than {leaving.config.model.seq_len} tokens in windows and puts them "
            "together before it decides; a row here is one window."
        )
        weight = leaving.run.info.get("offer", {}).get("weight", 1.0)
        if weight != 1.0:
            notes.append(
                "The run answers with a mixture of this network and tf-idf; what leaves is the network alone, whose "
                "accuracy may be another."
            )
    return notes


def program(leaving: Leaving, session: Any) -> str:
    """A Python program over onnxruntime and tokenizers alone."""
    begin = [] if leaving.begin is None else [leaving.begin]
    if leaving.model.form == "decoder":
        prompt = "从前" if leaving.is_chinese else "Once"
        return PROGRAM_HEAD + PROGRAM_DECODER.format(begin=begin, end=leaving.tokenizer.mark, prompt=prompt)
    if "mask" in leaving.model.heads:
        return PROGRAM_HEAD + PROGRAM_MASK.format(begin=begin)
    several = leaving.model.heads["classify"].several
    probabilities = "1 / (1 + np.exp(-logits))" if several else "np.exp(logits) / np.exp(logits).sum()"
    return PROGRAM_HEAD + PROGRAM_CLASSIFY.format(begin=begin, probabilities=probabilities)


PROGRAM_HEAD = """\
import json

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

session = onnxruntime.InferenceSession("model.onnx")
tokenizer = Tokenizer.from_file("tokenizer.json")
tokenizer.encode_special_tokens = True  # a control word in a text is text

"""
PROGRAM_DECODER = """\
ids = {begin} + tokenizer.encode("{prompt}", add_special_tokens=False).ids
state = {{
    value.name: np.zeros([1 if dim == "batch" else 0 if dim == "past" else dim for dim in value.shape], np.float32)
    for value in session.get_inputs()
    if value.name != "ids"
}}
read, written = ids, []
for _ in range(40):  # the likeliest token each time
    logits, *after = session.run(None, {{"ids": np.array([read]), **state}})
    state = dict(zip(state, after))
    read = [int(logits[0, -1].argmax())]
    if read == [{end}]:
        break
    written += read
print(tokenizer.decode(ids + written))
"""
PROGRAM_CLASSIFY = """\
classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
ids = np.array([{begin} + tokenizer.encode("A fine film.", add_special_tokens=False).ids])
[[logits]] = session.run(None, {{"ids": ids, "real": np.ones_like(ids, dtype=bool)}})
probabilities = {probabilities}
print(dict(zip(classes, probabilities.tolist())))
"""
PROGRAM_MASK = """\
ids = np.array([{begin} + tokenizer.encode("The wheel turns.", add_special_tokens=False).ids])
hidden = np.zeros_like(ids, dtype=bool)
hidden[0, -1] = True  # which tokens are to be guessed
[logits] = session.run(None, {{"ids": ids, "real": np.ones_like(hidden), "hidden": hidden}})
print(tokenizer.decode([int(logits[0, -1].argmax())]))
"""
