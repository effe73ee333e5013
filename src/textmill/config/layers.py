"""Layers of knobs: default < size, preset < textmill.toml < -c file < command line. Room: config/.

Turns what was said, and where, into a Config whose every value has an origin. Called by the shell and by training
(resume). Sizes and presets expand just above the defaults, whichever layer names them: single knobs win over them.
"""

from __future__ import annotations

import difflib
import os.path
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from textmill.config.knobs import SECTIONS, Knob, about_section, all_knobs, knobs_of, owners, value_of
from textmill.config.model import (
    ARCH_OF_MADE_QUESTIONS,
    DEFAULT_SIZES,
    PRESETS,
    SEQ_LEN_OF_QUESTIONS,
    SIZES,
    section_of,
    sizes_of,
)
from textmill.config.toml_file import read_toml, toml_value
from textmill.config.train import LENGTHS
from textmill.config.whole import Config
from textmill.errors import ConfigError, RunError, did_you_mean
from textmill.tables import ARCHITECTURES, TASK_FORMS, TASKS_WITH_QUESTIONS

PROJECT_FILE = "textmill.toml"
COMMAND_LINE = "command line"
DEFAULT = "default"
PYTHON = "Python"


FREE_FROM_START = {"start", "vectors", "dropout", "token_dropout", "pooling"}
"""Knobs of [model] that a run which begins from another may have as it likes, and so of most the length of a row."""
SEQ_LEN_OF_STARTS = 1024
"""Tokens in a row of a run that begins from one with a longer context, unless it is said: few texts need more."""
TOKENS_OF_START = ("kind", "segmenter", "vocab_size", "shared", "begin_mark")
"""Those of [tokens] that it must have as the other."""


@dataclass(frozen=True)
class Loaded:
    """A config, and where each value comes from.

    An origin is "default", "size tiny", "preset modern", "task classify", "FILE:LINE" or "command line".
    """

    config: Config
    origins: dict[str, str]

    @property
    def said(self) -> frozenset[str]:
        """The keys that were set explicitly, in any layer."""
        model, task = self.config.model, self.config.task.name
        unsaid = {DEFAULT, f"size {model.size}", f"preset {getattr(model, 'preset', '')}", f"task {task}"}
        return frozenset(key for key, origin in self.origins.items() if origin not in unsaid)


@dataclass(frozen=True)
class Said:
    """A value as it was said. spoken: by a command line, where every value is a word."""

    value: Any
    origin: str

    @property
    def spoken(self) -> bool:
        return self.origin == COMMAND_LINE

    @property
    def where(self) -> str | None:
        return None if self.spoken else self.origin


def load_config(flags: Mapping[str, Any], file: Path | None = None, folder: Path | None = None) -> Loaded:
    """All layers as one config.

    flags: key -> word or value, said on the command line. file: the -c file. folder: where textmill.toml may lie;
    default: the working folder. Raises ConfigError naming file:line for an unknown key or a value that does not fit,
    InputError for a file that cannot be read.
    """
    project = (folder or Path()) / PROJECT_FILE
    layers = [_read_layer(path) for path in ([project] if project.is_file() else [])]
    if file is not None:
        layers.append(_read_layer(file))
    said: dict[str, Said] = {}
    for layer in [*layers, {key: Said(value, COMMAND_LINE) for key, value in flags.items()}]:
        said = _over(said, layer)
    return _resolve(said)


def from_toml(path: Path) -> Config:
    """The config of a complete file, such as a run's config.toml. Raises ConfigError with file:line."""
    return _resolve(_read_layer(path)).config


def to_toml(config: Config) -> str:
    """A complete file: every knob with its meaning; from_toml of it gives the config back.

    None where it would be None unsaid is a commented-out line; where it would not, it is "none".
    """
    base = _expansion(config.model.arch, config.task.name, config.model.size, getattr(config.model, "preset", None))
    lines = ["# Every knob of a run: `textmill train -c FILE` repeats it. Each line says what it would be set to."]
    knobs = knobs_of(config.model.arch).values()
    for section in SECTIONS:
        lines += ["", f"# {' '.join(about_section(section, config.model.arch).split())}", f"[{section}]"]
        for knob in knobs:
            if knob.section == section:
                value, unsaid = value_of(config, knob.key), base.get(knob.key, (knob.default, ""))[0]
                lines += [f"# {knob.help}", toml_value(knob, value, unsaid)]
    return "\n".join(lines) + "\n"


