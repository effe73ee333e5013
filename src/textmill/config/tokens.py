"""[tokens]: how text becomes ids."""

from __future__ import annotations

from textmill.config.section import Section, knob


class TokensConfig(Section):
    """How text becomes ids."""

    kind: str = knob("auto")
    """Tokenizer: bytes, char, word, bpe. auto: chosen from the amount and the language of the text."""
    vocab_size: int | None = knob(None, ge=257)
    """Ids at most, control token included. Default: from the amount of text (bpe, word); all characters (char)."""
    begin_mark: bool = knob(True)
    """Each document is read after a begin mark, so that its first token has a probability too."""
    isolate: bool = knob(False, flag="--isolate")
    """Documents that share a row do not see each other."""
