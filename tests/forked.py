"""Commands in processes that are forked from one that has loaded everything: a program of its own, and its client.

A command takes a moment instead of the seconds in which a new process loads its libraries. It is a process all the
same, with a folder, an environment, streams, signals and an exit code of its own. It says nothing of how a process
starts: laws about imports, start-up, hash seeds and locales begin with Python itself.

The program reads a request a line, {"argv", "cwd", "env", "in", "out", "err"} (the last three are paths), and answers
{"code": exit code, or minus the signal that ended it} when the command has ended.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

WAIT_S = 300  # a hang guard, no promise of speed


# -- the client --------------------------------------------------------------------------------------------------------


class Parent:
    """The process that is forked, for one request at a time."""

    def __init__(self, program: str = __file__, env: Mapping[str, str] | None = None):
        self.process = subprocess.Popen(
            [sys.executable, program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ if env is None else env) | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Its answer to one request."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        ready, _, _ = select.select([self.process.stdout], [], [], WAIT_S)
        assert ready, "the command hangs"
        return dict(json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(WAIT_S)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()


@cache
def parent_of_commands() -> Parent:
    """The one of this process of tests; it begins when it is first needed."""
    parent = Parent()
    atexit.register(parent.close)
    return parent


def textmill(
    folder: Path, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """A command in a folder. env: its whole environment, None = that of the tests."""
    with tempfile.TemporaryDirectory() as place:
        read, out, err = (Path(place, name) for name in ("in", "out", "err"))
        read.write_bytes(stdin)
        streams = {"in": str(read), "out": str(out), "err": str(err)}
        given = dict(os.environ if env is None else env)
        told = parent_of_commands().ask({"argv": list(arguments), "cwd": str(folder), "env": given, **streams})
        return subprocess.CompletedProcess(["textmill", *arguments], told["code"], out.read_bytes(), err.read_bytes())


# -- the program -------------------------------------------------------------------------------------------------------


def load_all() -> None:
    """Train once, to the end: all that a run imports, and what is read once in a process (fonts), is there then."""
    from textmill.cli import main

    words = "train a.txt --arch gru --tokens.kind bytes --model.d_model 16 --model.n_layers 1 --model.seq_len 16"
    words += " --train.batch 4 --eval.resamples 100 --train.sample_tokens 3 --threads 1 --steps 2 --train.eval_every 2"
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), silence():
        Path("a.txt").write_text("".join(f"{n} geese fly over mountain {n * n % 7}.\n" for n in range(120)))
        assert main(words.split()) == 0


@contextlib.contextmanager
def silence() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def load_of_tasks() -> None:
    """What classifiers and translators import besides, and what judges them."""
    import sacrebleu  # noqa: F401
    import scipy.optimize
    import scipy.sparse  # noqa: F401

    import textmill.evaluation.labels
    import textmill.models.tfidf
    import textmill.tasks.classify
    import textmill.tasks.translate  # noqa: F401


def put_in_place(request: dict[str, Any]) -> None:
    """Folder, environment and streams of the command, in the process that was forked for it."""
    os.chdir(request["cwd"])
    if "env" in request:
        os.environ.clear()
        os.environ.update(request["env"])
    opened = (
        (0, os.open(request.get("in", os.devnull), os.O_RDONLY)),
        (1, os.open(request["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)),
        (2, os.open(request["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)),
    )
    for number, descriptor in opened:
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, encoding=sys.stdin.encoding, errors=sys.stdin.errors, closefd=False)  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["textmill", *request["argv"]]


def command(request: dict[str, Any]) -> int:
    from textmill.cli import main

    return main(request["argv"])


def serve(run: Callable[[dict[str, Any]], int], told: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer requests until there are no more. run: in the forked process, its exit code; told: more of the answer."""
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 99  # an exception of this program's own
            try:
                put_in_place(request)
                code = run(request)
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        status = os.waitpid(child, 0)[1]
        print(json.dumps({"code": os.waitstatus_to_exitcode(status), **told(request)}), flush=True)


if __name__ == "__main__":
    load_all()
    load_of_tasks()
    serve(command, lambda request: {})
