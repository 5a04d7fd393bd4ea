"""Files that are whole or not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from modelcheck.errors import UsageError


def write_beside(target: Path, data: bytes) -> None:
    """Write the bytes to a file beside the target and rename it, so that the target is never half of anything.

    What is no file (``/dev/stdout``, a named pipe) is written to: there is nothing to put in its place.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(data)
            return
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror or error}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(target)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise UsageError(f"cannot write {target}: {error.strerror or error}") from None
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def check_writable(target: Path, option: str) -> None:
    """Raise before the work where its result could not be written.

    Raises:
        UsageError: the target is a folder, or lies in none that can be written to.
    """
    folder = target.absolute().parent
    if target.is_dir():
        raise UsageError(f"{option} {target}: that is a folder; name a file in it")
    if not folder.is_dir():
        raise UsageError(f"{option} {target}: there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{option} {target}: the folder {folder} cannot be written to")


def remove_folder(path: str) -> None:
    """Remove it with all that is in it, however deep; what cannot be removed is left."""
    try:
        shutil.rmtree(path, ignore_errors=True)
    except RecursionError:
        subprocess.run(["rm", "-rf", "--", path], check=False, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
