"""A Hugging Face folder as a RUN. Room: hub/ (other formats <-> ours).

open_folder reads config.json, weights and tokenizer of a folder (files, families) and gives a Run that verbs use like
any other: nothing is written into the folder, and nothing in it is executed. What it is for is said by its class:
    decoders (GPT-2, Llama …)         task lm
    BERT, RoBERTa with a head         mask, classify, answer; without one it is a beginning for others (--from)
    Marian                            translate
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from torch import Tensor

from textmill.config import Config
from textmill.config.data import DataConfig
from textmill.config.measure import EvalConfig
from textmill.config.model import TransformerConfig
from textmill.config.task import TaskConfig
from textmill.config.tokens import TokensConfig
from textmill.errors import InputError, RunError
from textmill.files import make_folder, sha256_of
from textmill.hub.config_json import KINDS, config_of, family_said
from textmill.hub.families import FAMILIES, ours_of
from textmill.hub.files import ModelFolder, licence_of, look_into, read_weights, refuse_not_finite
from textmill.hub.sentence_modules import sentences_said
from textmill.models import build_model
from textmill.models.cost import memory_bytes, parameters
from textmill.models.network import Heads
from textmill.results import Evaluation, Info, Report
from textmill.runs import Prepared, Run, device_named
from textmill.runs.checkpoint import Checkpoint
from textmill.tokens import Tokenizer

WINDOW, TOKENS_AT_ONCE = 1024, 8192
"""Tokens that a model of a long context is measured on at once, unless eval.window says otherwise."""
SPARE_IDS = 512
"""Rows of an embedding beyond the tokenizer's ids, at most: they are filled up to a round number."""
TASKS = {"lm": "lm", "": "mask", "mask": "mask", "classify": "classify", "span": "answer", "translate": "translate"}
LONGEST_ANSWER = 100
"""Code points: what the scripts of SQuAD take for the longest (30 tokens)."""


class ForeignRun(Run):
    """Another's model, opened. It was trained elsewhere: it has weights and a tokenizer, no text, no log, no scores."""

    keeps_results = False

    def __init__(
        self,
        path: Path,
        config: Config,
        info: dict[str, Any],
        tokenizer: Tokenizer,
        weights: Callable[[], dict[str, Tensor]],
        files: list[Path],
        vocab_sizes: tuple[int, int | None],
    ):
        """weights: reads ours. files: that they lie in. vocab_sizes: of the model, of targets and of sources."""
        super().__init__(path, config, info)
        self._tokenizer, self._weights, self._files = tokenizer, weights, files
        self.vocab_size, self.source_vocab_size = vocab_sizes
        if aside := info["origin"].get("left_aside"):
            self.notices.append(f"{path}: left aside, and never run: {'; '.join(aside)}")

    @property
    def tokenizer(self) -> Tokenizer:
        return self._tokenizer

    @property
    def status(self) -> str:
        return "finished"

    @property
    def step(self) -> int:
        return 0

    @property
    def progress(self) -> dict[str, Any]:
        return {}

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """All weights by our names, in float32. Raises Damaged."""
        tensors = self._weights()
        refuse_not_finite(tensors, str(self.path))
        return tensors

    def load(self, which: str | int = "best") -> Checkpoint:
        if which != "best":
            raise RunError(
                f"a model folder has one set of weights, and no checkpoint {which!r}",
                where=str(self.path),
                hint="Leave --checkpoint out.",
            )
        return Checkpoint(step=0, model=self.tensors)

    def weights_sha256(self, saved: Checkpoint) -> str:
        hashes = [sha256_of(file) for file in self._files]
        return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()

    def tokenizer_folder(self, into: Path) -> Path:
        """Its tokenizer, written under `into` as a run keeps it."""
        folder = into / f"tokenizer-{hashlib.sha256(str(self.path.resolve()).encode()).hexdigest()[:16]}"
        make_folder(folder)
        self.tokenizer.save(folder)
        return folder

    def model(self, checkpoint: str | int | None = None, device: str = "cpu") -> Any:
        saved = self.load(checkpoint if checkpoint is not None else self.default_checkpoint)
        network = build_model(
            self.config.model,
            self.vocab_size,
            self.info["form"],
            dict(self.info["heads"]),
            device="meta",
            source_vocab_size=self.source_vocab_size,
        )
        network.load_state_dict(saved.model, assign=True)
        return network.to(device_named(device)).eval().requires_grad_(False)

    def evaluation(self, name: str | None = None) -> Evaluation | None:
        return None

    def prepared(self) -> Prepared:
        raise RunError(
            "this model was trained elsewhere, and no text of it is here",
            where=str(self.path),
            hint=f"Name a text: textmill eval {self.path} --data PATH",
        )

    def report(self) -> Report:
        raise RunError(
            "this model was trained elsewhere: there is no run to report on",
            where=str(self.path),
            hint=f"textmill info {self.path} says what it is; textmill eval {self.path} --data PATH measures it",
        )

    def refuse_changed_files(self) -> None:
        pass

    def _refuse_writing(self) -> NoReturn:
        raise AssertionError("nothing is written into another's model")

    def write_info(self) -> None:
        self._refuse_writing()

    def write_config(self, config: Config) -> None:
        self._refuse_writing()

    def _summary(self) -> Info:
        info = super()._summary()
        return info.model_copy(update={"origin": self.info["origin"]})


