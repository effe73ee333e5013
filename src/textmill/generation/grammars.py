"""Texts that obey a JSON schema or a regular expression, token by token. Room: generation/ (weights -> text).

A Constraint (constraints.py) that the verbs generate and chat hand to the engine. llguidance says which bytes may come
next; each id is taken by the bytes that it writes, so any vocabulary will do, and an id may be a part of a character.

What the library does not know is that the tokens may run out. So each text keeps an end in mind: bytes that finish it
from where it stands. A token is taken only if an end is found behind it that fits into what is left; where none of
those that are drawn has one, the end in mind is written. So every text is whole, however small the budget, or refused
before its first token.
"""

from __future__ import annotations

import heapq
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from textmill.config.measure import GenerateConfig
from textmill.errors import InputError, MissingExtra, UsageError
from textmill.files import json_of
from textmill.generation.constraints import Allowed, Obeying
from textmill.generation.patterns import WHERE as WHERE_REGEX
from textmill.generation.patterns import rust_of
from textmill.generation.writing import PromptIds, encoded_prompt
from textmill.text.wording import counted

if TYPE_CHECKING:
    from textmill.tokens import Tokenizer

WHERE_SCHEMA = "--json-schema"

N_REFUSED = 8
"""After so many tokens that lead nowhere in the place of one, the end is written."""
N_LOOKED_AT = 600
"""States that are looked at for a shorter end."""
N_ALIKE = 3
"""States after as many bytes that the same bytes may follow: further ones are not looked at."""
N_TRIED = 64
"""Where more pieces than these may come, the first of each sort are tried for an end."""
N_OF_A_SORT = 3
LOOKED_AHEAD = 8
"""Bytes behind which the end known before is tried again."""
LONGEST_END = 1 << 10
"""Bytes of an end that is looked for before the first token, at least."""

BLANKS = b" \t\r\n"
ENDING = b'"}]0123456789abcdefghijklmnopqrstuvwxyz'
"""Bytes that end a part of a JSON text, then those that are short values: tried first for an end."""
OPENING = b",:{[-\\" + BLANKS
"""Tried last."""
LEADS = (0x30, 0x3A, 0x41, 0x5B, 0x61, 0x7B, 0x80, 0xC0, 0xE0, 0xF0, 0x100)
"""Where a sort of bytes ends: digits, letters, signs, bytes inside of a character, and its first byte by its length."""
END_OF_LIBRARY = b"<end>"


def rank(data: bytes) -> tuple[int, int, bytes]:
    """The order in which pieces are tried for an end."""
    byte = data[0]
    if byte in ENDING:
        return 0, ENDING.index(byte), data
    return (2, OPENING.index(byte), data) if byte in OPENING else (1, byte, data)


class Pieces:
    """What an end is made of."""

    def __init__(self, data_by_place: Iterable[tuple[int, bytes]], with_blanks: bool):
        """data_by_place: (place in a mask, its bytes). with_blanks: blanks may make an end shorter; of JSON they do
        not, and are taken only where nothing else may come."""
        self._with_blanks = with_blanks
        ordered = sorted(data_by_place, key=lambda entry: rank(entry[1]))
        self._places = np.array([place for place, _ in ordered], dtype=np.int64)
        self._data = [data for _, data in ordered]
        self._sorts = np.array([bisect_right(LEADS, data[0]) for data in self._data], dtype=np.int64)
        self._is_blank = np.array([not with_blanks and not data.strip(BLANKS) for data in self._data], dtype=bool)

    def of(self, mask: Allowed) -> list[bytes]:
        """Those that a mask allows, the ones that seem to end soonest first; of many, some of each sort."""
        found = np.flatnonzero(mask[self._places])
        if not (is_blank := self._is_blank[found]).all():
            found = found[~is_blank]
        if len(found) > N_TRIED:
            sorts = self._sorts[found]
            some = [found[sorts == sort][:N_OF_A_SORT] for sort in range(len(LEADS) + 1)]
            found = np.sort(np.concatenate(some))
        return [self._data[number] for number in found.tolist()]