def overlay(saved: Config, loaded: Loaded, keys: Iterable[str]) -> Config:
    """A run's config with what was said now of some sections ("generate") or knobs ("run.seed")."""
    wanted = set(keys)
    said = {key for key in loaded.said if key in wanted or key.partition(".")[0] in wanted}
    return _with(saved, {key: value_of(loaded.config, key) for key in said})


def merge_for_resume(saved: Config, loaded: Loaded) -> tuple[Config, list[str]]:
    """The config an unfinished run goes on with, and warnings. saved: its config.toml; loaded: what is said now.

    Only explicit keys are compared; unsaid ones are taken from the run. A knob's on_resume says what becomes of a
    difference. Raises RunError that lists every difference that could change the weights.
    """
    taken: dict[str, Any] = {}
    refused: list[str] = []
    warnings: list[str] = []
    known = knobs_of(loaded.config.model.arch)
    for key in [key for key in known if key in loaded.said]:
        knob, now = known[key], value_of(loaded.config, key)
        try:
            before = value_of(saved, key)
        except KeyError:
            refused.append(f"{key}: no such knob of {saved.model.arch} -> {_shown(now)}")
            continue
        leaves_it_open = now == knob.default and now in (None, "auto")  # "choose for me", and it was chosen
        if _same(key, before, now) or leaves_it_open or _is_split(key, saved, loaded.config):
            continue
        if knob.on_resume == "refuse":
            refused.append(f"{key}: {_shown(before)} -> {_shown(now)}")
        elif knob.on_resume == "grow" and not (before is None or (now is not None and now > before)):
            refused.append(f"{key}: {_shown(before)} -> {_shown(now)} (may only grow)")
        else:
            taken[key] = now
            if key == "train.steps":  # it is so many passes, or minutes, no longer
                taken |= dict.fromkeys(("train.epochs", "train.minutes"))
            if knob.on_resume == "warn":
                warnings.append(f"{key}: {_shown(before)} -> {_shown(now)}: the last bits may differ from now on")
    if refused:
        listed = "\n  ".join(refused)
        raise RunError(
            f"this run was begun with other settings (saved -> said):\n  {listed}",
            hint="take another name or start anew: --name NEW or --fresh",
        )
    return _with(saved, taken), warnings


def begun_from(loaded: Loaded, base: Config, origin: str) -> Loaded:
    """The config of a run that begins with the weights of another: what must be as it is there is taken from `base`,
    its config. origin: its name. Raises ConfigError that lists what was said otherwise."""
    config = loaded.config
    free = FREE_FROM_START | ({"seq_len"} if getattr(base.model, "positions", None) != "learned" else set())
    taken = {f"model.{name}": value for name, value in base.model if name not in free}
    taken |= {f"tokens.{name}": getattr(base.tokens, name) for name in TOKENS_OF_START}
    if TASK_FORMS[config.task.name] == "encoder" and base.model.softmax != "full":
        taken["model.softmax"] = "full"  # of the head that is left behind
    if TASK_FORMS[config.task.name] == "encoder" and getattr(base.model, "window", None) is not None:
        taken["model.window"] = None  # of what is read forwards alone
    said = sorted(key for key in loaded.said if key.partition(".")[0] == "model" and key[6:] not in free)
    said += sorted(key for key in loaded.said if key in taken and not key.startswith("model."))
    if config.task.name == base.task.name and base.model.pooling == "first" and "model.pooling" not in loaded.said:
        taken["model.pooling"] = "first"  # that of a head that may be taken too
    refused = [
        f"{key}: {_shown(taken[key]) if key in taken else f'no such knob of {base.model.arch}'} there, "
        f"{_shown(value_of(config, key))} here"
        for key in said
        if key not in taken or taken[key] != value_of(config, key)
    ]
    if refused:
        listed = "\n  ".join(refused)
        raise ConfigError(
            f"the run to begin with is otherwise:\n  {listed}",
            where=f"{origin} (--from)",
            hint="Leave these out, they are taken from it; or begin without --from.",
        )
    kept = {name: value for name, value in config.model if name in free and f"model.{name}" in loaded.said}
    values = config.model_dump(exclude_unset=True)  # what nobody said is still to be decided
    reach = base.model.seq_len if "seq_len" not in free else min(base.model.seq_len, SEQ_LEN_OF_STARTS)
    values["model"] = {"seq_len": reach, "start": config.model.start, "arch": base.model.arch} | kept
    for key, value in taken.items():
        section, _, name = key.partition(".")
        values.setdefault(section, {})[name] = value
    origins = loaded.origins | dict.fromkeys(taken, f"--from {origin}") | {"model.seq_len": f"--from {origin}"}
    return Loaded(_validated(values, origins, base.model.arch), origins)


