"""Prompts as text in, text out as it comes: tokenizer, engine and assembler put together. Room: generation/.

Used by the verbs generate and chat, by samples during training and by the server.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from textmill.config.measure import GenerateConfig
from textmill.errors import ConfigError, InputError
from textmill.generation.assembler import TextAssembler
from textmill.generation.constraints import Constraint
from textmill.generation.engine import generate
from textmill.models.next_token import NextToken
from textmill.results import Generated

if TYPE_CHECKING:
    from textmill.tokens import Tokenizer


class PromptIds(NamedTuple):
    """A prompt whose ids are decided already, what begins it included: a conversation laid out by a chat template."""

    text: str
    ids: Sequence[int]


class Written(NamedTuple):
    """Text that was added to a row, never "". row: prompt · n + sample."""

    row: int
    text: str


class Writing:
    """Iterating writes: it gives each Written as it comes. At its end `results` holds one Generated a row."""

    def __init__(
        self,
        model: NextToken,
        tokenizer: Tokenizer,
        prompts: Sequence[str | PromptIds],
        settings: GenerateConfig,
        seed: int | Sequence[int],
        n: int = 1,
        begin_mark: bool = True,
        notice: Callable[[str], None] = warnings.warn,
        constraint: Constraint | None = None,
    ):
        if constraint is not None and settings.stop:
            raise ConfigError(
                f"the stop text {settings.stop[0]!r} could cut a text before it obeys its constraint",
                where="generate.stop",
                hint="A text under a constraint ends where the constraint lets it: leave the stop texts out.",
            )
        self.results: list[Generated] = []
        """Empty until the writing is over; then in the order of the rows."""
        self.ids: list[list[int]] = [[] for _ in range(len(prompts) * n)]
        """Of each row those that were written so far, the end mark among them."""
        self._prompts, self._n = prompts, n
        self._seeds = [seed] * len(prompts) if isinstance(seed, int) else list(seed)
        begin = [tokenizer.begin] if begin_mark and tokenizer.begin is not None else []
        encoded = [
            ([], list(prompt.ids)) if isinstance(prompt, PromptIds) else (begin, encoded_prompt(tokenizer, prompt))
            for prompt in prompts
        ]
        self.before: list[list[int]] = [before + ids for before, ids in encoded]
        """Of each prompt the ids that are read before the first is written."""
        self._n_prompt_tokens = [len(ids) for _, ids in encoded]
        self._assemblers = [
            TextAssembler(tokenizer, settings.stop, settings.max_new_tokens, goes_on=bool(ids))
            for _, ids in encoded
            for _ in range(n)
        ]
        self._ended: set[int] = set()
        self._pieces = generate(
            model,
            self.before,
            settings,
            self._seeds,
            n,
            tokenizer.mark,
            ended=self._ended,
            stops=tokenizer.stops,
            notice=notice,
            constraint=constraint,
        )

    def __iter__(self) -> Iterator[Written]:
        parts: list[list[str]] = [[] for _ in self._assemblers]
        for piece in self._pieces:
            assembler = self._assemblers[piece.row]
            text = assembler.push(piece.id)
            self.ids[piece.row].append(piece.id)
            if assembler.done:
                self._ended.add(piece.row)
            if text:
                parts[piece.row].append(text)
                yield Written(piece.row, text)
        self.results = self.results or [
            Generated(
                prompt=prompt.text if isinstance(prompt := self._prompts[row // self._n], PromptIds) else prompt,
                text="".join(parts[row]),
                finish_reason=assembler.finish_reason or "length",
                seed=self._seeds[row // self._n],
                n_prompt_tokens=self._n_prompt_tokens[row // self._n],
                n_tokens=assembler.n_tokens,
            )
            for row, assembler in enumerate(self._assemblers)
        ]

    def finish(self) -> list[Generated]:
        """Write to the end without looking on; the results."""
        for _ in self:
            pass
        return self.results


def write(
    model: NextToken,
    tokenizer: Tokenizer,
    prompts: Sequence[str | PromptIds],
    settings: GenerateConfig,
    seed: int | Sequence[int],
    n: int = 1,
    begin_mark: bool = True,
    notice: Callable[[str], None] = warnings.warn,
    constraint: Constraint | None = None,
) -> Writing:
    """Let the model write on from each prompt, n times. Iterate for the text as it comes; then `.results`.

    The n texts of a prompt use the seed with their index; all of them carry it in their result. Prompts share a seed,
    and with it chance at each position, unless each is given its own. A control word in a prompt is letters.
    n_prompt_tokens counts the prompt's own tokens, without the begin mark; n_tokens counts the new ones, the end mark
    and those of a stop text included.
    constraint: what every text obeys, the prompt left out.
    Raises ConfigError for stop texts beside a constraint, which they could cut; InputError for an empty prompt where
    begin_mark is false, and for one that is not Unicode text.
    """
    return Writing(model, tokenizer, prompts, settings, seed, n, begin_mark, notice, constraint)


def encoded_prompt(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """The ids of a text from outside. Raises InputError if it is not Unicode text (half of a surrogate pair)."""
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"the text is not Unicode: code point U+{ord(prompt[error.start]):04X} at character {error.start} is half "
            "of a pair",
            hint="Give it as UTF-8.",
        ) from None
    return tokenizer.encode(prompt)
