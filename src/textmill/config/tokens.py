"""[tokens]: how text becomes ids."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator, model_validator

from textmill.config.section import Section, knob
from textmill.errors import did_you_mean
from textmill.tables import FOREIGN, TOKENIZERS


class TokensConfig(Section):
    """How text becomes ids."""

    kind: str = knob("auto")
    """Tokenizer: bytes, char, word, bpe, unigram (learned with textmill[unigram]). auto: chosen from the amount and the
    language of the text. foreign: that of another's model, which comes with --from."""
    segmenter: Literal["characters", "jieba"] = knob("characters")
    """What cuts Chinese into words for kind word: each character alone, or jieba (textmill[zh])."""
    vocab_size: int | None = knob(None, ge=257)
    """Ids at most, control token included. Default: from the amount of text; all characters (char)."""
    shared: bool = knob(True)
    """Of pairs, one vocabulary for both sides. false: each side learns one of its own, by the same kind and size."""
    begin_mark: bool = knob(True)
    """Each document is read after a begin mark, so that its first token has a probability too."""
    pack: bool = knob(True)
    """Rows are filled with documents laid end to end. false: a row holds one document, or a part of a long one."""
    isolate: bool = knob(False, flag="--isolate")
    """Documents that share a row do not see each other."""

    @field_validator("kind")
    @classmethod
    def kind_stands_in_the_table(cls, kind: str) -> str:
        if kind not in ("auto", FOREIGN) and kind not in TOKENIZERS:
            advice = did_you_mean(kind, TOKENIZERS)
            raise ValueError(f"no tokenizer {kind!r}: {advice or 'there are auto, ' + ', '.join(TOKENIZERS)}")
        return kind

    @model_validator(mode="after")
    def a_segmenter_cuts_words(self) -> TokensConfig:
        if self.segmenter != "characters" and self.kind != "word":
            raise ValueError(f"segmenter {self.segmenter} cuts words: it goes with kind word, not {self.kind}")
        return self