def taught_by(loaded: Loaded, base: Config, origin: str) -> Loaded:
    """The config of a run that learns from another: [tokens] is taken from `base`, its config. origin: its name. Raises
    ConfigError that lists what was said otherwise."""
    taken = {f"tokens.{name}": getattr(base.tokens, name) for name in TOKENS_OF_START}
    refused = [
        f"{key}: {_shown(value)} there, {_shown(value_of(loaded.config, key))} here"
        for key, value in taken.items()
        if key in loaded.said and value_of(loaded.config, key) != value
    ]
    if refused:
        listed = "\n  ".join(refused)
        raise ConfigError(
            f"the teacher has another tokenizer:\n  {listed}",
            where=f"{origin} (--teacher)",
            hint="Leave these out, its tokenizer is taken; or train a teacher with them.",
        )
    config = loaded.config
    values = config.model_dump(exclude_unset=True)  # what nobody said is still to be decided
    values["model"] = {**values.get("model", {}), "arch": config.model.arch}
    values["tokens"] = values.get("tokens", {}) | {key.partition(".")[2]: value for key, value in taken.items()}
    origins = loaded.origins | dict.fromkeys(taken, f"--teacher {origin}")
    return Loaded(_validated(values, origins, config.model.arch), origins)


def with_said(loaded: Loaded, changes: dict[str, Any], origin: str) -> Loaded:
    """The same with these values, as if `origin` had said them. Raises ConfigError."""
    return Loaded(_with(loaded.config, changes), loaded.origins | dict.fromkeys(changes, origin))


def section_with(config: Config, key: str, word: Any) -> Config:
    """A config with one knob said anew, as a word of a command line or as a value. Raises ConfigError."""
    known = knobs_of(config.model.arch)
    if key not in known:
        raise _unknown(key, Said(word, COMMAND_LINE), config.model.arch, None)
    return _with(config, {key: _fit(known[key], Said(word, COMMAND_LINE))})


# What follows is the way from words to values.


def _over(below: dict[str, Said], layer: dict[str, Said]) -> dict[str, Said]:
    """A layer on top of those below it: how long to train is said in one of several ways, and the last word counts."""
    hidden = set(LENGTHS) if layer.keys() & LENGTHS.keys() else set()
    return {key: word for key, word in below.items() if key not in hidden} | layer


def _read_layer(path: Path) -> dict[str, Said]:
    return {key: Said(value, origin) for key, (value, origin) in read_toml(path).items()}


