"""From token ids to text that can be sent at once: whole characters, and nothing of a stop text. Room: generation/.

Used by writing.py, one assembler a text; knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from textmill.errors import ConfigError

if TYPE_CHECKING:
    from textmill.tokens import Tokenizer

FinishReason = Literal["stop", "length"]


class TextAssembler:
    """Puts the text of one row together, token by token; the parts joined are the whole text.

    A text ends with the mark (of another's model: with any of its stops) or a stop text ("stop"), or with its
    max_new_tokens-th token ("length"). Of a stop text nothing is sent: what may yet become one is held back, and
    released when it does not. Where several stop texts end with the same token, the one that starts first wins. Only
    what is pushed is searched, so never the prompt.
    A character split over tokens waits for its last byte. Cut by the length it is left out (it may have been right);
    cut by the mark it can no longer be right and becomes U+FFFD.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        stops: Sequence[str] = (),
        max_new_tokens: int | None = None,
        goes_on: bool = False,
    ):
        """goes_on: a prompt stands before the text. Raises ConfigError for an empty stop text: it would end every text
        before it begins."""
        if "" in stops:
            raise ConfigError("a stop text is empty: it would end every text before it begins", where="generate.stop")
        self.stops = tuple(stops)
        self.max_new_tokens = max_new_tokens
        self.n_tokens = 0
        """Tokens read, the mark and those of the stop text included."""
        self.finish_reason: FinishReason | None = None
        """None while the text goes on."""
        self._marks = frozenset(tokenizer.stops)
        self._decoder = tokenizer.stream(goes_on)
        self._held = ""  # whole characters that may begin a stop text

    @property
    def done(self) -> bool:
        """The text has ended: what is pushed from now on is not read."""
        return self.finish_reason is not None

    def push(self, token_id: int) -> str:
        """Read one token; give the text that is now certain, often ""."""
        if self.done:
            return ""
        self.n_tokens += 1
        is_mark = token_id in self._marks
        self._held += self._decoder.finish(keep_incomplete=True) if is_mark else self._decoder.push(token_id)

        places = [place for stop in self.stops if (place := self._held.find(stop)) >= 0]
        if places:
            self.finish_reason = "stop"
            return self._released(min(places))
        if is_mark:
            self.finish_reason = "stop"
            return self._released(len(self._held))
        if self.n_tokens == self.max_new_tokens:
            return self.finish()
        return self._released(len(self._held) - self._n_undecided())

    def finish(self) -> str:
        """No more tokens come: give what was held back, without a character that is not whole. "length" if still on."""
        self.finish_reason = self.finish_reason or "length"
        return self._released(len(self._held))

    def _released(self, n_chars: int) -> str:
        """The first n_chars held characters; once the text has ended the rest of them is dropped."""
        text, rest = self._held[:n_chars], self._held[n_chars:]
        self._held = "" if self.done else rest
        return text

    def _n_undecided(self) -> int:
        """Characters of the longest ending of the held text that begins a stop text."""
        longest = max((len(stop) for stop in self.stops), default=0)
        for n_chars in range(min(longest - 1, len(self._held)), 0, -1):
            if any(stop.startswith(self._held[-n_chars:]) for stop in self.stops):
                return n_chars
        return 0