class Vocabulary:
    """What each id writes."""

    def __init__(self, tokenizer: Tokenizer):
        self.size, self.stops = tokenizer.vocab_size, list(tokenizer.stops)
        self.inside = [tokenizer.token_bytes(number) for number in range(self.size)]
        """Bytes of each id; b"" for those that stand for no text."""
        if tokenizer.unknown is not None:
            self.inside[tokenizer.unknown] = b""
        self.first = [data.removeprefix(b" ") for data in self.inside] if tokenizer.drops_first_blank else self.inside
        """Of the first id of a text without a prompt: some tokenizers leave the blank out there."""
        self.longest = max(map(len, self.inside))
        self._ids_inside, self._ids_first = ids_by_bytes(self.inside), ids_by_bytes(self.first)
        self.spells_all = all(bytes([byte]) in self._ids_inside for byte in range(256))
        """Each byte is an id: whatever is known to end a text can be written."""

    def fewest_ids(self, data: bytes, at_start: bool) -> list[int] | None:
        """The fewest ids that write these bytes; None where none do. at_start: of a text without a prompt."""
        n = len(data)
        impossible = n + 1
        fewest = [(0, b"")] * (n + 1)  # how many from each place to the end, and the bytes of the next one
        for place in range(n - 1, -1, -1):
            known = self._ids_first if at_start and place == 0 else self._ids_inside
            ends = range(place + 1, min(n, place + self.longest) + 1)
            fewest[place] = min(
                ((1 + fewest[end][0], part) for end in ends if (part := data[place:end]) in known),
                default=(impossible, b""),
            )
        if fewest[0][0] >= impossible:
            return None
        ids: list[int] = []
        place = 0
        while place < n:
            part = fewest[place][1]
            ids.append((self._ids_first if at_start and place == 0 else self._ids_inside)[part])
            place += len(part)
        return ids

    def lacks(self, text: str, at_start: bool) -> list[str]:
        """The characters of a text that no ids write where they stand, each once."""
        missing = [
            sign for place, sign in enumerate(text) if self.fewest_ids(sign.encode(), at_start and place == 0) is None
        ]
        return list(dict.fromkeys(missing))


def ids_by_bytes(table: Sequence[bytes]) -> dict[bytes, int]:
    """The first id that writes some bytes."""
    found: dict[bytes, int] = {}
    for number, data in enumerate(table):
        if data:
            found.setdefault(data, number)
    return found


