"""The weights that a submission holds, put into its capture: where those are what is scored."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import safetensors
import torch

from modelcheck.author_trace import describe_exception, printable
from modelcheck.errors import AuthorError, UsageError
from modelcheck.grading.contents import LEFT_OUT
from modelcheck.grading.encoding import as_text
from modelcheck.grading.gradebook.captures import Weights
from modelcheck.graph.capture import Capture
from modelcheck.graph.model import GraphModel
from modelcheck.intake import is_archive, unpacked
from modelcheck.intake.folders import ENVIRONMENT
from modelcheck.isolated.parent import own_python
from modelcheck.isolated.protocol import Limits
from modelcheck.isolated.watching import run_watched
from modelcheck.road import NORMALIZE
from modelcheck.weights import put_weights, read_safetensors
from modelcheck.words import listed

MAX_BYTES = 256 * 2**20
_SAFE, _STATE_DICTS = ".safetensors", (".pt", ".pth")
_WANTED = "beside the model one .safetensors file, or one .pt or .pth with a state dict, is expected"
# a few bytes of a pickle can take all time and memory there is, though they run nothing
_LIMITS = Limits(wall_s=30.0, cpu_s=30, memory_mib=2048, file_mib=1024)
_CONVERT = """
from modelcheck.grading.state_dicts import main
main(sys.stdin.buffer.read(), int(sys.argv[2]))
"""
_MOST_SHOWN = 4


class _NoWeights(Exception):
    """Why there are none that can be scored."""


def with_weights(capture: Capture, submission: Path) -> tuple[Capture, Weights]:
    """The capture with the weights that were handed in; as it is where there are none that fit, and why.

    Nothing is unpickled but tensors, and that in a process of its own, within limits.

    Args:
        capture: of the model, checked.
        submission: a folder, an archive, or one file.
    """
    try:
        with _folder(submission) as folder:
            file = _chosen(folder)
            model = GraphModel(capture)
            metadata = _loaded(model, file, shown := as_text(file.relative_to(folder).as_posix()))
    except (_NoWeights, AuthorError) as why:
        return capture, Weights(problem=printable(f"no weights to score: {why}"))
    storages = [model.storage(index).detach() for index in range(len(capture.storages))]
    flat = [one.as_strided((one.numel(),), (1,)) for one in storages]
    return Capture(capture.header, flat), Weights(file=shown, normalize=metadata.get(NORMALIZE) != "false")


@contextlib.contextmanager
def _folder(submission: Path) -> Iterator[Path]:
    if submission.is_dir():
        yield submission
    elif is_archive(submission):
        with unpacked(submission) as folder:
            yield folder
    else:
        raise _NoWeights(f"a file was handed in by itself; {_WANTED}")


def _chosen(folder: Path) -> Path:
    """The one safetensors file, else the one state dict."""
    files = list(_files(folder))
    safe = [one for one in files if one.suffix.lower() == _SAFE]
    those = safe or files
    if len(those) == 1:
        return those[0]
    names = [as_text(one.relative_to(folder).as_posix()) for one in those]
    more = [f"{len(names) - _MOST_SHOWN:,} more"] if len(names) > _MOST_SHOWN else []
    raise _NoWeights(f"{f'found {listed([*names[:_MOST_SHOWN], *more])}' if names else 'found none'}; {_WANTED}")


def _files(folder: Path) -> Iterator[Path]:
    """What may be weights; links are not followed."""
    for place, folders, names in os.walk(folder):
        if Path(place) != folder and not ENVIRONMENT.isdisjoint((*folders, *names)):
            folders.clear()
            continue
        folders[:] = sorted(set(folders) - LEFT_OUT)
        for name in sorted(names):
            file = Path(place, name)
            if file.suffix.lower() in (_SAFE, *_STATE_DICTS) and stat.S_ISREG(file.lstat().st_mode):
                yield file


def _loaded(model: GraphModel, file: Path, shown: str) -> dict[str, str]:
    """What the file says of its weights, which the model has then."""
    if file.stat().st_size > MAX_BYTES:
        raise _NoWeights(f"{shown} is more than {MAX_BYTES >> 20:,} MiB")
    try:
        if file.suffix.lower() == _SAFE:
            given, metadata = read_safetensors(file)
        else:
            given, metadata = _state_dict(file, shown), {}
        put_weights(model, given, shown)
    except UsageError as error:
        raise _NoWeights(str(error)) from None
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise _NoWeights(f"{shown} is no safetensors file: {describe_exception(error)}") from None
    return metadata


def _state_dict(file: Path, shown: str) -> dict[str, torch.Tensor]:
    """What ``state_dicts`` makes of it."""
    with tempfile.TemporaryDirectory(prefix="modelcheck-") as private:
        target = Path(private, "weights.safetensors")
        run_watched(own_python(_CONVERT), os.fsencode(f"{file}\0{target}"), _LIMITS)
        if target.is_file():
            return read_safetensors(target)[0]
        why = target.with_suffix(".txt")
        text = why.read_text(errors="replace") if why.is_file() else ""
    raise _NoWeights(
        text.replace(str(file), shown)
        or f"{shown} could not be read in {_LIMITS.wall_s:g} s and {_LIMITS.memory_mib:,} MiB"
    )
