"""Text from standard input -> a file that is its only copy. Room: text/. Used by verbs whose PATH is `-`."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import tempfile
from pathlib import Path

from textmill.errors import InputError, NoSpace, TooLittleText
from textmill.files import fsync_folder, make_folder
from textmill.text.files import CHUNK


def keep_stdin(into: Path) -> Path:
    """Copy standard input to a file in `into` (created if need be) and give its path.

    The file is named by its content (stdin-SHA256.txt): the same text gives the same file, another text never
    overwrites it. Raises TooLittleText where nothing comes, NoSpace on a full disk; nothing half-written is left.
    """
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise InputError("standard input is closed", where="-")
    digest, n_bytes = hashlib.sha256(), 0
    temporary: Path | None = None
    try:
        make_folder(into)
        descriptor, name = tempfile.mkstemp(prefix=".stdin-", dir=into)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as copy:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                n_bytes += len(chunk)
                copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())
        if not n_bytes:
            raise TooLittleText("nothing came from standard input (0 bytes)", where="-")
        path = into / f"stdin-{digest.hexdigest()[:16]}.txt"
        temporary.replace(path)
        fsync_folder(into)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace(f"the disk is full after {n_bytes} bytes of standard input", where=str(into)) from None
        raise InputError(f"standard input cannot be kept: {error.strerror or error}", where=str(into)) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return path
