"""Every knob, typed, said once: a file a section. Room: config/ (words of a person -> a Config)."""

from __future__ import annotations

from textmill.config.data import DataConfig
from textmill.config.measure import EvalConfig, GenerateConfig
from textmill.config.model import (
    PRESETS,
    SIZES,
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

__all__ = [
    "PRESETS",
    "SIZES",
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
