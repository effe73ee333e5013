"""What the verb generate does, in one call from Python: a run and a prompt in, texts out. Room: generation/."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, overload

from textmill.config.layers import section_with
from textmill.config.measure import GenerateConfig
from textmill.errors import ConfigError
from textmill.generation.engine import Piece
from textmill.generation.engine import generate as generate_ids
from textmill.generation.writing import write
from textmill.models.next_token import NextToken
from textmill.results import Generated
from textmill.runs import Run
from textmill.tables import OPEN_RUN, load


@overload
def generate(
    run: Run | str | os.PathLike[str],
    prompts: str | Sequence[str] = "",
    *,
    seed: int | None = None,
    n: int = 1,
    checkpoint: str | int | None = None,
    **settings: Any,
) -> list[Generated]: ...


@overload
def generate(
    run: NextToken,
    prompts: Sequence[Sequence[int]],
    settings: GenerateConfig,
    seed: int,
    n: int = 1,
    mark: int | None = None,
) -> Iterator[Piece]: ...


def generate(run: Any, prompts: Any = "", *more: Any, **named: Any) -> list[Generated] | Iterator[Piece]:
    """Let a run write on from a prompt: n texts for each, the prompts in order.

    run: a Run, its folder or its name. prompts: a text or several. seed: default, the run's own. checkpoint: "best",
    "last" or a step. The other words are knobs of [generate], as in generate("runs/novel", "Once", temperature=0.5).
    For the text as it comes: textmill.write. Given a model and prompts of ids it is generation.generate: a Piece
    a token.
    Raises RunError, ConfigError for a knob that there is not, InputError as write does.
    """
    if isinstance(run, str | os.PathLike):
        run = load(OPEN_RUN)(os.fspath(run))
    if not isinstance(run, Run):
        return generate_ids(run, prompts, *more, **named)
    if more:
        raise ConfigError(
            "settings are said by name where a run writes", hint='textmill.generate(run, "Once", temperature=0.5)'
        )
    return _written(run, prompts, **named)


def _written(
    run: Run,
    prompts: str | Sequence[str],
    seed: int | None = None,
    n: int = 1,
    checkpoint: str | int | None = None,
    **settings: Any,
) -> list[Generated]:
    config = run.config
    for name, value in settings.items():
        config = section_with(config, f"generate.{name}", value)
    writing = write(
        run.model(checkpoint, device=config.machine.device),
        run.tokenizer,
        [prompts] if isinstance(prompts, str) else list(prompts),
        config.generate,
        seed=config.run.seed if seed is None else seed,
        n=n,
        begin_mark=config.tokens.begin_mark,
    )
    return writing.finish()
