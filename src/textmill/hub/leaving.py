"""What leaves: a run's network, its tokenizer, and how it reads a text. Room: hub/.

Made by export.py, written and proved by each format (tables.EXPORTS).
"""

from __future__ import annotations

import importlib.metadata
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from textmill.config import Config
from textmill.errors import ConfigError, MissingExtra, RunError
from textmill.evaluation.own_vectors import around
from textmill.results import Proof
from textmill.runs import Run
from textmill.tasks.prepare import task_of
from textmill.tasks.translate import Translate
from textmill.tokens import Tokenizer

EXPORTING = "export as "
"""Where an error of a format stands, before the format's title."""
TOLERANCE = 1e-4
"""By how much a logit may differ, in float32."""
N_TEXTS = 1000
N_GREEDY = 64
MASK_WORD = "[MASK]"
"""What a hidden word is called where the tokenizer has no word for it."""
SEED = 0


@dataclass
class Leaving:
    """A run on its way out. checkpoint: as `Run.model` takes it."""

    run: Run
    checkpoint: str | int | None = None

    @cached_property
    def model(self) -> Any:
        return self.run.model(self.checkpoint)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return self.run.tokenizer

    @property
    def config(self) -> Config:
        return self.run.config

    @property
    def begin(self) -> int | None:
        """Id that stands before a text, None where nothing does."""
        return self.tokenizer.begin if self.config.tokens.begin_mark else None

    @property
    def before(self) -> tuple[int, ...]:
        """Ids that the model reads before a text."""
        return around(self.run, self.tokenizer)[0]

    @property
    def behind(self) -> tuple[int, ...]:
        """Ids that it reads behind a text."""
        return around(self.run, self.tokenizer)[1]

    @property
    def wanted(self) -> tuple[int, ...]:
        """Ids that a source begins with, which say its language of those that a translator of both directions writes:
        the first one. Of others none."""
        return self.wanted_ids[0] if self.wanted_ids else ()

    @cached_property
    def wanted_ids(self) -> list[tuple[int, ...]]:
        """Of each direction of a translator."""
        task = task_of(self.config)
        return task.prefixes(self.tokenizer) if isinstance(task, Translate) else []

    @property
    def mask_id(self) -> int:
        """What stands for a hidden word: an id of a tokenizer that has one, else a new one behind all."""
        masked: int | None = getattr(getattr(self.tokenizer, "facts", None), "masked", None)
        return self.model.vocab_size if masked is None else masked

    @property
    def adds_mask(self) -> bool:
        """The tokenizer gets a word for hidden words, which it has not."""
        return self.config.task.name == "mask" and self.mask_id == self.model.vocab_size

    @property
    def mask_word(self) -> str:
        """What a hidden word is called in a text."""
        return MASK_WORD if self.adds_mask else self.tokenizer.token_text(self.mask_id)

    @property
    def is_chinese(self) -> bool:
        """Half of its text, or more, is Chinese."""
        shares: dict[str, float] = self.run.info.get("data", {}).get("languages") or {}
        return shares.get("zh", 0) >= 0.5

    @property
    def step(self) -> int:
        """Of the checkpoint that leaves."""
        step: int = self.run.load(self.checkpoint or self.run.default_checkpoint).step
        return step


@dataclass
class Written:
    """What a format wrote. architecture: the class, or the graph, that runs it. python: a program that uses it with the
    packages in `needs` alone. tags, front: for the head of the card."""

    architecture: str
    python: str
    needs: tuple[str, ...]
    library: str
    front: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    proof: Proof | None = None


class Format(Protocol):
    """A format that a run can leave in."""

    title: str
    """What people call it."""

    def refuse(self, config: Config, kind: str) -> None:
        """Raises ConfigError, naming what can be chosen instead, for a model that the format has no place for. kind: of
        its tokenizer; "auto" is not known yet, before training, and is not refused."""
        ...

    def write(self, leaving: Leaving, folder: Path) -> Written:
        """Fill a folder and prove it: what was written is read back by somebody else's reader and compared. Raises
        RunError where it differs, MissingExtra."""
        ...


