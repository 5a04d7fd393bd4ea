"""What runs in the isolated process: limits first, then the author's code, then the capture and a word about it.

Nothing here defends against the author's code, which can change all of it once it runs. The other side does.
"""

from __future__ import annotations

import ast
import contextlib
import faulthandler
import math
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec

from modelcheck.author_trace import author_frame, describe_exception, is_library, is_memory_error
from modelcheck.errors import AuthorError, Crashed, MemoryLimit, UsageError
from modelcheck.facts.walked import Walked
from modelcheck.isolated.proc import process
from modelcheck.isolated.protocol import (
    CAPTURE_FILE,
    MOST_ENTRIES,
    RESULT_FILE,
    STACK_FILE,
    Answer,
    Captured,
    Failed,
    Limits,
    Refused,
    Request,
    encode_answer,
)

if TYPE_CHECKING:
    from modelcheck.graph.capture import Capture
    from modelcheck.origin import Origin

Capturing = Callable[..., "tuple[Capture | Walked, Origin | None]"]

_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG in <linux/prctl.h>
_RESERVE_BYTES = 64 * 2**20


def main(ready: int) -> None:
    """Answer the request on standard input; ``ready`` is told when the author's code comes next."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    prepare(Path(request.folder))
    answer(request, capturing(), ready)


def answer(
    request: Request, capture: Capturing, ready: int, held_bytes: int = 0, processes: int | None = None
) -> NoReturn:
    """Run the author's code within the limits, leave what came of it in the request's folder, and end the process.

    Args:
        request: what to capture.
        capture: as ``capture_here``.
        ready: file descriptor that is told how many bytes of memory are held when the author's code comes next.
        held_bytes: what the process counts as holding then, where that is more than it holds.
        processes: how many its user may have, with their threads; None where that is not limited.
    """
    folder = Path(request.folder)
    sys.path += [one for one in request.path if one not in sys.path]
    held = process(os.getpid())
    _limit(request.limits, held.addresses if held else None)
    if processes is not None:
        _lower(resource.RLIMIT_NPROC, processes)
    reserve = bytearray(_RESERVE_BYTES)  # address space to say in that there is none left
    os.write(ready, str(max(held.resident if held else 0, held_bytes)).encode())
    os.close(ready)
    answer: Answer
    try:
        arguments = {name: ast.literal_eval(text) for name, text in request.arguments.items()}
        found, origin = capture(request.target, request.inputs, arguments, request.seed, request.pick)
        if isinstance(found, Walked):
            answer = _walked(found, origin, request.limits)
        else:
            answer = Captured(origin=origin)
            _write(folder / CAPTURE_FILE, _bytes(found, request.limits))
    except BaseException as error:
        del reserve
        answer = _failure(error, request.limits)
    _write(folder / RESULT_FILE, encode_answer(answer))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    os._exit(0)  # neither threads that still run nor what is registered for the end have a say


def prepare(folder: Path) -> None:
    """Make the process one that nobody has to wait for; what it leaves goes into the folder."""
    os.umask(0o077)
    (scratch := folder / "scratch").mkdir()
    os.environ["TMPDIR"] = str(scratch)  # what torch and the author leave there goes with the folder
    tempfile.tempdir = None
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
        with contextlib.suppress(OSError):  # where memory runs out, this process goes and not the user's editor
            Path("/proc/self/oom_score_adj").write_text("1000")
    stack = os.open(folder / STACK_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    faulthandler.enable(stack, all_threads=False)
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)  # whoever forked this may heed it
    for number in (signal.SIGUSR1, signal.SIGXCPU):  # the other side asks where it is; the time is over
        faulthandler.register(number, stack, all_threads=False, chain=True)  # and it ends


def capturing() -> Capturing:
    """``capture_here``, after something was captured, so that all is imported and seen to work before limits count."""
    from torch import nn

    from modelcheck.capturing.capture import capture_model
    from modelcheck.loading import capture_here

    capture_model(nn.Identity(), (1,))
    return capture_here


def _limit(limits: Limits, addresses: int | None) -> None:
    """Limit what is used from here on, beyond the addresses that torch takes, which are gigabytes."""
    cpu_s = math.ceil(time.process_time()) + limits.cpu_s
    _lower(resource.RLIMIT_CPU, cpu_s, cpu_s + 1)  # SIGXCPU, which can be ignored, and then SIGKILL
    _lower(resource.RLIMIT_FSIZE, limits.file_mib * 2**20)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    _lower(resource.RLIMIT_CORE, 0)
    if addresses is not None:  # where the system does not tell them, it does not limit them well either
        _lower(resource.RLIMIT_AS, addresses + limits.memory_mib * 2**20)


def _lower(kind: int, soft: int, hard: int | None = None) -> None:
    """Set a limit; one that is lower already stays, as nobody but root may raise it."""
    now = [math.inf if one == resource.RLIM_INFINITY else one for one in resource.getrlimit(kind)]
    wanted = soft, soft if hard is None else hard
    resource.setrlimit(kind, (int(min(now[0], wanted[0])), int(min(now[1], wanted[1]))))


def _bytes(capture: Capture, limits: Limits) -> bytes:
    data = capture.to_bytes()
    if len(data) > limits.file_mib * 2**20:
        raise MemoryLimit(f"the capture takes {len(data) >> 20:,} MiB, and {limits.file_mib:,} may be written")
    return data


def _walked(found: Walked, origin: Origin | None, limits: Limits) -> Answer:
    answer = _failure(found.failure, limits)
    if isinstance(answer, Failed) and len(found.layers) <= MOST_ENTRIES:
        return msgspec.structs.replace(answer, walked=found.facts, layers=found.layers, origin=origin)
    return answer


def _failure(error: BaseException, limits: Limits) -> Answer:
    if os.environ.get("MODELCHECK_DEBUG"):
        traceback.print_exception(error)
    for one in _chain(error):
        traceback.clear_frames(one.__traceback__)  # they hold what filled the memory
    if isinstance(error, UsageError):
        return Refused(message=str(error))
    if isinstance(error, AuthorError):
        short = any(is_memory_error(one) for one in _chain(error))
        limit = f"\nIts process may have {limits.memory_mib:,} MiB of memory" if short else ""
        code = MemoryLimit.code if short else error.code
        return Failed(code=code, message=f"{error.message}{limit}", file=error.file, line=error.line)
    file, line = author_frame(error) or (None, None)
    if file and is_library(Path(file).absolute()):
        file, line = None, None
    at = f"{file}, line {line}: " if file else ""
    text = f"the model's process could not go on: {at}{describe_exception(error)}"
    return Failed(code=Crashed.code, message=text, file=file, line=line)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it came from, also where that is not to be shown."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
