"""All sections together."""

from __future__ import annotations

from pydantic import Field

from textmill.config.data import DataConfig
from textmill.config.measure import EvalConfig, GenerateConfig
from textmill.config.model import ModelConfig, TransformerConfig
from textmill.config.run import MachineConfig, RunConfig
from textmill.config.section import Section
from textmill.config.task import TaskConfig
from textmill.config.tokens import TokensConfig
from textmill.config.train import TrainConfig


class Config(Section):
    """Everything that decides a run: written whole to config.toml, it repeats the run."""

    data: DataConfig = Field(default_factory=DataConfig)
    tokens: TokensConfig = Field(default_factory=TokensConfig)
    task: TaskConfig = Field(default_factory=TaskConfig)
    model: ModelConfig = Field(default_factory=TransformerConfig)
    train: TrainConfig = Field(default_factory=TrainConfig)
    eval: EvalConfig = Field(default_factory=EvalConfig)
    generate: GenerateConfig = Field(default_factory=GenerateConfig)
    machine: MachineConfig = Field(default_factory=MachineConfig)
    run: RunConfig = Field(default_factory=RunConfig)