class Place:
    """Where a text stands in a grammar, as the library sees it through a table of tokens."""

    def __init__(self, matcher: Any, size: int, refuse: Callable[[str], InputError]):
        """size: tokens of the table before the 256 bytes, by which it is told what was written."""
        self._matcher, self._size, self._refuse = matcher, size, refuse

    @classmethod
    def before(cls, table: Sequence[bytes], grammar: str, refuse: Callable[[str], InputError]) -> Place:
        """Before the first token. Raises what `refuse` makes of the library's reason to refuse the grammar."""
        library = the_library()
        tokens = [*table, *(bytes([byte]) for byte in range(256)), END_OF_LIBRARY]
        tokenizer = library.LLTokenizer(library.TokenizerWrapper(_Table(tokens)), slices=[])
        place = cls(library.LLMatcher(tokenizer, grammar, log_level=0), len(table), refuse)
        place._check()
        return place

    def _check(self) -> None:
        if self._matcher.is_error():
            raise self._refuse(self._matcher.get_error())

    def behind(self, data: bytes) -> Place | None:
        """The place behind some bytes; None where the grammar forbids them."""
        matcher = self._matcher.deep_copy()
        n_taken = matcher.try_consume_tokens([self._size + byte for byte in data])
        place = Place(matcher, self._size, self._refuse)
        place._check()
        return place if n_taken == len(data) else None

    @property
    def may_end(self) -> bool:
        return bool(self._matcher.is_accepting())

    @property
    def forced(self) -> bytes:
        """Bytes that come next in every text, as far as the library sees them."""
        return bytes(self._matcher.compute_ff_bytes())

    def allowed(self) -> Allowed:
        """(size + 256,) True for tokens, and bytes, that may come next."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        return np.unpackbits(bits, count=self._size + 256, bitorder="little").view(np.bool_)


class _Table:
    """What the library asks of a tokenizer. It is never asked to cut a text: what is written comes as bytes."""

    bos_token_id = None

    def __init__(self, tokens: list[bytes]):
        self.tokens, self.eos_token_id, self.special_token_ids = tokens, len(tokens) - 1, [len(tokens) - 1]
        self._first_byte = len(tokens) - 257

    def __call__(self, data: bytes) -> list[int]:
        return [self._first_byte + byte for byte in data]


class Searcher(NamedTuple):
    """Looks for bytes that end a text, made of some pieces."""

    pieces: Pieces
    first: tuple[Place, Pieces] | None = None
    """By what the first piece is chosen, where that differs from later ones."""

    def steps(self, place: Place, end: bytes) -> list[bytes]:
        at, pieces = (place, self.pieces) if self.first is None or end else self.first
        return pieces.of(at.allowed())

    def quick(self, place: Place, most: int, known: bytes = b"") -> bytes | None:
        """An end that is found soon: each step is the one that seems to end the text soonest, another one where the
        same steps were to be chosen from before, until `known` ends it. None where that is above `most` bytes."""
        at, end = place, b""
        n_seen: dict[bytes, int] = {}
        while not at.may_end:
            if known and len(end) < LOOKED_AHEAD and (behind := at.behind(known)) is not None and behind.may_end:
                return end + known
            if not (steps := self.steps(at, end)):
                return None
            key = b"\0".join(steps)
            n_seen[key] = n_seen.get(key, -1) + 1
            if n_seen[key] == 1:
                for step in steps:
                    if (behind := at.behind(step)) is not None and behind.may_end:
                        return end + step
            step = steps[n_seen[key] % len(steps)]
            if (behind := at.behind(step)) is None or len(end) + len(step) > most:
                return None
            at, end = behind, end + step
        return end

    def shortest(self, place: Place, most: int) -> bytes | None:
        """The shortest end that is found, of `most` bytes at most; the first of those that are as short."""
        n_seen: dict[tuple[int, bytes], int] = {}
        heap: list[tuple[int, int, bytes, Place]] = [(0, 0, b"", place)]
        n_pushed = 0
        for _ in range(N_LOOKED_AT):
            if not heap:
                return None
            n_bytes, _, end, at = heapq.heappop(heap)
            if at.may_end:
                return end
            steps = self.steps(at, end)
            key = n_bytes, b"\0".join([at.forced, *steps])
            n_seen[key] = n_seen.get(key, 0) + 1
            if n_seen[key] > N_ALIKE:
                continue
            for step in steps:
                if n_bytes + len(step) <= most and (behind := at.behind(step)) is not None:
                    n_pushed += 1
                    heapq.heappush(heap, (n_bytes + len(step), n_pushed, end + step, behind))
        return None


class Grammar:
    """A Constraint: each text is one that the schema or the expression accepts, whole."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        grammar: str,
        where: str,
        max_new_tokens: int,
        has_prompt: Sequence[bool],
        is_json: bool = False,
    ):
        """grammar: as the library reads it. where: what asked for it, for errors. max_new_tokens: of a text, the end
        mark among them. has_prompt: of each prompt, whether there is anything in it.

        Raises InputError where no text obeys, or none so short, or none of this vocabulary; MissingExtra.
        """
        self.vocabulary = known = Vocabulary(tokenizer)
        self.where = where
        self._at_start = [not has and tokenizer.drops_first_blank for has in has_prompt]
        self.ids = Place.before(known.inside, grammar, self.refused)
        self.bytes = Place.before([], grammar, self.refused)
        self.first = Place.before(known.first, grammar, self.refused) if any(self._at_start) else None
        every_byte = Searcher(Pieces(((byte, bytes([byte])) for byte in range(256)), not is_json))
        self.searcher = every_byte if known.spells_all else Searcher(Pieces(small(known.inside), not is_json))
        self._ends = {
            at_start: self._first_end(at_start, max_new_tokens, every_byte, is_json) for at_start in set(self._at_start)
        }

    def refused(self, reason: str) -> InputError:
        """What the library says against a grammar, or a text of it."""
        return InputError(in_words(reason), where=self.where)

    def searched(self, ids: Place, its_bytes: Place) -> Place:
        """The place from which an end is looked for: by bytes, where each is an id."""
        return its_bytes if self.vocabulary.spells_all else ids

    def _first_end(self, at_start: bool, max_new_tokens: int, every_byte: Searcher, is_json: bool) -> bytes:
        """A text that obeys: the shortest that is found."""
        known = self.vocabulary
        most = max(LONGEST_END, 2 * max_new_tokens)
        searcher = self.searcher
        if at_start and self.first is not None and not known.spells_all:
            searcher = searcher._replace(first=(self.first, Pieces(small(known.first), not is_json)))
        place = self.searched(self.ids, self.bytes)
        if is_json and place.may_end:
            raise self.refused(UNSATISFIABLE + "it leads back to itself")
        end = shorter(searcher.shortest(place, most), searcher.quick(place, most))
        if end is None and not known.spells_all:
            end_of_all = shorter(every_byte.shortest(self.bytes, most), every_byte.quick(self.bytes, most))
            if end_of_all is not None:
                text = end_of_all.decode(errors="replace")
                named = ", ".join(map(repr, known.lacks(text, at_start))) or repr(text)
                raise InputError(
                    f"the vocabulary of this model cannot write it: it has no {named}, or none without a blank before",
                    where=self.where,
                    hint="A model with a tokenizer of our own kinds can write every character: train one.",
                )
        if end is None:
            raise InputError(f"no text obeys it: none was found that ends, of {most:,} bytes at most", where=self.where)
        n_tokens = len(known.fewest_ids(end, at_start) or []) + 1
        if n_tokens > max_new_tokens:
            raise InputError(
                f"the shortest text that was found to obey it has {counted(n_tokens, 'token')} with the end mark, "
                f"and {max_new_tokens:,} may be written",
                where=self.where,
                hint=f"Allow more: --max-new-tokens {max(2 * n_tokens, 50)}",
            )
        return end

    def begin(self, prompt: int, sample: int) -> Obeying:
        at_start = self._at_start[prompt]
        return GrammarText(self, self._ends[at_start], self.first if at_start else None)