def open_folder(path: Path | str) -> ForeignRun:
    """A folder of Hugging Face. Raises RunError where it is none that may be read, InputError and Damaged naming the
    file, the key or the tensor that is not as it should be. The weights are read when they are asked for; the names and
    shapes of them are checked here."""
    path = Path(path)
    folder = look_into(path)
    family, config, heads, task = described(folder)
    kind = KINDS[family]
    tokenizer = tokenizer_of(folder)
    sizes = vocab_sizes_of(folder, family)
    refuse_other_vocabulary(tokenizer, sizes, path)
    mask_id = getattr(getattr(tokenizer, "facts", None), "masked", None)
    if "mask" in heads and mask_id is None:
        raise InputError("the tokenizer names no token for hidden words ([MASK])", where=str(path))

    def weights() -> dict[str, Tensor]:
        theirs, _ = read_weights(folder)
        return ours_of(family, theirs, config, heads, mask_id=mask_id, where=str(path))

    origin: dict[str, Any] = {
        "format": "huggingface",
        "family": family,
        "architecture": ", ".join(classes_of(folder.config)) or None,
        "precision": precision_of(folder),
        "weights": [file.name for file in folder.shards],
        "licence": licence_of(path),
        "safe": True,
        "why": "tensors, JSON and text alone are read; nothing of the folder is executed",
        "left_aside": [f"{name}: {why}" for name, why in folder.aside],
    }
    if (sentences := sentences_said(path)) is not None:
        origin["sentences"] = sentences
    return foreign_run(path, kind.form, config, heads, task, tokenizer, weights, folder.shards, sizes, origin)


