"""All sections together."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError, model_validator

from textmill.config.data import DataConfig
from textmill.config.measure import EvalConfig, GenerateConfig
from textmill.config.model import ModelConfig, TransformerConfig
from textmill.config.run import MachineConfig, RunConfig
from textmill.config.section import Section
from textmill.config.task import TaskConfig
from textmill.config.tokens import TokensConfig
from textmill.config.train import TrainConfig
from textmill.tables import (
    TASK_FORMS,
    TASKS_OF_CONVERSATIONS,
    TASKS_OF_PAIRS,
    TASKS_TAUGHT,
    TASKS_WITH_LABELS,
    TASKS_WITH_QUESTIONS,
    TASKS_WITH_STORIES,
)


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

    def __init__(self, **sections: Any):
        """A config from dictionaries or sections, as a person writes it in Python. Raises ConfigError."""
        try:
            super().__init__(**sections)
        except ValidationError as error:
            from textmill.config.layers import refusal_of

            refused = refusal_of(error, sections)
        else:
            return
        raise refused

    @model_validator(mode="after")
    def pairs_are_read_where_the_task_wants_them(self) -> Config:
        wanted = self.task.name in TASKS_OF_PAIRS
        if self.data.pairs is None:
            object.__setattr__(self, "data", self.data.model_copy(update={"pairs": wanted}))
        elif self.data.pairs != wanted:
            reads = "pairs of texts" if wanted else "single texts"
            raise ValueError(f"data.pairs is {str(self.data.pairs).lower()}, but task {self.task.name} reads {reads}")
        if not wanted and self.task.both_ways:
            raise ValueError(f"task.both_ways is of pairs, and task {self.task.name} reads single texts: leave it out")
        if not wanted and not self.tokens.shared:
            raise ValueError(f"tokens.shared is of pairs, and task {self.task.name} reads single texts: leave it out")
        if self.task.both_ways and not self.tokens.shared:
            raise ValueError("task.both_ways reads either language on either side: leave tokens.shared out")
        if not wanted and (self.data.source or self.data.target):
            side = "source" if self.data.source else "target"
            raise ValueError(f"data.{side} is of pairs, and task {self.task.name} reads single texts: leave it out")
        return self

    @model_validator(mode="after")
    def labels_are_read_where_the_task_wants_them(self) -> Config:
        wanted = self.task.name in TASKS_WITH_LABELS
        if self.data.labelled is None:
            object.__setattr__(self, "data", self.data.model_copy(update={"labelled": wanted}))
        elif self.data.labelled != wanted:
            reads = "texts with labels" if wanted else "texts without"
            said = str(self.data.labelled).lower()
            raise ValueError(f"data.labelled is {said}, but task {self.task.name} reads {reads}")
        if not wanted and (self.data.label or self.data.label_separator):
            knob = "label" if self.data.label else "label_separator"
            raise ValueError(f"data.{knob} is of labelled texts, and task {self.task.name} reads none: leave it out")
        if not wanted and self.task.balanced:
            raise ValueError(f"task.balanced is of classes, and task {self.task.name} has none: leave it out")
        return self

    @model_validator(mode="after")
    def questions_are_read_where_the_task_wants_them(self) -> Config:
        wanted = self.task.name in TASKS_WITH_QUESTIONS
        if self.data.questions is None:
            object.__setattr__(self, "data", self.data.model_copy(update={"questions": wanted}))
        elif self.data.questions != wanted:
            reads = "passages with questions" if wanted else "texts without"
            said = str(self.data.questions).lower()
            raise ValueError(f"data.questions is {said}, but task {self.task.name} reads {reads}")
        if self.data.make_questions and not wanted:
            raise ValueError(f"data.make_questions is of questions, and task {self.task.name} reads none: leave it out")
        for knob in ("question", "answer"):
            if not wanted and getattr(self.data, knob):
                raise ValueError(
                    f"data.{knob} is of passages with questions, and task {self.task.name} reads none: leave it out"
                )
        for knob in ("longest_answer", "window_stride"):
            if not wanted and getattr(self.task, knob) is not None:
                raise ValueError(f"task.{knob} is of questions, and task {self.task.name} has none: leave it out")
        return self

    @model_validator(mode="after")
    def stories_are_read_where_the_task_wants_them(self) -> Config:
        task, wanted = self.task.name, self.task.name in TASKS_WITH_STORIES
        if self.data.stories is None:
            object.__setattr__(self, "data", self.data.model_copy(update={"stories": wanted}))
        elif self.data.stories != wanted:
            reads = "stories" if wanted else "no stories"
            raise ValueError(f"data.stories is {str(self.data.stories).lower()}, but task {task} reads {reads}")
        if not wanted and self.task.facts is not None:
            raise ValueError(f"task.facts is of stories, and task {task} reads none: leave it out")
        if wanted:
            for name in ("text", "label", "label_separator"):
                if getattr(self.data, name):
                    raise ValueError(
                        f"data.{name} is of tables, and a story has its sentences, question and answer: leave it out"
                    )
        return self

    @model_validator(mode="after")
    def conversations_are_read_where_the_task_writes(self) -> Config:
        task = self.task.name
        if task in TASKS_OF_CONVERSATIONS:
            if self.data.conversations and self.data.text:
                raise ValueError("data.conversations is true, and data.text names one text of a record: leave one out")
            if self.data.conversations and self.data.conditions:
                raise ValueError("data.conversations is true, and data.conditions are of single texts: leave one out")
            if len(set(self.data.conditions)) < len(self.data.conditions):
                raise ValueError("data.conditions names a column twice")
            if both := set(self.data.conditions) & set(self.data.text):
                raise ValueError(f"'{both.pop()}' is in data.conditions and in data.text: a column is one or the other")
        elif self.data.conditions:
            raise ValueError(f"data.conditions is of language models, and task {task} writes under none: leave it out")
        elif self.data.conversations:
            raise ValueError(
                f"data.conversations is of language models, and task {task} learns no answers: leave it out"
            )
        elif self.data.conversations is None:
            object.__setattr__(self, "data", self.data.model_copy(update={"conversations": False}))
        return self

    @model_validator(mode="after")
    def words_are_hidden_where_the_task_asks_for_them(self) -> Config:
        if self.task.is_of_masks:
            return self
        for name, default in (("mask_share", 0.15), ("whole_words", False)):
            if getattr(self.task, name) != default:
                raise ValueError(f"task.{name} is of masked words, and task {self.task.name} hides none: leave it out")
        return self

    @model_validator(mode="after")
    def what_comes_first_is_of_use_to_the_task(self) -> Config:
        task = self.task.name
        if self.train.pretrain and (TASK_FORMS.get(task) != "encoder" or self.task.is_of_masks):
            raise ValueError(
                f"train.pretrain is of tasks that read whole texts, such as classify, and task {task} is none: "
                "leave it out"
            )
        return self

    @model_validator(mode="after")
    def what_is_tuned_begins_from_another_run(self) -> Config:
        train = self.train
        if train.tune != "full" and self.model.start is None and not train.pretrain:
            raise ValueError(
                f"train.tune is {train.tune}, and there is no run to begin from: add --from RUN, or leave --tune out"
            )
        for tune, names in {
            "last": ("tune_layers",),
            "lora": ("lora_rank", "lora_alpha", "lora_dropout", "lora_targets"),
        }.items():
            for name in names:
                if train.tune != tune and getattr(train, name) != TrainConfig.model_fields[name].default:
                    raise ValueError(f"train.{name} is of --tune {tune}, and train.tune is {train.tune}: leave it out")
        return self

    @model_validator(mode="after")
    def a_teacher_teaches_what_it_can(self) -> Config:
        train, task = self.train, self.task.name
        if train.teacher is None:
            for name in ("teacher_share", "teacher_temperature"):
                if getattr(train, name) != TrainConfig.model_fields[name].default:
                    raise ValueError(
                        f"train.{name} is of --teacher, and there is none: add --teacher RUN, or leave it out"
                    )
        elif task not in TASKS_TAUGHT:
            raise ValueError(
                f"train.teacher is of tasks {', '.join(TASKS_TAUGHT)}, and this task is {task}: leave it out"
            )
        elif self.model.softmax != "full":
            raise ValueError(
                f"train.teacher compares whole distributions, and model.softmax is {self.model.softmax}: say full, or "
                "leave --teacher out"
            )
        return self

    @model_validator(mode="after")
    def knobs_of_a_form_are_said_where_it_is_the_tasks(self) -> Config:
        task, form = self.task.name, TASK_FORMS.get(self.task.name)
        attention = getattr(self.model, "source_attention", "dot")
        if attention != "dot" and form in ("decoder", "encoder"):
            raise ValueError(f"model.source_attention is {attention}, but task {task} reads no source: leave it out")
        pools = form not in ("decoder", "encoder-decoder") and task not in TASKS_WITH_QUESTIONS
        if self.model.pooling != "attention" and not pools:
            raise ValueError(f"model.pooling is {self.model.pooling}, but task {task} pools no tokens: leave it out")
        if self.model.token_dropout is not None and form in ("decoder", "encoder-decoder"):
            raise ValueError(
                f"model.token_dropout is of texts that are read whole, and task {task} reads none: leave it out"
            )
        if getattr(self.model, "window", None) is not None and form != "decoder":
            raise ValueError(
                f"model.window is of models that read forwards alone, and task {task} reads whole texts: leave it out"
            )
        if self.model.softmax != "full" and form == "encoder":
            raise ValueError(f"model.softmax is {self.model.softmax}, but task {task} predicts no tokens: leave it out")
        return self

    # To pydantic this is its own __init__: what is validated as a whole (config/layers) does not come through here.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]