class GrammarText:
    """A text under a Grammar: where it stands, and bytes that would end it there."""

    def __init__(self, grammar: Grammar, end: bytes, first: Place | None):
        """first: by what its first id is chosen, where ids write other bytes there than later."""
        self._grammar, self._vocabulary = grammar, grammar.vocabulary
        self._ids, self._bytes, self._first = grammar.ids, grammar.bytes, first
        self._end = end
        self._n_left = 0
        self._refused: list[int] = []

    def allowed(self, n_left: int) -> Allowed:
        known = self._vocabulary
        self._n_left = n_left
        if len(self._refused) < N_REFUSED:
            mask = (self._first or self._ids).allowed()[: known.size]
            mask[known.stops] = self._ids.may_end
            mask[self._refused] = False
            if mask.any():
                return mask
        rest = known.fewest_ids(self._end, self._first is not None)
        assert rest is not None, "an end is kept only where it can be written"
        mask = np.zeros(known.size, dtype=bool)
        mask[rest[:1] or known.stops] = True
        return mask

    def push(self, token_id: int) -> bool:
        known = self._vocabulary
        if token_id in known.stops:
            return True
        data = (known.inside if self._first is None else known.first)[token_id]
        ids, its_bytes = self._ids.behind(data), self._bytes.behind(data)
        if ids is None or its_bytes is None:
            self._refused.append(token_id)
            return False
        searched = self._grammar.searched(ids, its_bytes)
        end = next((end for end in self._ends(searched, data) if self._fits(end, self._n_left - 1, False)), None)
        if end is None:
            self._refused.append(token_id)
            return False
        self._ids, self._bytes, self._first, self._end = ids, its_bytes, None, end
        self._refused = []
        return True

    def _fits(self, end: bytes, n_left: int, at_start: bool) -> bool:
        """These bytes and the end mark can be written with n_left tokens."""
        if self._vocabulary.spells_all and len(end) < n_left:
            return True
        ids = self._vocabulary.fewest_ids(end, at_start)
        return ids is not None and len(ids) < n_left

    def _ends(self, place: Place, data: bytes) -> Iterator[bytes]:
        """Ends from a place behind data, those that cost the least to find first."""
        if self._end.startswith(data):
            yield self._end[len(data) :]
        if (behind := place.behind(self._end)) is not None and behind.may_end:
            yield self._end
        searcher = self._grammar.searcher
        most = self._n_left * (1 if self._vocabulary.spells_all else self._vocabulary.longest)
        if (end := searcher.quick(place, most, self._end)) is not None:
            yield end


def shorter(one: bytes | None, other: bytes | None) -> bytes | None:
    """The shorter of two ends, where there are any."""
    return min((end for end in (one, other) if end is not None), key=len, default=None)