def foreign_run(
    path: Path,
    form: str,
    model: TransformerConfig,
    heads: Heads,
    task: str,
    tokenizer: Tokenizer,
    weights: Callable[[], dict[str, Tensor]],
    files: list[Path],
    sizes: tuple[int, int | None],
    origin: dict[str, Any],
) -> ForeignRun:
    """The run of what was read: its config, and what run.json would say of it."""
    counts = parameters(model, sizes[0], form, sizes[1], heads)
    costs = {
        "context": model.seq_len,
        "bytes_to_load": sum(memory_bytes(model, sizes[0], None, 4, form, sizes[1], heads).values()),
        "bytes_to_train": sum(memory_bytes(model, sizes[0], "adamw", 4, form, sizes[1], heads).values()),
    }
    window = min(model.seq_len, WINDOW)
    config = Config(
        data=DataConfig(),
        task=TaskConfig(name=task),
        tokens=TokensConfig(
            kind=tokenizer.kind,
            begin_mark=tokenizer.begin is not None,
            shared=sizes[1] is None,
        ),
        model=model,
        eval=EvalConfig(window=window if form == "decoder" else None, batch=max(1, TOKENS_AT_ONCE // window)),
    )
    info = {
        "kind": "network",
        "form": form,
        "heads": {name: dict(said) for name, said in heads.items()},
        "finished": True,
        "n_parameters": {name: getattr(counts, name) for name in ("total", "backbone", "embeddings", "head")},
        "data": {"prepared": "", "fingerprint": ""},
        "origin": origin | costs,
    }
    return ForeignRun(path, config, info, tokenizer, weights, files, sizes)


# --- what a folder says it is


def classes_of(config: Mapping[str, Any]) -> list[str]:
    classes = config.get("architectures")
    return [one for one in classes if isinstance(one, str)] if isinstance(classes, list) else []


def described(folder: ModelFolder) -> tuple[str, TransformerConfig, Heads, str]:
    """(family, [model], heads, task). Raises InputError for what is not supported, by name."""
    said, where = folder.config, folder.where
    try:
        family = family_said(said, where)
    except InputError as error:
        if said.get("auto_map"):
            raise InputError(
                f"{error.message}; it asks for a program of its own (auto_map), and none is executed",
                where=where,
                hint=error.hint,
            ) from None
        raise
    if said.get("quantization_config"):
        raise InputError("'quantization_config': quantised weights are not supported", where=where)
    kind = KINDS[family]
    classes = classes_of(said)
    known = [one for one in classes if one in kind.classes]
    if classes and not known:
        raise InputError(
            f"the class {classes[0]!r} of family {family} is not supported",
            where=where,
            hint=f"Supported are: {', '.join(kind.classes)}.",
        )
    head = kind.classes[known[0]] if known else guessed_head(family, folder)
    model = config_of(family, said, where)
    if head == "" and kind.form == "decoder":
        if not (model.tied or any(name.endswith("lm_head.weight") for name in folder.names)):
            raise InputError(
                f"the class {known[0]!r} has no head: it writes nothing",
                where=where,
                hint="Take the model with a head.",
            )
        head = "lm"
    if head == "mask" and model.activation != "gelu":
        raise InputError(
            f"'hidden_act' of a head for hidden words must be gelu, not {said.get('hidden_act')!r}", where=where
        )
    heads = heads_said(head, folder, model)
    if head == "classify":
        model = model.model_copy(update={"pooling": "first"})
    return family, model, heads, TASKS[head]


def guessed_head(family: str, folder: ModelFolder) -> str:
    """Where config.json names no class: by the names of the tensors."""
    if KINDS[family].form != "encoder":
        return KINDS[family].classes[next(iter(KINDS[family].classes))]
    signs = {"cls.predictions.": "mask", "lm_head.": "mask", "qa_outputs.": "span", "classifier.": "classify"}
    return next((head for sign, head in signs.items() if any(name.startswith(sign) for name in folder.names)), "")


def heads_said(head: str, folder: ModelFolder, model: TransformerConfig) -> dict[str, dict[str, Any]]:
    """The heads of an encoder, and what each must know."""
    said, where = folder.config, folder.where
    if head == "mask":
        return {"mask": {"vocab_size": vocab_sizes_of(folder, str(family_said(said)))[0]}}
    if head == "span":
        return {"span": {"longest": LONGEST_ANSWER, "typed": True}}
    if head != "classify":
        return {}
    problem = said.get("problem_type")
    names = said.get("id2label")
    n_labels = said.get("num_labels", len(names) if isinstance(names, dict) else 2)
    if problem == "regression" or n_labels == 1:
        raise InputError("a head that gives a number instead of classes is not supported", where=where)
    if names is None:
        names = {str(n): f"LABEL_{n}" for n in range(int(n_labels))}
    if not isinstance(names, dict) or sorted(names) != sorted(str(n) for n in range(len(names))):
        raise InputError("'id2label' does not name the classes 0, 1, …", where=where)
    classes = [str(names[str(n)]) for n in range(len(names))]
    return {"classify": {"classes": classes, "several": problem == "multi_label_classification"}}


def vocab_sizes_of(folder: ModelFolder, family: str) -> tuple[int, int | None]:
    """Ids of the model, as config.json says; and of its sources, where they have a vocabulary of their own."""
    said, where = folder.config, folder.where
    size = said.get("vocab_size")
    if type(size) is not int or not 1 <= size <= 2**24:
        raise InputError(f"'vocab_size' is {size!r}, and must be a whole number, at least 1", where=where)
    if FAMILIES[family].form != "encoder-decoder":
        return size, None
    own = said.get("decoder_vocab_size") or size
    return (own, size) if said.get("share_encoder_decoder_embeddings") is False else (size, None)


def precision_of(folder: ModelFolder) -> str:
    from textmill.hub.files import PRECISIONS, opened

    kinds: set[str] = set()
    for shard in folder.shards:
        with opened(shard) as file:
            kinds |= {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    kept = sorted(PRECISIONS[kind] for kind in kinds if kind in PRECISIONS)
    raised = "" if kept == ["float32"] else ", computed in float32"
    return " and ".join(kept) + raised


def tokenizer_of(folder: ModelFolder) -> Tokenizer:
    """The tokenizer of a folder: ours, where it is one, else another's."""
    if (folder.path / "tokenizer.textmill.json").is_file():
        return Tokenizer.load(folder.path)
    from textmill.tokens.foreign import foreign_tokenizer

    tokenizer: Tokenizer = foreign_tokenizer(folder.path)
    return tokenizer


def refuse_other_vocabulary(tokenizer: Tokenizer, sizes: tuple[int, int | None], path: Path) -> None:
    """Raises InputError where tokenizer and model cannot belong together."""
    for ours, theirs in zip((tokenizer.vocab_size, tokenizer.source_vocab_size), sizes, strict=True):
        if (ours is None) != (theirs is None):
            raise InputError("one of tokenizer and model has a vocabulary of its own for sources", where=str(path))
        if ours is not None and theirs is not None and not theirs - SPARE_IDS < ours <= theirs:
            raise InputError(
                f"the tokenizer has {ours:,} ids, the model {theirs:,}: they belong to different models",
                where=str(path),
                hint="Put the tokenizer's files of this model beside its weights.",
            )
