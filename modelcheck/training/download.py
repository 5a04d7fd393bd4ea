"""Datasets that are fetched because the user asks for it."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

from modelcheck.errors import UsageError


def fetch(name: str, download: Callable[[Path], None], data_dir: Path) -> None:
    """Download a dataset beside and move it into place, so that a file is there whole or not; what is there stays.

    Args:
        name: the dataset's, for the error.
        download: fetches it into the folder that it is given.
        data_dir: where it shall be; made where it is not there.

    Raises:
        UsageError: it could not be fetched, or not written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=data_dir, prefix=".download-") as made:
            download(Path(made))
            for file in sorted(Path(made).rglob("*")):
                target = data_dir / file.relative_to(made)
                if file.is_file() and not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    file.replace(target)
    except (OSError, RuntimeError, HTTPException, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(
            f"--download: {name} could not be downloaded to {data_dir}: {detail}. Try again, or put the files there "
            "yourself and leave --download out"
        ) from None
