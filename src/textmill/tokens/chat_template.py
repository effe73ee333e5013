"""Chat templates of other people's models. Room: tokens/. Messages -> the text that a model goes on from.

A template is a program that a stranger wrote. It runs in jinja2's sandbox, in a process of its own that is bounded in
memory and time, and so is what it gives. What it may use, and so what it gives, is what transformers gives it
(`apply_chat_template`): trimmed blocks, break and continue, tojson, raise_exception, strftime_now, generation blocks.

What a person typed is never read as a control word: `encoded` cuts there, and says so.
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

from textmill.errors import InputError

if TYPE_CHECKING:
    from textmill.tokens.tokenizer import Tokenizer

LARGEST_TEMPLATE = 1 << 20
"""Characters of a template."""
LONGEST_OUTPUT = 1 << 24
"""Characters that a template may write."""
LONGEST_S = 6.0
MOST_BYTES = 1 << 29
"""Memory of the process of a template."""
OPENED, CLOSED = "\ue0f0", "\ue0f1"
"""Around control words that a person typed, until the text is cut there."""
ANSWER_BEGINS, ANSWER_ENDS = "\ue0f2", "\ue0f3"
"""Around what a template marks as an answer, where that is asked for."""
MARKS = f"{OPENED}{CLOSED}{ANSWER_BEGINS}{ANSWER_ENDS}"
REASONING = ("reasoning_content", "thinking", "reasoning")
"""Names under which templates look for what an assistant thought."""

Message = Mapping[str, Any]
Placed = Callable[[str], tuple[list[int], list[tuple[int, int]]]]
"""Text -> ids, and the place of each."""


class ChatTemplate:
    """A template and the process that it runs in, which starts when it is first needed. `with` ends it."""

    def __init__(self, template: str, where: str = "chat template", limit_s: float = LONGEST_S, marks: bool = False):
        """marks: what {% generation %} holds stands between ANSWER_BEGINS and ANSWER_ENDS. Raises InputError for a
        template of more than LARGEST_TEMPLATE characters."""
        if len(template) > LARGEST_TEMPLATE:
            raise InputError(
                f"the chat template has {len(template):,} characters, and {LARGEST_TEMPLATE:,} are the most",
                where=where,
            )
        self.template, self.where, self.limit_s, self.marks = template, where, limit_s, marks
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close() if pipe else None
            self._process = None

    def render(
        self,
        messages: Sequence[Message],
        names: Mapping[str, str] | None = None,
        add_generation_prompt: bool = True,
        tools: Sequence[Any] | None = None,
        documents: Sequence[Any] | None = None,
        **more: Any,
    ) -> str:
        """The text of a conversation. names: control words by what they are for, such as bos_token.

        Raises InputError where the template refuses the messages (it says why), cannot be read, or takes too long, too
        much memory or a liberty.
        """
        said = dict(names or {}) | more
        variables = said | {
            "messages": [_as_templates_read(message) for message in messages],
            "tools": tools,
            "documents": documents,
            "add_generation_prompt": add_generation_prompt,
        }
        try:
            request = json.dumps(variables)
        except (TypeError, ValueError) as error:
            raise InputError(f"a message is not plain data: {error}", where=self.where) from None
        answer = self._answer_to(request)
        if "error" in answer:
            raise InputError(f"the chat template cannot write this: {answer['error']}", where=self.where)
        return str(answer["text"])

    def _answer_to(self, request: str) -> dict[str, Any]:
        process = self._process or self._begun()
        assert process.stdin is not None
        try:
            process.stdin.write(request.encode() + b"\n")
            process.stdin.flush()
            line = self._answers.get(timeout=self.limit_s)
        except queue.Empty:
            self.close()
            return {"error": f"it takes longer than {self.limit_s:g} seconds"}
        except OSError:
            line = b""
        if not line:
            self.close()
            return {"error": "its process ended: it takes more memory than a template may"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _begun(self) -> subprocess.Popen[bytes]:
        worker = Path(__file__).with_name("chat_template_worker.py")
        process = subprocess.Popen(
            [sys.executable, "-P", str(worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us
        )
        assert process.stdin is not None and process.stdout is not None
        first: dict[str, Any] = {"template": self.template, "bytes": MOST_BYTES, "characters": LONGEST_OUTPUT}
        if self.marks:
            first["around_answers"] = [ANSWER_BEGINS, ANSWER_ENDS]
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps(first).encode() + b"\n")
        self._answers = queue.SimpleQueue()
        threading.Thread(target=_read_into, args=(process.stdout, self._answers.put), daemon=True).start()
        self._process = process
        return process


def render(
    template: str,
    messages: Sequence[Message],
    names: Mapping[str, str] | None = None,
    add_generation_prompt: bool = True,
    tools: Sequence[Any] | None = None,
    documents: Sequence[Any] | None = None,
    limit_s: float = LONGEST_S,
    **more: Any,
) -> str:
    """ChatTemplate.render, once.

    >>> render("{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}", [{"role": "user", "content": "Hi"}])
    '[user] Hi'
    """
    with ChatTemplate(template, limit_s=limit_s) as one:
        return one.render(messages, names, add_generation_prompt, tools, documents, **more)


class Encoded(NamedTuple):
    """A conversation as ids; typed: control words that a person typed, which were read as letters."""

    text: str
    ids: list[int]
    typed: list[str]


def encoded(
    template: ChatTemplate,
    messages: Sequence[Message],
    tokenizer: Tokenizer,
    add_generation_prompt: bool = True,
    **more: Any,
) -> Encoded:
    """The ids that a model goes on from: control words of the template are control tokens, those in messages are
    letters, around which the text is cut. Without such words the ids are those of the whole text."""
    marked, typed = rendered(template, messages, tokenizer, add_generation_prompt, **more)
    text = "".join(piece or "" for piece in _pieces(marked, tokenizer))
    return Encoded(text, ids_of(marked, tokenizer), typed)


def rendered(
    template: ChatTemplate,
    messages: Sequence[Message],
    tokenizer: Tokenizer,
    add_generation_prompt: bool = True,
    **more: Any,
) -> tuple[str, list[str]]:
    """The text of a conversation in which control words that a person typed are marked, and those words, each once."""
    control, typed = _control(tokenizer), list[str]()
    marked = [_marked(message, control, typed) for message in messages]
    text = template.render(marked, tokenizer.control_names, add_generation_prompt, **more)
    return text, list(dict.fromkeys(typed))


def ids_of(marked: str, tokenizer: Tokenizer) -> list[int]:
    """The ids of what `rendered` gives."""
    return placed_ids(marked, tokenizer)[0]


def placed_ids(marked: str, tokenizer: Tokenizer) -> tuple[list[int], list[tuple[int, int]]]:
    """The same, and (start, stop) of each in code points of the text without marks."""
    ids: list[int] = []
    places: list[tuple[int, int]] = []
    at = 0
    for number, piece in enumerate(_pieces(marked, tokenizer)):
        if not piece:
            continue
        placed = tokenizer.placed if number % 2 else tokenizer.placed_with_control
        own, spans = going_on_placed(placed, piece) if number else placed(piece)
        ids += own
        places += [(at + start, at + stop) for start, stop in spans]
        at += len(piece)
    return ids, places


def going_on_placed(placed: Placed, piece: str) -> tuple[list[int], list[tuple[int, int]]]:
    """As going_on, with places."""
    line_end, (ids, places) = placed("\n")[0], placed("\n" + piece)
    n = len(line_end)
    if ids[:n] != line_end:
        return placed(piece)
    return ids[n:], [(max(start - 1, 0), max(stop - 1, 0)) for start, stop in places[n:]]


def _control(tokenizer: Tokenizer) -> re.Pattern[str]:
    words = sorted({word for word in tokenizer.control_words if word}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words)) or "(?!)")


def _pieces(marked: str, tokenizer: Tokenizer) -> list[str]:
    """Text of the program and control words that were typed, in turns."""
    pieces: list[str] = re.split(f"{OPENED}({_control(tokenizer).pattern}){CLOSED}|[{OPENED}{CLOSED}]", marked)
    return pieces


def going_on(encode: Callable[[str], list[int]], piece: str) -> list[int]:
    """Ids of a piece inside a text: a tokenizer that puts a blank before each text puts none behind a line end."""
    line_end, ids = encode("\n"), encode("\n" + piece)
    return ids[len(line_end) :] if ids[: len(line_end)] == line_end else encode(piece)


def _marked(value: Any, control: re.Pattern[str], typed: list[str]) -> Any:
    """The same with every control word in its texts marked; keys and roles are the program's."""
    if isinstance(value, str):
        plain = re.sub(f"[{MARKS}]", "", value)
        typed += control.findall(plain)
        return control.sub(lambda found: f"{OPENED}{found[0]}{CLOSED}", plain)
    if isinstance(value, Mapping):
        return {key: _marked(one, control, typed) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(one, control, typed) for one in value]
    return value


def _as_templates_read(message: Message) -> dict[str, Any]:
    """Without what is None, and with what was thought under each name that templates look for."""
    own = {key: value for key, value in message.items() if value is not None}
    thought = next((own[name] for name in REASONING if name in own), None)
    return own if thought is None else {"thinking": thought, **own, "reasoning_content": thought}


def _read_into(pipe: IO[bytes], put: Callable[[bytes], None]) -> None:
    """Line by line; an empty one at the end."""
    with contextlib.suppress(OSError, ValueError):
        for line in iter(pipe.readline, b""):
            put(line)
    put(b"")
