"""The process in which a chat template runs. Room: tokens/. Started by chat_template as a script of its own, so that it
loads jinja2 and nothing of ours: lines of JSON in, lines of JSON out.

First line: {"template", "bytes", "characters"}, and {"around_answers": [begin, end]} where answers are to be marked;
then one of variables for each text that is wanted. An answer is {"text"}, or {"error"} with what is wrong.
"""

from __future__ import annotations

import contextlib
import json
import sys
from datetime import datetime
from typing import Any

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(jinja2.ext.Extension):
    """{% generation %} … {% endgeneration %}: what an assistant says; written as it is, between `around`."""

    tags = {"generation"}  # noqa: RUF012
    around = ("", "")

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_written"), [], [], body).set_lineno(line)

    def _written(self, caller: Any) -> str:
        begin, end = self.around
        return f"{begin}{caller()}{end}"


class Namespace(jinja2.utils.Namespace):
    """Without names that begin with an underscore."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        self, *rest = args
        names = dict(*rest, **kwargs)
        for name in names:
            _refuse_hidden(name)
        jinja2.utils.Namespace.__init__(self, names)

    def __setitem__(self, name: str, value: Any) -> None:
        _refuse_hidden(name)
        super().__setitem__(name, value)


class Dictionary:
    """dict(…) and dict.fromkeys(…), and no more of the class."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*args, **kwargs)

    def fromkeys(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args, **kwargs)


def _refuse_hidden(name: Any) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"a namespace has no {name!r}")


def _raise(words: str) -> None:
    raise jinja2.TemplateError(words)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as it is, where jinja2's own filter spells <, > and & otherwise."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment() -> ImmutableSandboxedEnvironment:
    """What transformers runs chat templates in."""
    sandbox = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    sandbox.filters["tojson"] = _to_json
    sandbox.globals["raise_exception"] = _raise
    sandbox.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    sandbox.globals["dict"] = Dictionary()
    sandbox.globals["namespace"] = Namespace
    return sandbox


def rendered(template: jinja2.Template, variables: dict[str, Any], n_characters: int) -> str:
    """Raises OverflowError for more than n_characters."""
    parts, n_left = [], n_characters
    for part in template.generate(**variables):
        n_left -= len(part)
        if n_left < 0:
            raise OverflowError(f"it writes more than {n_characters:,} characters")
        parts.append(part)
    return "".join(parts)


def told(error: BaseException) -> str:
    """What is wrong, as part of a sentence."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"line {error.lineno}: {error.message}"
    if isinstance(error, MemoryError):
        return "it takes more memory than a template may"
    if isinstance(error, RecursionError):
        return "it calls itself without end"
    return str(error) or type(error).__name__


def bound_memory(n_bytes: int) -> None:
    """Memory beyond n_bytes more than now is refused, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Answer until the input ends."""
    lines = iter(sys.stdin.buffer.readline, b"")
    first = json.loads(next(lines))
    Generation.around = tuple(first.get("around_answers", ("", "")))
    sandbox = environment()
    bound_memory(int(first["bytes"]))
    template: jinja2.Template | None = None
    for line in lines:
        try:
            template = template or sandbox.from_string(first["template"])
            answer = {"text": rendered(template, json.loads(line), int(first["characters"]))}
        except Exception as error:  # a template may raise anything
            answer = {"error": told(error)}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
