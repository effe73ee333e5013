"""builtin:python-docs: the documentation that ships inside Python. Room: text/ (bytes -> documents).

Docstrings of the standard library's modules and the topics of pydoc's help, read with ast out of the source files of
the Python that runs: nothing is imported or executed. One document a module (all its docstrings in the order of the
file) and one a topic, because docstrings of one module repeat each other: they must stand on one side of a split.
The text of a source file is what its docstrings say; the rest (code, quotes, indentation) is markup.
"""

from __future__ import annotations

import ast
import inspect
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from textmill.config import DataConfig
from textmill.errors import InputError, did_you_mean
from textmill.messages import message
from textmill.text.documents import BAD_RECORD, MARKUP, Document, Dropped, Found
from textmill.text.files import TextFile, open_text

NAME = "python-docs"
SKIPPED_FOLDERS = frozenset(
    ("test", "tests", "idle_test", "lib2to3", "site-packages", "dist-packages", "_bundled", "__pycache__", "pydoc_data")
)


def find(given: str) -> list[TextFile]:
    """The source files behind `builtin:python-docs`, in sorted order, topics last. Raises InputError otherwise."""
    if given != f"builtin:{NAME}":
        near = did_you_mean(given, [f"builtin:{NAME}"])
        raise InputError("no such built-in text", where=given, hint=near or f"there is: builtin:{NAME}")
    root = Path(sysconfig.get_path("stdlib"))
    modules = sorted(
        path.relative_to(root)
        for path in _sources(root)
        if not path.name.startswith("_sysconfigdata")  # written on the machine that built this Python
    )
    files = [TextFile(root / path, f"{NAME}/{path.as_posix()}", "python-module") for path in modules]
    topics = root / "pydoc_data" / "topics.py"
    if topics.is_file():
        files.append(TextFile(topics, f"{NAME}/pydoc_data/topics.py", "python-topics"))
    if not files:
        raise InputError("this Python came without the sources of its standard library", where=given)
    return files


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            if path.name not in SKIPPED_FOLDERS:
                yield from _sources(path)
        elif path.suffix == ".py" and path.is_file():
            yield path


def read_python_module(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The docstrings of a source file as one document, a blank line between them."""
    text = _docstrings(file)
    if text is None:
        reason = message("not Python that this Python can parse")
        yield Dropped(BAD_RECORD, file.n_bytes, f"{file.name}:1", reason)
    elif text:
        # A tab in a docstring is written out as blanks, so the text can in theory outgrow the file.
        n_bytes = min(len(text.encode()), file.n_bytes)
        module = Path(file.name).with_suffix("").as_posix().removeprefix(f"{NAME}/").removesuffix("/__init__")
        source = f"{NAME}/{module.replace('/', '.')}"
        group = f"{NAME}/{package_of(module)}"
        yield Found(Document(text, source, {"group": group}), n_bytes, markup=file.n_bytes - n_bytes)
    else:
        yield Dropped(MARKUP, file.n_bytes)


def read_python_topics(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The help topics, one document each, in the order of the file."""
    rest = file.n_bytes
    topics = _topics(file)
    groups = linked([text for _, text in topics])
    for (topic, text), group in zip(topics, groups, strict=True):
        n_bytes = min(len(text.encode()), rest)
        rest -= n_bytes
        yield Found(Document(text, f"{NAME}/topics/{topic}", {"group": f"{NAME}/topics/{group}"}), n_bytes)
    yield Dropped(MARKUP, rest)


def package_of(module: str) -> str:
    """What a module repeats the docstrings of: its package, or the C module that it spells out in Python.

    The hundred modules of encodings have one docstring between them; _pydecimal has decimal's. They stay together.
    """
    return module.split("/")[0].lstrip("_").removeprefix("py")


def linked(texts: list[str]) -> list[int]:
    """A number for each text; texts that share a paragraph of LONG_PARAGRAPH characters have the same one.

    Some topics are parts of others (`if` of `compound`): held out alone, they would be known by heart.
    """
    first_with: dict[str, int] = {}
    group = list(range(len(texts)))

    def root(number: int) -> int:
        while group[number] != number:
            number = group[number]
        return number

    for number, text in enumerate(texts):
        for paragraph in text.split("\n\n"):
            words = " ".join(paragraph.split())
            if len(words) >= LONG_PARAGRAPH:
                group[root(number)] = root(first_with.setdefault(words, number))
    return [root(number) for number in range(len(texts))]


LONG_PARAGRAPH = 80  # characters: short ones ("Changed in version 3.8") repeat by nature


# Parsing the library takes seconds and gives two megabytes: a plan reads it four times.
@lru_cache(maxsize=4096)
def _docstrings(file: TextFile) -> str | None:
    tree = _parse(file)
    if tree is None:
        return None
    return "\n\n".join(doc for node in _definitions(tree) if (doc := _docstring(node)))


@lru_cache(maxsize=4)
def _topics(file: TextFile) -> tuple[tuple[str, str], ...]:
    tree = _parse(file)
    for statement in tree.body if tree else []:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "topics" for target in statement.targets
        ):
            topics = ast.literal_eval(statement.value)
            return tuple((topic, cleaned) for topic, text in topics.items() if (cleaned := text.strip("\n")).strip())
    return ()


def _parse(file: TextFile) -> ast.Module | None:
    with open_text(file) as stream:
        source = stream.read()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old sources hold invalid escapes
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            return None


Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _definitions(node: ast.AST) -> Iterator[Definition]:
    """The module, its classes and functions, at any depth, in the order of the file."""
    if isinstance(node, Definition):
        yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield from _definitions(child)


def _docstring(node: Definition) -> str:
    text = ast.get_docstring(node, clean=False)
    if not text:
        return ""
    # Half a surrogate pair in a docstring about encodings is no text.
    return inspect.cleandoc(text).strip("\n") if _is_encodable(text) else ""


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