def small(table: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """(id, bytes) of those that write one character at most, with or without a blank before it."""
    for number, data in enumerate(table):
        if data and len(data.removeprefix(b" ").decode(errors="replace")) <= 1:
            yield number, data


def grammar_of(
    tokenizer: Tokenizer,
    prompts: Sequence[str | PromptIds],
    settings: GenerateConfig,
    json_schema: str | None = None,
    regex: str | None = None,
) -> Grammar:
    """The constraint of texts that go on from these prompts: one of the two.

    json_schema: JSON, or the name of a file of it; the texts are JSON that it accepts. regex: of Python; the texts are
    those that re.fullmatch accepts.
    Raises UsageError for both or none; InputError for what is no schema or expression, asks for what cannot be obeyed,
    or is obeyed by no text of this vocabulary with max_new_tokens tokens; MissingExtra without llguidance.
    """
    if (json_schema is None) == (regex is None):
        raise UsageError("a text obeys a JSON schema or a regular expression: say one of them")
    ids = (prompt.ids if isinstance(prompt, PromptIds) else encoded_prompt(tokenizer, prompt) for prompt in prompts)
    asked = settings.max_new_tokens, [bool(own) for own in ids]
    if regex is not None:
        return Grammar(tokenizer, the_library().LLMatcher.grammar_from_regex(rust_of(regex)), WHERE_REGEX, *asked)
    schema, where = schema_of(json_schema or "")
    library = the_library().LLMatcher
    grammar = library.grammar_from_json_schema(json.dumps(schema), overrides=LIBRARY_OPTIONS)
    return Grammar(tokenizer, grammar, where, *asked, is_json=True)


LIBRARY_OPTIONS = {"whitespace_pattern": r"\n?(?: {0,16}|\t{0,8})", "json_allow_general_unicode_escapes": False}
"""Between the parts of a JSON text stands at most a line's end and what moves the next line in: a model that loops on
blanks would else spend its budget on them."""


def schema_of(given: str) -> tuple[Any, str]:
    """The schema, and where it stands. Raises InputError for what is none, or cannot be obeyed."""
    text, where = schema_text(given)
    try:
        schema = json_of(text)
    except ValueError as error:
        raise InputError(f"this is no JSON: {error}", where=where, hint=SCHEMAS) from None
    if schema is False:
        raise InputError(in_words(UNSATISFIABLE + "it is false"), where=where)
    schema = {} if schema is True else schema
    if not isinstance(schema, dict):
        raise InputError("this is JSON and no schema", where=where, hint=SCHEMAS)
    for part in parts_of(schema):
        if (reason := against(part)) is not None:
            raise InputError(reason, where=where)
    return schema, where


def schema_text(schema: str) -> tuple[str, str]:
    """The text of a schema, and where it stands: schema itself, or the file of that name."""
    if schema.lstrip()[:1] in ("{", "[", ""):
        return schema, WHERE_SCHEMA
    try:
        return Path(schema).read_text(encoding="utf-8"), schema
    except FileNotFoundError:
        if schema.strip() in ("true", "false"):
            return schema, WHERE_SCHEMA
        raise InputError(f"{schema!r} is neither a file nor a schema", where=WHERE_SCHEMA, hint=SCHEMAS) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the schema cannot be read: {error}", where=schema) from None


def parts_of(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all schemas inside of it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for key, value in schema.items():
        inside: Iterable[Any] = ()
        if key in OF_SCHEMAS_BY_NAME and isinstance(value, dict):
            inside = value.values()
        elif key in OF_SCHEMAS:
            inside = value if isinstance(value, list) else [value]
        for part in inside:
            yield from parts_of(part)


OF_SCHEMAS_BY_NAME = ("properties", "patternProperties", "$defs", "definitions")
OF_SCHEMAS = ("items", "prefixItems", "additionalItems", "additionalProperties", "allOf", "anyOf", "oneOf")


def against(schema: dict[str, Any]) -> str | None:
    """Why a schema cannot be obeyed though the library takes it; None where it can."""
    least, named = schema.get("minProperties", 0), schema.get("required", [])
    is_open = schema.get("additionalProperties", True) is not False or bool(schema.get("patternProperties"))
    if isinstance(least, int) and isinstance(named, list) and least > len(named) and is_open:
        return (
            "the schema holds what cannot be obeyed: minProperties beyond those of `required`, of an object whose keys "
            "are free (one could come twice, and count once)"
        )
    step = schema.get("multipleOf", 1)
    if isinstance(step, float) and not step.is_integer():
        return f"the schema holds what cannot be obeyed: multipleOf {step}, which no binary fraction is exactly"
    return None


SCHEMAS = 'A schema is an object, such as {"type": "object"}: give it as text, or the name of its file.'
UNSUPPORTED = re.compile(r"Unimplemented keys: (\[.*\])")
UNSATISFIABLE = "Unsatisfiable schema: "


def in_words(reason: str) -> str:
    """Why the library refuses a grammar, as a sentence of one line."""
    if found := UNSUPPORTED.search(reason):
        keys = ", ".join(json.loads(found[1]))
        return f"the schema holds what cannot be obeyed: {keys}"
    if UNSATISFIABLE in reason:
        return f"no text satisfies the schema: {reason.split(UNSATISFIABLE)[1].splitlines()[0]}"
    if reason.startswith("NoExtension"):
        return "no text obeys it"
    lines = [line.strip() for line in reason.partition("<state>")[0].splitlines()]
    return "; ".join(line for line in lines if line) or "the library gives no reason"


def the_library() -> Any:
    """llguidance. Raises MissingExtra."""
    try:
        import llguidance
    except ImportError:
        raise MissingExtra(
            "writing what a schema or an expression asks for needs llguidance, which is not installed",
            hint="pip install 'textmill[forms]'",
        ) from None
    return llguidance
