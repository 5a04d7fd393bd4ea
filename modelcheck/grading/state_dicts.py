"""Turns a state dict that somebody saved into safetensors: in a process of its own, which may be ended at any time."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import safetensors.torch

from modelcheck.author_trace import describe_exception
from modelcheck.errors import UsageError
from modelcheck.files import write_beside
from modelcheck.isolated.proc import resident_bytes
from modelcheck.weights import read_state_dict

_CPU_S = 60  # where nobody is left who would end it


def main(request: bytes, ready: int) -> None:
    """Write the tensors of the file to the target, or beside it, in ``.txt``, why that cannot be done.

    Args:
        request: the file's path and the target's, with a zero byte between.
        ready: file descriptor that is told how many bytes of memory are held when the file is read next.
    """
    source, target = (Path(os.fsdecode(one)) for one in request.split(b"\0"))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    os.write(ready, str(resident_bytes(os.getpid())).encode())
    os.close(ready)
    try:
        found = {name: value.detach().contiguous().clone() for name, value in read_state_dict(source).items()}
        write_beside(target, safetensors.torch.save(found))
    except UsageError as error:
        target.with_suffix(".txt").write_text(str(error), errors="replace")
    except Exception as error:  # a tensor may be of many kinds
        text = f"{source} holds what is no plain tensor: {describe_exception(error)}"
        target.with_suffix(".txt").write_text(text, errors="replace")
