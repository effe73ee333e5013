"""A run -> a folder that transformers loads as one of its own classes: `export --to hf`. Room: hub/.

Names of tensors and config.json are those of families.py, so that the folder is a RUN again. Read back by our own
reader, and by transformers where it is installed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from textmill.config import Config
from textmill.errors import ConfigError
from textmill.files import read_json, write_json
from textmill.hub.families import config_of, family_of, ours_of, their_config_of, theirs_of
from textmill.hub.leaving import (
    EXPORTING,
    MASK_WORD,
    N_TEXTS,
    Leaving,
    Written,
    equal_greedily,
    equal_texts,
    how_compared,
    refuse_difference,
    refuse_tokens,
    versions,
)
from textmill.hub.tokenizer_file import prove_tokenizer, write_tokenizer
from textmill.models import build_model
from textmill.models.mask_head import MaskHead
from textmill.results import Proof
from textmill.tables import TASK_FORMS, TOKENIZERS

PRESETS_OF = {"decoder": "gpt2, llama, qwen3 or modern", "encoder": "bert", "encoder-decoder": "marian"}
BATCHES = ((2, 12), (3, 9))
"""(rows, tokens) that the logits are compared at."""
NEVER = -1e4
"""The score of a new word for hidden words, so that it is guessed nowhere."""
AUTO = {"lm": "AutoModelForCausalLM", "mask": "AutoModelForMaskedLM", "classify": "AutoModelForSequenceClassification"}
AUTO |= {"translate": "AutoModelForSeq2SeqLM"}
PIPELINES = {"lm": "text-generation", "mask": "fill-mask", "classify": "text-classification"}
OWN_TOKENIZER = ("qwen2",)
"""Families whose tokenizer transformers takes from its own code, whatever tokenizer.json says."""
CLASSES = {"mask": "BertForMaskedLM", "classify": "BertForSequenceClassification"}


class StockFolder:
    """config.json, model.safetensors and tokenizer files, as transformers has them."""

    title = "a Hugging Face folder"

    def refuse(self, config: Config, kind: str) -> None:
        task, form = config.task.name, TASK_FORMS[config.task.name]
        if config.model.arch != "transformer":
            raise ConfigError(
                f"an architecture {config.model.arch} is no stock class of transformers",
                where=EXPORTING + self.title,
                hint="It leaves as ONNX, state and all: --to onnx (train --exportable onnx). As a Hugging Face folder: "
                f"train with --arch transformer --preset {PRESETS_OF[form].split(',')[0].split(' or ')[0]}"
                + (" --model.pooling first." if task == "classify" else "."),
            )
        if task in ("answer", "story"):
            raise ConfigError(
                f"no stock class has the head of --task {task}, which takes in facts beside the text",
                where=EXPORTING + self.title,
                hint="lm, mask, classify and translate leave as a Hugging Face folder"
                + ("; a reader leaves as ONNX: --to onnx." if task == "answer" else "."),
            )
        if task == "classify" and config.model.pooling != "first":
            raise ConfigError(
                f"model.pooling is {config.model.pooling}, and BertForSequenceClassification decides by the first "
                "token alone",
                where=EXPORTING + self.title,
                hint="Train with --preset bert --model.pooling first; or let it leave as ONNX: --to onnx.",
            )
        if config.task.both_ways:
            raise ConfigError(
                "a translator of both directions reads the wanted language before each source, which no stock "
                "tokenizer writes",
                where=EXPORTING + self.title,
                hint="Train one run for each direction, without --both-ways; or let it leave as ONNX: --to onnx.",
            )
        if task == "translate" and not config.tokens.shared:
            raise ConfigError(
                "each side has a vocabulary of its own, and tokenizer.json holds one",
                where=EXPORTING + self.title,
                hint="Train with --tokens.shared true; or let it leave as ONNX: --to onnx.",
            )
        refuse_tokens(config, self.title)
        family = stock_family(
            config, self.title, f"Train with --preset {PRESETS_OF[form]}, or let it leave as ONNX: --to onnx."
        )
        refuse_own_tokenizer(family, kind, self.title)

    def write(self, leaving: Leaving, folder: Path) -> Written:
        write_stock(leaving, folder)
        proof = prove_stock(leaving, folder)
        return Written(
            architecture=str(read_json(folder / "config.json")["architectures"][0]),
            python=program(leaving),
            needs=("transformers",),
            library="transformers",
            notes=notes_on(leaving),
            proof=proof,
        )


def refuse_own_tokenizer(family: str, kind: str, title: str) -> None:
    """Raises ConfigError for a tokenizer that transformers would put its own in the place of."""
    if family in OWN_TOKENIZER and kind in ("auto", *TOKENIZERS):
        raise ConfigError(
            f"transformers gives every folder of {family} the tokenizer of {family}, which changes some letters "
            "(NFC) that the run's keeps",
            where=EXPORTING + title,
            hint="Train with --preset llama, qwen3, gpt2 or modern.",
        )


def stock_family(config: Config, title: str, instead: str) -> str:
    """The family whose stock class can be this model. Raises ConfigError; instead: its hint."""
    form = TASK_FORMS[config.task.name]
    try:
        family = family_of(config.model, form)
    except ConfigError as error:
        raise ConfigError(error.message, where=EXPORTING + title, hint=instead) from None
    if form == "decoder" and getattr(config.model, "bias", False) and not config.model.tied:
        raise ConfigError(
            f"with model.tied false the head has a bias, and the class of {family} has none",
            where=EXPORTING + title,
            hint="Train with --model.tied true. " + instead,
        )
    return family


# --- files


def write_stock(leaving: Leaving, folder: Path) -> None:
    """Everything but the card."""
    model, task = leaving.model, leaving.config.task.name
    family = family_of(model.config, model.form)
    heads = dict(leaving.run.info["heads"])
    n_ids = model.vocab_size + leaving.adds_mask
    said = their_config_of(model.config, n_ids, family=family, form=model.form) | ids_said(leaving)
    if task in CLASSES:
        said["architectures"] = [CLASSES[task]]
    if task == "classify":
        head = model.heads["classify"]
        said["id2label"] = {str(number): name for number, name in enumerate(head.classes)}
        said["label2id"] = {name: number for number, name in enumerate(head.classes)}
        said["problem_type"] = f"{'multi' if head.several else 'single'}_label_classification"
    write_json(folder / "config.json", said)
    tensors = theirs_of(family, model.state_dict(), model.config, heads)
    if task == "mask":
        tensors = with_stand_in(tensors, model.heads["mask"], leaving.mask_id)
    flat = {name: tensor.detach().float().contiguous().clone() for name, tensor in tensors.items()}
    safetensors.torch.save_file(flat, folder / "model.safetensors", metadata={"format": "pt"})
    shutil.copymode(folder / "config.json", folder / "model.safetensors")  # the library lets nobody else read it
    write_tokenizer(leaving, folder)
    if leaving.adds_mask:
        name_mask(folder, leaving.mask_id)
    write_json(folder / "tokenizer_config.json", tokenizer_said(leaving))
    if task in ("lm", "translate"):
        write_json(folder / "generation_config.json", ids_said(leaving))


def ids_said(leaving: Leaving) -> dict[str, Any]:
    """Ids of begin, end and padding. Padding is told by the attention mask: the end's id stands there."""
    mark = leaving.tokenizer.mark
    said: dict[str, Any] = {"bos_token_id": leaving.begin, "eos_token_id": mark, "pad_token_id": mark}
    if len(leaving.tokenizer.stops) > 1:
        said["eos_token_id"] = sorted(leaving.tokenizer.stops)
    if leaving.config.task.name == "translate":
        said |= {"bos_token_id": mark, "decoder_start_token_id": mark, "forced_eos_token_id": None}
    return said