def _resolve(said: dict[str, Said]) -> Loaded:
    arch = _said_arch(said)
    known = knobs_of(arch)
    for key, word in said.items():
        if key not in known:
            raise _unknown(key, word, arch, said.get("model.arch"))
    explicit = {key: _fit(known[key], word) for key, word in said.items()}
    defaults = {key: knob.default for key, knob in known.items()}
    task, preset = (explicit.get(key, defaults.get(key)) for key in ("task.name", "model.preset"))
    size = explicit.get("model.size", defaults["model.size"])
    if size != defaults["model.size"] and arch not in SIZES:
        raise ConfigError(f"there are no sizes for {arch}", where=said["model.size"].where, hint="set model.d_model …")
    own_size = DEFAULT_SIZES.get(TASK_FORMS.get(str(task), "decoder"))
    if own_size and arch in SIZES and "model.size" not in explicit:
        expanded = _expansion(arch, str(task), own_size, preset) | {"model.size": (own_size, f"task {task}")}
    else:
        expanded = _expansion(arch, str(task), size, preset)
    if task in TASKS_WITH_QUESTIONS:
        expanded["model.seq_len"] = (SEQ_LEN_OF_QUESTIONS, f"task {task}")

    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    values["model"]["arch"] = arch
    if "model.arch" not in said and arch != defaults["model.arch"]:
        expanded["model.arch"] = (arch, "data.make_questions")
    for key, value in ({key: value for key, (value, _) in expanded.items()} | explicit).items():
        section, _, name = key.partition(".")
        values[section][name] = value
    origins = dict.fromkeys(known, DEFAULT)
    origins |= {key: origin for key, (_, origin) in expanded.items()}
    origins |= {key: word.origin for key, word in said.items()}
    return Loaded(_validated(values, origins, arch), origins)


def _said_arch(said: dict[str, Said]) -> str:
    word = said.get("model.arch")
    made = said.get("data.make_questions")
    if word is None and made is not None and str(made.value).lower() == "true":
        return ARCH_OF_MADE_QUESTIONS
    if word is None:
        return str(all_knobs()["model.arch"].default)
    if not isinstance(word.value, str) or word.value not in ARCHITECTURES:
        raise ConfigError(
            f"no architecture {word.value!r} (there are: {', '.join(ARCHITECTURES)})",
            where=word.where,
            hint=did_you_mean(str(word.value), ARCHITECTURES),
        )
    return word.value


def _expansion(arch: str, task: str, size: str, preset: str | None) -> dict[str, tuple[Any, str]]:
    """key -> (value, origin) of the knobs that a size and a preset stand for."""
    sizes = sizes_of(TASK_FORMS.get(task, "decoder"))
    found = {f"model.{name}": (value, f"size {size}") for name, value in sizes.get(arch, {}).get(size, {}).items()}
    for name, value in PRESETS.get(arch, {}).get(preset or "", {}).items():
        found[f"model.{name}"] = (value, f"preset {preset}")
    return found


def _fit(knob: Knob, word: Said) -> Any:
    try:
        return knob.fit(word.value, spoken=word.spoken)
    except ValueError:
        near = did_you_mean(str(word.value), knob.choices) if knob.choices else None
        raise ConfigError(
            f"{_named(knob, word.spoken)} must be {knob.allowed}, not {_shown(word.value)}", where=word.where, hint=near
        ) from None


def _unknown(key: str, word: Said, arch: str, said_arch: Said | None) -> ConfigError:
    """Unknown here, or known only to another architecture."""
    if owners(key):
        by = "by default" if said_arch is None else said_arch.origin
        return ConfigError(
            f"{key} belongs to {' and '.join(owners(key))}, and model.arch is {arch} ({by})", where=word.where
        )
    if key in SECTIONS:
        return ConfigError(f"[{key}] is a section, not a value", where=word.where, hint=f"[{key}], then name = value")
    if "." not in key and isinstance(word.value, dict | list):
        near = did_you_mean(key, SECTIONS)
        return ConfigError(
            f"unknown section [{key}]", where=word.where, hint=near or f"there are {', '.join(SECTIONS)}"
        )
    near = nearest_key(key, all_knobs())
    advice = f"did you mean '{near}'?" if near else None
    listed = "`textmill config keys` lists all knobs"
    return ConfigError(f"unknown config key '{key}'", where=word.where, hint=f"{advice} {listed}" if advice else listed)


def nearest_key(key: str, known: Iterable[str]) -> str | None:
    """The known key that may be meant: the right name in another section, else the nearest name, here before elsewhere.

    Names are compared without their sections: two keys that share nothing but `generate.` are not near.

    >>> nearest_key("eval.steps", ["train.steps", "eval.seed"]), nearest_key("generate.foo", ["generate.stop"])
    ('train.steps', None)
    """
    section, _, name = key.rpartition(".")
    names = {other: other.rpartition(".")[2] for other in known}
    twins = [other for other, own in names.items() if own == name]
    if twins:
        return twins[0]
    for some in ([other for other in names if other.startswith(f"{section}.")], list(names)):
        near = difflib.get_close_matches(name, [names[other] for other in some], n=1, cutoff=0.6)
        if near:
            return next(other for other in some if names[other] == near[0])
    return None


