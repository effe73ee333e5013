"""[data]: which text, what a document is, what is held out."""

from __future__ import annotations

import os
from typing import Any, Literal

from pydantic import field_validator, model_validator

from textmill.config.section import Section, knob
from textmill.errors import did_you_mean

CLEANING_RULES = ("mojibake", "control", "boilerplate", "repeated-lines", "near-empty")


class DataConfig(Section):
    """Which text, what a document is, and what is held out."""

    paths: tuple[str, ...] = knob(())
    """Files, folders, archives, `-` for standard input, `builtin:NAME`, `pypi:NAME` or `hf:NAME`."""
    valid: tuple[str, ...] = knob((), flag="--valid")
    """Files or folders to validate on, instead of a part held out of PATH."""
    test: tuple[str, ...] = knob((), flag="--test")
    """Files or folders to test on, instead of a part held out of PATH."""
    text: tuple[str, ...] = knob(())
    """Column or key that holds the text; of several, the first that a file has. Default: text (正文, 文本), or the only
    column there is; of labelled texts also sentence, review, 评论 and the like, of passages with questions context,
    passage, 段落."""
    header: bool = knob(True)
    """The first record of a CSV or TSV file names its columns."""
    columns: tuple[str, ...] = knob(())
    """Column names of a CSV or TSV file without a header."""
    pairs: bool | None = knob(None)
    """A document is a text and its translation: two files line by line, or two columns. Default: as the task reads."""
    source: str | None = knob(None, flag="--source")
    """Of pairs, the side that is read: its file ending, column or key, such as en. Default: the first that is named."""
    target: str | None = knob(None, flag="--target")
    """Of pairs, the side that is written: its file ending, column or key, such as de. Default: the second."""
    labelled: bool | None = knob(None)
    """A document is a text with its label, or labels: columns, or a folder of text files for each class. Default: as
    the task reads."""
    stories: bool | None = knob(None)
    """Of labelled texts, each is a story with a question, and its label the answer. Default: as the task reads."""
    label: tuple[str, ...] = knob(())
    """Of labelled texts, the column or key that holds the label; of several, the first that a file has. Default: one
    that is called as labels mostly are, such as label, sentiment, 标签; it is shown."""
    label_separator: str | None = knob(None)
    """Of labelled texts, the sign between the labels where a value holds several. A list in JSON is several without."""
    questions: bool | None = knob(None)
    """A document is a passage with a question and its answers: SQuAD files, or columns. Default: as the task reads."""
    make_questions: bool | None = knob(None)
    """Of documents without questions, make some from what they say. Default: where the files hold none."""
    question: tuple[str, ...] = knob(())
    """Of passages with questions, or of questions that are searched, the column or key that holds the question; of
    several, the first that a file has. Default: one that is called as questions mostly are, such as question, query,
    问题."""
    answer: tuple[str, ...] = knob(())
    """Of passages with questions, or of questions that are searched, the column or key that holds the answers; of
    several, the first that a file has. Default: one that is called as answers mostly are, such as answers, answer,
    答案."""
    conversations: bool | None = knob(None)
    """Of a language model, a record is a conversation, of which the answers alone are learned: `messages`, each with a
    role (system, user, assistant) and its content; or a `prompt` and its `completion`. Default: where the first record
    of a JSON file has these."""
    conditions: tuple[str, ...] = knob(())
    """Of a language model, columns or keys whose values stand before each text, such as title,author: it is written
    under them, and they are not learned."""
    unit: Literal["auto", "file", "line", "paragraph"] = knob("auto")
    """What a document is in a plain text file. auto: a file is one document."""
    valid_share: float = knob(0.05, ge=0.0, lt=1.0)
    """Share of the text that is held out to choose checkpoints by. 0: no validation."""
    test_share: float = knob(0.05, ge=0.0, lt=1.0)
    """Share of the text that is held out for the final numbers. 0: no test part."""
    near_duplicates: Literal["auto", "on", "off"] = knob("auto")
    """Keep documents that are nearly equal on one side of a split, and a labelled text with the one that it stands
    within. auto: look for them in up to 100 MB."""
    split_seed: int = knob(0, ge=0)
    """Orders the documents before the split. Not the run's seed."""
    encoding: str | None = knob(None, flag="--encoding")
    """Encoding of all files, such as gb18030, big5 or utf-16. Default: found, file by file."""
    clean: tuple[str, ...] = knob(CLEANING_RULES)
    """Cleaning rules: mojibake, control, boilerplate, repeated-lines, near-empty; or none. All they take is counted."""
    duplicates: Literal["keep", "exact", "normalised"] = knob("keep")
    """Which repeats of a document are dropped. Kept or not, repeats never stand on both sides of a split."""
    strict: bool = knob(False, flag="--strict")
    """Stop at the first record that cannot be read, instead of counting it."""

    @field_validator("clean", mode="after")
    @classmethod
    def only_rules_that_there_are(cls, clean: tuple[str, ...]) -> tuple[str, ...]:
        if clean in ((), ("none",)):
            return ("none",)
        for name in clean:
            if name not in CLEANING_RULES:
                near = did_you_mean(name, CLEANING_RULES)
                raise ValueError(f"no cleaning rule '{name}' (there are: {', '.join(CLEANING_RULES)}; or none). {near}")
        return clean

    @field_validator(
        *("paths", "valid", "test", "text", "label", "question", "answer", "columns", "conditions", "clean"),
        mode="before",
    )
    @classmethod
    def one_is_a_list_of_one(cls, value: Any) -> Any:
        """In Python a single name may stand for a list of one, and a pathlib.Path for its name."""
        if isinstance(value, str | os.PathLike):
            return (os.fspath(value),)
        if isinstance(value, list | tuple):
            return tuple(os.fspath(item) if isinstance(item, os.PathLike) else item for item in value)
        return value

    @model_validator(mode="after")
    def something_is_left_to_train_on(self) -> DataConfig:
        if self.valid_share + self.test_share >= 1:
            raise ValueError(
                f"valid_share ({self.valid_share}) and test_share ({self.test_share}) leave nothing to train on"
            )
        return self

    @model_validator(mode="after")
    def sides_are_two(self) -> DataConfig:
        if self.source is not None and self.source == self.target:
            raise ValueError(f"source and target are both {self.source}")
        return self

    @model_validator(mode="after")
    def labels_are_of_single_texts(self) -> DataConfig:
        if self.labelled and self.pairs:
            raise ValueError(
                "labelled and pairs are both true: a document is a text with its label, or a pair of texts"
            )
        if self.label_separator == "":
            raise ValueError("label_separator is empty: leave it out where a value is one label")
        return self

    @model_validator(mode="after")
    def questions_are_of_single_texts(self) -> DataConfig:
        other = "pairs" if self.pairs else "labelled"
        if self.questions and (self.pairs or self.labelled):
            raise ValueError(
                f"questions and {other} are both true: a document has a question, or it is of another kind"
            )
        return self

    @model_validator(mode="after")
    def questions_are_made_where_there_are_none(self) -> DataConfig:
        said = "question" if self.question else "answer"
        if self.make_questions and (self.question or self.answer):
            raise ValueError(f"make_questions makes them of the text, and {said} names a column of them: leave one out")
        return self

    @property
    def reads_questions(self) -> bool:
        """Whether the files hold passages with questions."""
        return bool(self.questions) and not self.make_questions

    @property
    def cleaning_rules(self) -> tuple[str, ...]:
        """The names of the rules that are applied. Pairs are not cleaned: what is cut off one side the other keeps;
        nor are passages with questions, whose answers have their places, nor stories, in which a repeated sentence
        counts. A text with a label is never too short to say something: ":)" is one."""
        if self.clean == ("none",) or self.pairs or self.reads_questions or self.stories:
            return ()
        return tuple(rule for rule in self.clean if not (self.labelled and rule == "near-empty"))