def tokenizer_said(leaving: Leaving) -> dict[str, Any]:
    tokenizer = leaving.tokenizer
    mark = tokenizer.token_text(tokenizer.mark)
    said: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": mark,
        "pad_token": mark,
        "model_max_length": leaving.config.model.seq_len,
        "model_input_names": ["input_ids", "attention_mask"],
        "padding_side": "left" if leaving.config.task.name == "lm" else "right",
        # What looks like a control token in a text is text, but where a hidden word must be told.
        "split_special_tokens": leaving.config.task.name != "mask",
        "clean_up_tokenization_spaces": False,
    }
    if leaving.begin is not None:
        said["bos_token"] = tokenizer.token_text(leaving.begin)
    if leaving.config.task.name == "mask":
        said["mask_token"] = leaving.mask_word
    return said | ({} if tokenizer.chat_template is None else {"chat_template": tokenizer.chat_template})


def with_stand_in(theirs: dict[str, Tensor], head: MaskHead, mask_id: int) -> dict[str, Tensor]:
    """The vector of mask_id is the stand-in; where it is a new id, its score is NEVER."""
    found = dict(theirs)
    words, bias = "bert.embeddings.word_embeddings.weight", "cls.predictions.bias"
    found[words] = torch.cat([found[words][:mask_id], head.stand_in[None], found[words][mask_id + 1 :]])
    if mask_id == len(found[bias]):
        found[bias] = torch.cat([found[bias], found[bias].new_full((1,), NEVER)])
        if (weight := found.get("cls.predictions.decoder.weight")) is not None:
            found["cls.predictions.decoder.weight"] = torch.cat([weight, weight.new_zeros(1, weight.shape[1])])
    return found