def refusal_of(error: ValidationError, sections_given: Mapping[str, Any]) -> ConfigError:
    """pydantic's complaint about a Config that was built in Python, in our words."""
    model = sections_given.get("model", {})
    arch = model.get("arch", "transformer") if isinstance(model, dict) else getattr(model, "arch", "transformer")
    origins = dict.fromkeys(all_knobs(), PYTHON)
    return _refusal(error, origins, str(arch))


def _validated(values: dict[str, dict[str, Any]], origins: dict[str, str], arch: str) -> Config:
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        refused = _refusal(error, origins, arch)
    raise refused


def _refusal(error: ValidationError, origins: dict[str, str], arch: str) -> ConfigError:
    """One error for all that is wrong: the first, and the others in its hint."""
    first, *others = [_problem(details, origins, arch) for details in error.errors(include_url=False)]
    also = [f"also: {f'{other.where}: ' if other.where else ''}{other.message}" for other in others]
    return ConfigError(first.message, where=first.where, hint="\n  ".join(filter(None, [first.hint, *also])) or None)


def _problem(details: ErrorDetails, origins: dict[str, str], arch: str) -> ConfigError:
    """Where and what is wrong, in our words, of one of pydantic's errors."""
    # A complaint about sections that do not go together has no place of its own; today all of them are about [model].
    section, *rest = [str(part) for part in details["loc"] or ("model",) if str(part) != section_of({"arch": arch})]
    own = details.get("ctx", {}).get("error")
    key = ".".join([section, *rest[:1]])
    if details["type"] == "extra_forbidden":
        return _unknown(key, Said(details["input"], COMMAND_LINE), arch, None)
    if rest:
        origin = origins.get(key, DEFAULT)
        knob = knobs_of(arch)[key]
        named = _named(knob, origin == COMMAND_LINE)
        text = f"{named}: {own}" if own else f"{named} must be {knob.allowed}, not {_shown(details['input'])}"
    else:
        text = f"[{section}] {own or 'must be a dictionary of knobs'}" if details["loc"] else str(own)
        spoken_of = [f"{section}.{word}" for word in re.findall(r"\w+", str(own))]
        said = [origins[key] for key in spoken_of if key in origins]
        files = [place for place in said if ":" in place]
        origin = COMMAND_LINE if COMMAND_LINE in said else files[0] if files else DEFAULT
    return ConfigError(text, where=origin if ":" in origin else None)


def _named(knob: Knob, spoken: bool) -> str:
    return f"{knob.key} ({knob.flag})" if spoken and knob.flag else knob.key


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "[" + ", ".join(str(item) for item in value) + "]"
    return "none" if value is None else repr(value) if isinstance(value, str) else str(value)


def _same(key: str, before: Any, now: Any) -> bool:
    if key in ("model.start", "train.teacher") and before is not None and now is not None:
        return bool(os.path.normpath(before) == os.path.normpath(now))
    if key in ("data.paths", "data.valid", "data.test"):  # a folder with or without its last slash
        return [os.path.normpath(path) for path in before] == [os.path.normpath(path) for path in now]
    return bool(before == now)


def _is_split(key: str, saved: Config, said: Config) -> bool:
    """Whether train.fit (--fit) made smaller micro-batches of what is said, so that an update reads the same rows."""
    if not saved.train.fit or key not in ("train.batch", "train.accumulate"):
        return False
    before, now = saved.train, said.train
    if now.batch is None or before.batch is None:
        return before.accumulate % now.accumulate == 0
    return now.batch % before.batch == 0 and now.batch * now.accumulate == before.batch * before.accumulate


def _with(config: Config, changes: dict[str, Any]) -> Config:
    values = config.model_dump()
    for key, value in changes.items():
        section, _, name = key.partition(".")
        values[section][name] = value
    return _validated(values, dict.fromkeys(changes, COMMAND_LINE), config.model.arch)