def needs(*modules: str) -> None:
    """Raises MissingExtra, with the command that installs it, where a package of the extra `export` is missing."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError:
            raise MissingExtra(
                f"this export needs {module}, which is not installed", hint="pip install 'textmill[export]'"
            ) from None


def versions(*packages: str) -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in packages}


def how_compared(sizes: Iterable[str], *more: str) -> str:
    """Proof.how of random ids. sizes: of each batch, in words. more: what else there is to say of them."""
    return ", ".join([f"random ids, {' and '.join(sizes)}", *more])


def refuse_tokens(config: Config, title: str) -> None:
    """Raises ConfigError for a tokenizer that tokenizer.json cannot hold."""
    if config.tokens.segmenter != "characters":
        raise ConfigError(
            f"tokens.segmenter is {config.tokens.segmenter}, a program that tokenizer.json has no place for",
            where=EXPORTING + title,
            hint="Train with --tokens.segmenter characters, or another --tokens.kind: bpe or unigram.",
        )


def refuse_difference(difference: float, what: str) -> None:
    """Raises RunError where logits differ by more than TOLERANCE, or are no numbers."""
    if not difference <= TOLERANCE:
        raise RunError(
            f"{what} gives other numbers than the run: they differ by up to {difference:.3g}, more than {TOLERANCE:g}; "
            "nothing was written",
            hint="This should not happen: it is worth a report, with the run's config.toml.",
        )


def equal_texts(
    encode: Callable[[Sequence[str]], Sequence[Sequence[int]]],
    tokenizer: Tokenizer,
    who: str,
    without: Sequence[str] = (),
) -> int:
    """How many of N_TEXTS texts another reader cuts into the ids of ours: all. Raises RunError, showing one that it
    does not. without: words that no text holds."""
    texts = texts_of_proof(without=without)
    for text, ours, theirs in zip(texts, tokenizer.encode_batch(texts), encode(texts), strict=True):
        if list(theirs) != ours:
            raise RunError(
                f"{who} cuts {text!r} into {list(theirs)}, the run into {ours}; nothing was written",
                hint="This should not happen: it is worth a report, with the run's tokenizer.json.",
            )
    return len(texts)


@torch.no_grad()
def equal_greedily(leaving: Leaving, scores_there: Callable[[Tensor], Tensor], n: int = N_GREEDY) -> int:
    """How many likeliest tokens, one after the other from the begin mark, are equal there and here: all of n, or as
    many as the context holds. scores_there: ids (1, T) -> logits (1, T, V). Raises RunError where one differs that is
    likelier here by more than TOLERANCE."""
    model, ids, n_equal = leaving.model, [leaving.tokenizer.mark], 0
    for _ in range(min(n, (model.max_context or n + 1) - 1)):
        read = torch.tensor([ids])
        here, there = model.head.logits(model(read)[0])[0, -1], scores_there(read)[0, -1]
        best, other = int(here.argmax()), int(there.argmax())
        if best != other and float(here[best] - here[other]) > 2 * TOLERANCE:
            raise RunError(f"after {ids} the run writes {best}, and what was written {other}; nothing was written")
        n_equal += int(best == other)
        ids.append(best)
    return n_equal


# Words of ours: what matters are letters, signs and joints of every kind, not what they say.
ENGLISH = "The mill's wheel turned, and turned again; DON'T you'll they've I'm it'd we're naïve café Übermut"
CHINESE = "水车 转动 磨坊 在 河边 她 说 你好 世界 因为 一二三 鱼 龘 〇 㐀 𠮷 「引号」 。 ， ！ ？ ……"
SIGNS = "1 22 333 4,567.89 2026-11-28 ½ ² Ⅷ ٣ → € 100% a_b C++ <html> {x: [1]} e\u0301 \ufb01 \u200b \ufeff \x00 \x7f"
EMOJI = "😀 👍🏽 👩\u200d👩\u200d👧 🇨🇳 ❤\ufe0f 🏴\u200d☠\ufe0f"
OTHERS = "かな カナ 한국어 ไทย العربية עברית हिन्दी Ελληνικά кириллица"
CONTROL = "<|endoftext|> <s> [MASK] [SEP] </s> <unk> ##ing Ġthe ▁the"
WORDS = [word for words in (ENGLISH, CHINESE, SIGNS, EMOJI, OTHERS, CONTROL) for word in words.split(" ")] + ["\u00a0"]
JOINTS = ("", "", " ", " ", " ", " ", "  ", "\n", "\n\n", "\t", "\r\n", " \n ", "   \n\n  ", "'", "’", ".", ", ", "——")


def texts_of_proof(n: int = N_TEXTS, seed: int = SEED, without: Sequence[str] = ()) -> list[str]:
    """Texts in English, Chinese, other scripts and emoji, with blanks, line ends, signs and words of control; seeded.
    The first is empty. without: words that none of them holds."""
    draw = random.Random(seed)
    texts = [""]
    while len(texts) < n:
        parts = [part for _ in range(draw.randint(1, 12)) for part in (draw.choice(WORDS), draw.choice(JOINTS))]
        if draw.random() < 0.1:
            points = [draw.randrange(1, 0x20000) for _ in range(5)]
            parts.append("".join(chr(point) for point in points if not 0xD800 <= point < 0xE000))  # no half characters
        text = "".join(parts)
        if not any(word in text for word in without):
            texts.append(text)
    return texts