def name_mask(folder: Path, number: int) -> None:
    """A word for hidden words in tokenizer.json, where it has none."""
    path = folder / "tokenizer.json"
    layout = read_json(path)
    how = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    layout["added_tokens"].append({"id": number, "content": MASK_WORD, **how})
    write_json(path, layout)


# --- proof


def prove_stock(leaving: Leaving, folder: Path) -> Proof:
    """Read back and compared. Raises RunError where something differs."""
    without = (leaving.mask_word, *leaving.tokenizer.control_words) if leaving.config.task.name == "mask" else ()
    own = read_again(leaving, folder)
    difference, n_numbers = compared(leaving, lambda batch: scores_of(leaving, own, batch))
    refuse_difference(difference, "the folder, read by Textmill,")
    n_equal, by, n_greedy = prove_tokenizer(leaving, folder, without), versions("textmill", "tokenizers"), 0
    if importlib.util.find_spec("transformers") is not None:
        theirs, tokenizer = loaded_by_transformers(leaving, folder)
        difference, n_numbers = compared(leaving, lambda batch: scores_there(leaving, theirs, batch))
        refuse_difference(difference, "transformers")
        if leaving.config.task.name == "lm":
            n_greedy = equal_greedily(leaving, lambda ids: theirs(input_ids=ids).logits)
        encode = lambda texts: tokenizer(list(texts), add_special_tokens=False)["input_ids"]  # noqa: E731
        n_equal = equal_texts(encode, leaving.tokenizer, "transformers", without)
        by = versions("transformers", "tokenizers")
    return proof_of(leaving, difference, n_numbers, n_equal, n_greedy, by)


def proof_of(
    leaving: Leaving, difference: float, n_numbers: int, n_equal: int, n_greedy: int, by: dict[str, str]
) -> Proof:
    """What `compared`, `equal_texts` and `equal_greedily` found. by: packages that read it, and their versions."""
    padded = () if leaving.model.form == "decoder" else ("one of them padded",)
    return Proof(
        max_difference=difference,
        n_numbers=n_numbers,
        how=how_compared((f"{rows} rows of {n} tokens" for rows, n in BATCHES), *padded),
        n_texts=N_TEXTS,
        n_texts_equal=n_equal,
        n_greedy=n_greedy,
        by=by,
    )


def read_again(leaving: Leaving, folder: Path) -> Any:
    """The model that our own reader makes of the folder."""
    model, said = leaving.model, read_json(folder / "config.json")
    family, heads = said["model_type"], dict(leaving.run.info["heads"])
    n_ids = model.vocab_size + leaving.adds_mask
    if leaving.config.task.name == "mask":
        heads = {"mask": {"vocab_size": n_ids}}
    config = config_of(family, said).model_copy(update={"pooling": model.config.pooling})
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    ours = ours_of(family, tensors, config, heads, mask_id=leaving.mask_id)
    again = build_model(config, n_ids, model.form, heads, device="meta")
    again.load_state_dict(ours, assign=True)
    return again.eval().requires_grad_(False)


Batch = tuple[Tensor, Tensor]  # ids (B, T), and True where there is a token


