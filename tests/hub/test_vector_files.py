"""Files of word vectors: word2vec text and binary, GloVe; what is none of them is refused and never run."""

from __future__ import annotations

import gzip
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from textmill.errors import Damaged, InputError
from textmill.hub.vector_files import read_vectors, write_vectors

WORDS = ["mill", "国王", "don't", "naïve"]
TABLE = np.array([[0.1, -2.5, 3e-7], [1, 2, 3], [0, 0, -0.0], [1e20, 0.3, 1 / 3]], dtype=np.float32)


def text_of(words: list[str] = WORDS, header: bool = True, blank_at_end: bool = False) -> bytes:
    lines = [f"{len(words)} 3"] if header else []
    for word, row in zip(words, TABLE, strict=False):
        lines.append(f"{word} {' '.join(repr(float(number)) for number in row)}" + " " * blank_at_end)
    return ("\n".join(lines) + "\n").encode()


def binary_of(words: list[str] = WORDS, line_ends: bool = True) -> bytes:
    """As word2vec.c writes it."""
    parts = [f"{len(words)} 3\n".encode()]
    for word, row in zip(words, TABLE, strict=False):
        parts.append(word.encode() + b" " + struct.pack("<3f", *row) + (b"\n" if line_ends else b""))
    return b"".join(parts)


FILES = {
    "word2vec": text_of(),
    "word2vec, with a blank at the end of each line, as the C program leaves it": text_of(blank_at_end=True),
    "glove": text_of(header=False),
    "word2vec-binary": binary_of(),
    "word2vec-binary, without line ends, as gensim writes it": binary_of(line_ends=False),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", FILES)
def test_every_layout_gives_the_words_and_their_numbers_to_the_bit(name: str, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "vectors"
    path.write_bytes(gzip.compress(FILES[name]) if packed else FILES[name])
    found = read_vectors(path)
    assert found.layout == name.partition(",")[0]
    assert found.words == WORDS
    assert found.vectors.tobytes() == TABLE.tobytes()
    assert (found.width, found.n_words, found.n_repeated, found.n_unreadable) == (3, 4, 0, 0)


@pytest.mark.parametrize("name", FILES)
def test_of_the_words_that_are_wanted_alone_the_same_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(FILES[name])
    found = read_vectors(tmp_path / "v", wanted=["naïve", "国王", "other"])
    assert (found.words, found.n_words) == (["国王", "naïve"], 4)
    assert found.vectors.tobytes() == TABLE[[1, 3]].tobytes()


def test_what_is_written_is_read_again_to_the_bit(tmp_path: Path) -> None:
    for name in ("words.vec", "words.vec.gz"):
        write_vectors(tmp_path / name, WORDS, TABLE)
        assert read_vectors(tmp_path / name).vectors.tobytes() == TABLE.tobytes()
    first = (tmp_path / "words.vec").read_text(encoding="utf-8").splitlines()
    assert first[0] == "4 3"
    assert [line.split(" ")[0] for line in first[1:]] == WORDS  # a parser of one's own reads it
    assert [float(number) for number in first[2].split(" ")[1:]] == [1.0, 2.0, 3.0]


def test_words_with_blanks_and_words_that_are_numbers_are_read_from_the_right_as_in_glove_840b(tmp_path: Path) -> None:
    lines = [", 0.5 1 2", ". . . 3 4 5", "at name@domain.com 6 7 8", "1 9 10 11", "in 2019 12 13 14", ", 0 0 0"]
    (tmp_path / "g").write_text("\n".join(lines) + "\n")
    found = read_vectors(tmp_path / "g")
    assert found.words == [",", ". . .", "at name@domain.com", "1", "in 2019"]
    assert found.vectors[4].tolist() == [12, 13, 14]
    assert found.n_repeated == 1 and found.vectors[0].tolist() == [0.5, 1, 2]  # the first wins


def test_words_that_are_no_utf8_are_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "g").write_bytes(b"mill 1 2\nna\xefve 3 4\n")
    found = read_vectors(tmp_path / "g")
    assert (found.words, found.n_unreadable) == (["mill"], 1)


class Runs:
    """A pickle that would run a program."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('a pickle ran')",)


BAD = {
    "empty": (b"", "the file is empty"),
    "a pickle": (pickle.dumps(Runs()), "(?s)this is a pickle.*save_word2vec_format"),
    "a packed pickle": (gzip.compress(pickle.dumps(Runs())), "this is a pickle"),
    "a zip": (b"PK\x03\x04rest", "zip archive"),
    "a text": (b"It was a bright cold day in April,\nand the clocks\n", ":1: these are no word vectors"),
    "a csv": (b"id,text\n1,mill\n", "no word vectors"),
    "NaN in a text": (b"mill 1 nan\n", ":1: the vector of 'mill' holds what is no finite number"),
    "NaN in a binary": (b"1 2\nmill " + struct.pack("<2f", 1, float("nan")), "the vector of 'mill'"),
    "a line of another width": (
        b"mill 1 2 3\nwheel 1 2\n",
        ":2: a word and 3 numbers were to stand here, and there are 2 numbers",
    ),
    "a word in a number's place": (b"2 3\nmill 1 2 3\nwheel 1 b 3\n", ":3: 'b' is no number"),
    "a first line that promises more": (b"3 2\nmill 1 2\nwheel 3 4\n", "says 3 words, and it holds 2"),
    "a binary that is cut off": (binary_of()[:-9], "it ends within word 4 of 4"),
    "a binary with a word missing": (binary_of(WORDS[:3]).replace(b"3 3\n", b"4 3\n"), "ends after 3 of 4 words"),
    "a binary with more behind": (binary_of() + b"more", "more follows its 4 words"),
    "a gzip that is cut off": (gzip.compress(FILES["word2vec"])[:-12], "cut off"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_file_of_vectors_is_refused_by_name_and_place(name: str, tmp_path: Path) -> None:
    content, message = BAD[name]
    (tmp_path / "v").write_bytes(content)
    with pytest.raises((InputError, Damaged), match=message):
        read_vectors(tmp_path / "v")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="v: cannot be read: No such file"):
        read_vectors(tmp_path / "v")
