"""`textmill vectors RUN 国王`: words and texts as vectors. Room: cli/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from textmill.cli.checkpoint_option import checkpoint_option
from textmill.cli.output import Shell, for_terminal, on_one_line, table
from textmill.cli.run_argument import open_argument, settings_of, use_threads
from textmill.cli.verb import verb
from textmill.errors import InputError, UsageError, did_you_mean
from textmill.hub.named import SUFFIX_OF_GGUF

if TYPE_CHECKING:
    from textmill.evaluation.own_vectors import TextReader
    from textmill.evaluation.word_space import WordSpace
    from textmill.results import AnalogyScore, Vectors, WordNear

TABLES = ("input", "output", "context")
ARRAYS = (".npy", ".safetensors")
LINES_AT_ONCE = 1024
FORMULAS = {"add": "3CosAdd", "mul": "3CosMul"}


@verb(
    "vectors",
    knobs=("machine",),
    examples=(
        "textmill vectors runs/novel 国王 --near 10            the words nearest to it, by cosine",
        "textmill vectors runs/novel --analogy man king woman   what is to woman as king is to man",
        "textmill vectors runs/novel --analogies question-words.txt    how many are answered, with an interval",
        "textmill vectors runs/novel --out words.vec            its words, as word2vec writes them",
        "textmill vectors runs/novel --sentences in.txt --out in.npy   a vector for each line",
        'textmill vectors runs/novel --similar "A fine film." "A good movie."',
        'textmill vectors runs/novel --sentences in.txt --search "a good film"    the lines nearest to it',
        "textmill vectors glove.6B.50d.txt king                 a file of word2vec or GloVe",
    ),
)
@click.argument("run", metavar="RUN")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option(
    "--near",
    type=click.IntRange(min=1),
    default=10,
    metavar="N",
    show_default=True,
    help="How many words, or lines, are shown.",
)
@click.option("--analogy", nargs=3, metavar="A B C", help="What is to C as B is to A.")
@click.option(
    "--analogies",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Four words a line, and lines `: NAME` that begin a part, as in question-words.txt.",
)
@click.option(
    "--of",
    metavar="|".join(TABLES),
    help="Which vectors of words: what the model reads them as (the default), "
    "what it scores them by, or what its last layer says of a word alone.",
)
@click.option("--sentences", metavar="FILE", help="Lines to give vectors of; - is standard input.")
@click.option("--similar", nargs=2, metavar="TEXT TEXT", help="The cosine of two texts.")
@click.option("--search", metavar="TEXT", help="With --sentences: the lines nearest to TEXT.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the vectors: of sentences .npy, .safetensors or .jsonl, of words text (.vec, .txt, also .gz).",
)
@checkpoint_option
def vectors_command(
    shell: Shell,
    run: str,
    words: tuple[str, ...],
    near: int,
    analogy: tuple[str, str, str] | None,
    analogies: Path | None,
    of: str | None,
    sentences: str | None,
    similar: tuple[str, str] | None,
    search: str | None,
    out: Path | None,
    checkpoint: str | None,
) -> None:
    """Look at the words and texts of RUN as vectors. RUN is any run, a Hugging Face folder, or a file of word vectors
    (word2vec, GloVe).

    A word is read as it stands within a text. One that is no token is made of its pieces: the mean of their vectors;
    with --of context, what the model makes of them. A word that is not there is an error.

    The vector of a text is what RUN's own head makes of it (classify), else the mean of its last layer over all tokens;
    of a folder of sentence-transformers, what that says. Long texts are read in windows, whole.
    """
    asked = {
        "WORD": words,
        "--analogy": analogy,
        "--analogies": analogies,
        "--sentences": sentences,
        "--similar": similar,
    }
    said = [name for name, value in asked.items() if value]
    check(said, of, search, out, sentences)
    if is_vector_file(run):
        show_file(shell, run, said, words, near, analogy, analogies, of, out, checkpoint)
        return
    opened = open_argument(run)
    for notice in opened.notices:
        shell.notice(notice)
    config = settings_of(opened, shell, ("machine",))
    use_threads(config)
    from textmill.evaluation.own_vectors import TextReader

    reader = TextReader(opened, checkpoint, config.machine.device)
    if sentences or similar:
        show_texts(shell, run, reader, sentences, similar, search, near, out)
        return
    from textmill.results import Vectors

    space = reader.words(of or "input")  # type: ignore[arg-type]
    document = Vectors(run=run, of=of or "input", width=space.width, n_words=len(space.words))
    shell.show(looked_at(document, space, words, near, analogy, analogies, out), vectors_text)


def check(said: list[str], of: str | None, search: str | None, out: Path | None, sentences: str | None) -> None:
    """Raises UsageError for what does not go together."""
    if len(said) > 1:
        raise UsageError(f"say {said[0]} or {said[1]}, not both")
    if search is not None and not sentences:
        raise UsageError("--search looks among lines: name them with --sentences FILE")
    if not said and out is None:
        raise UsageError(
            "say what to look at: a WORD, --analogy, --analogies, --sentences, --similar, or --out for all words",
            hint="textmill vectors RUN WORD",
        )
    if of is not None and of not in TABLES:
        raise UsageError(f"--of must be {', '.join(TABLES)}, not {of!r}", hint=did_you_mean(of, TABLES))
    about_texts = bool(said) and said[0] in ("--sentences", "--similar")
    if of is not None and about_texts:
        raise UsageError(f"--of is of words, and {said[0]} of texts")
    if out is not None and said and said != ["--sentences"]:
        raise UsageError(f"--out writes all words, or the lines of --sentences: it does not go with {said[0]}")
    if out is not None and search is not None:
        raise UsageError("say --search or --out, not both")
    if out is not None and about_texts and out.suffix not in (*ARRAYS, ".jsonl"):
        raise UsageError(f"sentence vectors are written as {', '.join(ARRAYS)} or .jsonl, not {out.name!r}")
    if out is not None and not about_texts and out.suffix in (*ARRAYS, ".jsonl", ".bin", ".model"):
        raise UsageError(f"words are written as text, not {out.name!r}", hint="--out words.vec, or words.vec.gz")
    if out is not None and out.exists():
        raise InputError(
            "there is something already, and nothing is overwritten", where=str(out), hint="Choose another --out."
        )


def is_vector_file(run: str) -> bool:
    return Path(run).is_file() and Path(run).suffix != SUFFIX_OF_GGUF


def show_file(
    shell: Shell,
    run: str,
    said: list[str],
    words: tuple[str, ...],
    near: int,
    analogy: tuple[str, str, str] | None,
    analogies: Path | None,
    of: str | None,
    out: Path | None,
    checkpoint: str | None,
) -> None:
    """The same of a file of word vectors."""
    from textmill.evaluation.word_space import WordSpace
    from textmill.hub.vector_files import read_vectors
    from textmill.results import Vectors

    extra = (
        "--of"
        if of
        else "--checkpoint"
        if checkpoint
        else said[0]
        if said[:1] in (["--sentences"], ["--similar"])
        else ""
    )
    if extra:
        raise UsageError(f"{extra} is of runs, and this is a file of word vectors", where=run)
    file = read_vectors(Path(run))
    if file.n_repeated or file.n_unreadable:
        shell.notice(
            f"{run}: words that stood there already: {file.n_repeated:,} (the first counts); no UTF-8: "
            f"{file.n_unreadable:,} (left out)"
        )
    space = WordSpace(file.words, file.vectors, where=run)
    document = Vectors(
        run=run,
        of="file",
        width=space.width,
        n_words=len(space.words),
        n_repeated=file.n_repeated,
        n_unreadable=file.n_unreadable,
    )
    shell.show(looked_at(document, space, words, near, analogy, analogies, out), vectors_text)


def looked_at(
    document: Vectors,
    space: WordSpace,
    words: tuple[str, ...],
    near: int,
    analogy: tuple[str, str, str] | None,
    analogies: Path | None,
    out: Path | None,
) -> Vectors:
    """The document, with what was asked about words."""
    from textmill.evaluation.word_space import read_analogies
    from textmill.results import AnalogyAnswer, WordLooked

    update: dict[str, Any] = {}
    if words:
        found = []
        for word in words:
            own = space.composed(word)
            found.append(WordLooked(word=word, pieces=own.pieces, near=space.near(own.vector, near, (word,))))
        update["words"] = found
    elif analogy:
        pieces = {word: own.pieces for word in analogy if (own := space.composed(word)).pieces}
        a, b, c = analogy
        update["analogy"] = AnalogyAnswer(
            words=list(analogy),
            pieces=pieces,
            add=space.analogy(a, b, c, near, "add"),
            mul=space.analogy(a, b, c, near, "mul"),
        )
    elif analogies is not None:
        update["analogies"] = space.answered(read_analogies(analogies))
    elif out is not None:
        from textmill.hub.vector_files import write_vectors

        write_vectors(out, space.words, space.vectors)
        update |= {"out": str(out), "n_written": len(space.words)}
    return document.model_copy(update=update)


# --- texts


def show_texts(
    shell: Shell,
    run: str,
    reader: TextReader,
    sentences: str | None,
    similar: tuple[str, str] | None,
    search: str | None,
    near: int,
    out: Path | None,
) -> None:
    from textmill.evaluation.word_space import cosine
    from textmill.results import LineFound, TextSimilarity, Vectors

    document = Vectors(run=run, of=reader.pooling, width=reader.width)
    if similar:
        refuse_empty(similar)
        score = cosine(*reader.vectors(similar))
        document = document.model_copy(update={"similar": TextSimilarity(texts=list(similar), cosine=score)})
        shell.show(document, vectors_text)
        return
    assert sentences is not None
    if search is not None:
        refuse_empty((search,))
        wanted = reader.vectors([search])[0]
        found: list[LineFound] = []
        for number, line, vector in vectors_of_lines(reader, sentences):
            if vector is not None:
                found.append(LineFound(line=number, text=line, score=cosine(wanted, vector)))
        found.sort(key=lambda one: (-one.score, one.line))
        shell.show(document.model_copy(update={"found": found[:near]}), vectors_text)
        return
    if out is not None and out.suffix in ARRAYS:
        n = write_array(reader, sentences, out)
    elif out is not None:
        from textmill.files import new_file

        n = 0
        with new_file(out) as file:
            for line in lines_of_json(reader, sentences):
                file.write(f"{line}\n".encode())
                n += 1
    else:
        for line in lines_of_json(reader, sentences):
            click.echo(line)
        return
    shell.show(document.model_copy(update={"out": str(out), "n_written": n}), vectors_text)


def refuse_empty(texts: tuple[str, ...]) -> None:
    for text in texts:
        if not text.strip():
            raise InputError("a text is empty, and has no vector", where="command line")


def lines_of_json(reader: TextReader, sentences: str) -> Iterator[str]:
    from textmill.results import TextVector

    for number, _, vector in vectors_of_lines(reader, sentences):
        yield TextVector(line=number, vector=None if vector is None else vector.tolist()).to_json()


def write_array(reader: TextReader, sentences: str, out: Path) -> int:
    """A row a line, of an empty line zeros. Returns how many."""
    import numpy as np
    import safetensors.numpy

    from textmill.files import new_file

    empty = np.zeros(reader.width, dtype=np.float32)
    rows = [empty if vector is None else vector for _, _, vector in vectors_of_lines(reader, sentences)]
    whole = np.stack(rows) if rows else np.zeros((0, reader.width), dtype=np.float32)
    with new_file(out) as file:
        if out.suffix == ".npy":
            np.save(file, whole, allow_pickle=False)
        else:
            file.write(safetensors.numpy.save({"vectors": whole}))
    return len(rows)


def vectors_of_lines(reader: TextReader, name: str) -> Iterator[tuple[int, str, Any]]:
    """(number, line, its vector; None of an empty line), in order. Raises InputError."""
    from itertools import islice

    numbered = enumerate(lines_of(name), start=1)
    n_lines = 0
    while some := list(islice(numbered, LINES_AT_ONCE)):
        n_lines += len(some)
        full = [line for _, line in some if line.strip()]
        vectors = iter(reader.vectors(full) if full else ())
        for number, line in some:
            yield number, line, next(vectors) if line.strip() else None
    if not n_lines:
        raise InputError("there is no line in it", where="standard input" if name == "-" else name)


def lines_of(name: str) -> Iterator[str]:
    """Lines of a file, or of standard input, without their ends. Raises InputError for what is no UTF-8."""
    import sys

    where = "standard input" if name == "-" else name
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            for number, raw in enumerate(file, start=1):
                try:
                    text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise InputError(
                        f"is no UTF-8 at byte {error.start + 1} of the line",
                        where=f"{where}:{number}",
                        hint="convert it: iconv -t UTF-8",
                    ) from None
                yield text.removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=where) from None


# --- words on the screen


def vectors_text(found: Vectors) -> str:
    parts = []
    for looked in found.words:
        made = f" (of {' + '.join(looked.pieces)})" if looked.pieces else ""
        parts.append(f"{looked.word}{made}\n{table(scored(looked.near), right=(1,))}")
    if found.analogy is not None:
        a, b, c = found.analogy.words
        made = "".join(f"\n{word} is made of {' + '.join(own)}" for word, own in found.analogy.pieces.items())
        rows = [["", FORMULAS["add"], "", FORMULAS["mul"], ""]]
        for number, (one, other) in enumerate(zip(found.analogy.add, found.analogy.mul, strict=True), start=1):
            rows.append([f"{number}", one.word, f"{one.score:.3f}", other.word, f"{other.score:.3f}"])
        parts.append(f"{a} : {b} = {c} : ?{made}\n{table(rows, right=(0, 2, 4))}")
    if found.analogies:
        parts.append(
            table([["", "asked", "of", *FORMULAS.values()], *map(analogies_row, found.analogies)], right=(1, 2))
        )
    if found.similar is not None:
        parts.append(f"{found.similar.cosine:.4f}")
    if found.found:
        parts.append(
            table([[f"{one.line}", f"{one.score:.3f}", on_one_line(one.text)] for one in found.found], right=(0,))
        )
    if found.out is not None:
        parts.append(f"written: {found.out}, {found.n_written:,} vectors of width {found.width:,}")
    return for_terminal("\n\n".join(parts))


def scored(near: list[WordNear]) -> list[list[str]]:
    return [[f"  {one.word}", f"{one.score:.3f}"] for one in near] or [["  there is no other word", ""]]


def analogies_row(score: AnalogyScore) -> list[str]:
    def shown(by: str) -> str:
        if by not in score.accuracy:
            return "–"
        interval = score.intervals.get(by)
        told = f" ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})" if interval else ""
        return f"{100 * score.accuracy[by]:.1f} %{told}"

    return [score.part, f"{score.n_asked:,}", f"{score.n:,}", *map(shown, FORMULAS)]