def batches_of(leaving: Leaving) -> Iterator[Batch]:
    model = leaving.model
    for rows, n in BATCHES:
        n = min(n, model.max_context or n)
        generator = torch.Generator().manual_seed(rows)
        ids = torch.randint(model.vocab_size, (rows, n), generator=generator)
        real = torch.ones_like(ids, dtype=torch.bool)
        if model.form != "decoder":
            real[0, (n + 1) // 2 :] = False
        yield ids, real


@torch.no_grad()
def compared(leaving: Leaving, there: Any) -> tuple[float, int]:
    """(largest difference of a logit, logits compared)."""
    worst, n_numbers = 0.0, 0
    for batch in batches_of(leaving):
        wanted, found = scores_of(leaving, leaving.model, batch), there(batch)
        worst = max(worst, float((found - wanted).abs().max()))
        n_numbers += wanted.numel()
    return worst, n_numbers


def scores_of(leaving: Leaving, model: Any, batch: Batch) -> Tensor:
    """Logits by a model of ours, at places with a token; of hidden words where every second one is hidden."""
    ids, real = batch
    segments = torch.where(real, 0, -1)
    match leaving.config.task.name:
        case "lm":
            return model.head.logits(model(ids)[0])  # type: ignore[no-any-return]
        case "translate":
            return model.head.logits(model(ids, None, model.begin(ids, segments))[0])  # type: ignore[no-any-return]
        case "classify":
            return model.heads["classify"](model(ids, segments), real)  # type: ignore[no-any-return]
        case _:
            hidden = hidden_places(ids)
            scores = model.heads["mask"].logits(model(ids, segments, masked=hidden), model.embedding.weight)[real]
            return but_of_mask(scores, leaving)


def scores_there(leaving: Leaving, theirs: Any, batch: Batch) -> Tensor:
    """The same by a model of transformers."""
    ids, real = batch
    match leaving.config.task.name:
        case "lm":
            return theirs(input_ids=ids).logits  # type: ignore[no-any-return]
        case "translate":
            return theirs(input_ids=ids, attention_mask=real, decoder_input_ids=ids).logits  # type: ignore[no-any-return]
        case "classify":
            return theirs(input_ids=ids, attention_mask=real).logits  # type: ignore[no-any-return]
        case _:
            asked = torch.where(hidden_places(ids), leaving.mask_id, ids)
            return but_of_mask(theirs(input_ids=asked, attention_mask=real).logits[real], leaving)


def but_of_mask(scores: Tensor, leaving: Leaving) -> Tensor:
    """Scores (N, V) of all ids but the one that stands for a hidden word, which is no word."""
    return scores[:, torch.arange(scores.shape[1]) != leaving.mask_id]


def hidden_places(ids: Tensor) -> Tensor:
    return (torch.arange(ids.shape[1]) % 2 == 1).expand_as(ids)


def loaded_by_transformers(leaving: Leaving, folder: Path) -> tuple[Any, Any]:
    """(model, tokenizer), offline and without code of the folder."""
    with quiet_transformers():
        import transformers

        kind = getattr(transformers, AUTO[leaving.config.task.name])
        model = kind.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        tokenizer.model_max_length = 1 << 30  # it warns of texts that no model is given here
    return model, tokenizer


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Neither progress nor advice on stderr; errors are exceptions."""
    from transformers.utils import logging as theirs

    level, bars = theirs.get_verbosity(), theirs.is_progress_bar_enabled()
    theirs.set_verbosity(logging.CRITICAL)
    theirs.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # some bars heed nobody
            yield
    finally:
        theirs.set_verbosity(level)
        if bars:
            theirs.enable_progress_bar()  # type: ignore[no-untyped-call]


# --- words


def notes_on(leaving: Leaving) -> list[str]:
    task, mark = leaving.config.task.name, leaving.tokenizer.token_text(leaving.tokenizer.mark)
    notes = []
    if task != "mask":
        notes.append(f"What looks like a control token in a text ({mark}) is text (split_special_tokens).")
    if task == "lm" and leaving.begin is not None:
        notes.append(f"The tokenizer puts {mark} before a text, as the model was trained; the same token ends one.")
    if task == "mask":
        notes.append(
            f"{leaving.mask_word} in a text is a hidden word. It and {mark}, which the tokenizer puts before a text, "
            "are control tokens wherever they stand: these two words cannot be read as text."
        )
    if task == "classify":
        notes.append(
            f"Textmill reads a text of more than {leaving.config.model.seq_len} tokens in windows; transformers is to "
            "cut it: truncation=True."
        )
        offer = leaving.run.info.get("offer", {})
        if offer.get("temperature", 1.0) != 1.0 or offer.get("weight", 1.0) != 1.0:
            notes.append(
                "Textmill answers with calibrated probabilities, in part perhaps of tf-idf; what leaves is the network "
                "alone, as it was trained: the likeliest class may be another."
            )
    return notes


def program(leaving: Leaving) -> str:
    match task := leaving.config.task.name:
        case "translate":
            return PROGRAM_TRANSLATE
        case "lm":
            prompt, more = "从前" if leaving.is_chinese else "Once", ", max_new_tokens=40"
        case "mask":
            prompt, more = f"The wheel {leaving.mask_word} in the wind.", ""
        case _:
            prompt, more = "A fine film.", ""
    return PROGRAM.format(pipeline=PIPELINES[task], prompt=prompt, more=more)


PROGRAM = """\
from transformers import pipeline

use = pipeline("{pipeline}", model=".")
print(use("{prompt}"{more}))
"""
PROGRAM_TRANSLATE = """\
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")
model = AutoModelForSeq2SeqLM.from_pretrained(".")
found = model.generate(**tokenizer("The mill turns.", return_tensors="pt"), num_beams=4, max_new_tokens=40)
print(tokenizer.decode(found[0], skip_special_tokens=True))
"""
