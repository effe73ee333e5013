"""Every knob, typed, said once: a file a section. Room: config/ (words of a person -> a Config).

The names are loaded when they are first asked for: help needs what is said of the knobs, and no pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textmill.tables import load

if TYPE_CHECKING:
    from textmill.config.data import DataConfig
    from textmill.config.measure import EvalConfig, GenerateConfig
    from textmill.config.model import (
        PRESETS,
        SIZES,
        SIZES_OF_ENCODERS,
        SIZES_WITH_SOURCE,
        BaseModelConfig,
        ModelConfig,
        RecurrentConfig,
        TransformerConfig,
    )
    from textmill.config.run import MachineConfig, RunConfig
    from textmill.config.section import Section, knob
    from textmill.config.task import TaskConfig
    from textmill.config.tokens import TokensConfig
    from textmill.config.train import TrainConfig
    from textmill.config.whole import Config

_FILES = {
    "data": ("DataConfig",),
    "measure": ("EvalConfig", "GenerateConfig"),
    "model": (
        *("PRESETS", "SIZES", "SIZES_OF_ENCODERS", "SIZES_WITH_SOURCE", "BaseModelConfig", "ModelConfig"),
        *("RecurrentConfig", "TransformerConfig"),
    ),
    "run": ("MachineConfig", "RunConfig"),
    "section": ("Section", "knob"),
    "task": ("TaskConfig",),
    "tokens": ("TokensConfig",),
    "train": ("TrainConfig",),
    "whole": ("Config",),
}
_PLACES = {name: f"textmill.config.{file}:{name}" for file, names in _FILES.items() for name in names}

__all__ = [
    "PRESETS",
    "SIZES",
    "SIZES_OF_ENCODERS",
    "SIZES_WITH_SOURCE",
    "BaseModelConfig",
    "Config",
    "DataConfig",
    "EvalConfig",
    "GenerateConfig",
    "MachineConfig",
    "ModelConfig",
    "RecurrentConfig",
    "RunConfig",
    "Section",
    "TaskConfig",
    "TokensConfig",
    "TrainConfig",
    "TransformerConfig",
    "knob",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return load(_PLACES[name])
    raise AttributeError(f"module 'textmill.config' has no attribute {name!r}")
