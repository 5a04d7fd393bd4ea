"""The trusted side of a sandbox: starts it once, hands it submissions, and says what became of each."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

import msgspec

from modelcheck.author_trace import printable
from modelcheck.errors import LoadError, UsageError
from modelcheck.facts.walked import Walked
from modelcheck.grading.sandbox.packing import packed, target_of
from modelcheck.grading.sandbox.places import installed
from modelcheck.grading.sandbox.server import SUBMISSION, Hello
from modelcheck.inputs import Inputs
from modelcheck.isolated.outcome import NotFoundThere, Outcome
from modelcheck.isolated.parent import encoded_request, own_python
from modelcheck.isolated.proc import family, is_alive
from modelcheck.isolated.protocol import Limits
from modelcheck.isolated.results import Results
from modelcheck.isolated.watching import START_S, Ended, watched
from modelcheck.origin import Origin, Pick

if TYPE_CHECKING:
    from modelcheck.graph.capture import Capture

ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/tmp",
    "USER": "author",
    "LOGNAME": "author",
    "LANG": "C.UTF-8",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_SERVER = """
sys.path += [one for one in sys.argv[6:] if one not in sys.path]
from modelcheck.grading.sandbox.server import main
main(sys.argv[2], int(sys.argv[5]), int(sys.argv[3]), warm=sys.argv[4] == "warm")
"""
_STOP_S = 2.0
_DIES_S = 10.0
_TOLD_BYTES = 4096


class _NotReady(Exception):
    """Why the author's code could not even be started."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a sandbox is started and ended.

    Args:
        name: of the sandbox.
        user: whose rights the author's code has, where root grades.
        around: the command line that the server's is added to; it may keep the file descriptor with that number.
        folder: gives a submission's own folder, as it is called in the sandbox.
        end: kills the process with that number and all that it started.
    """

    name: str
    user: int
    around: tuple[str, ...]
    folder: Callable[[], contextlib.AbstractContextManager[str]]
    end: Callable[[int], None]


class Starter:
    """A sandbox in which torch is imported once, and each submission runs in a fork of its own.

    A context manager, for one submission at a time and for the thread that made it: the sandbox ends with that. There
    can be any number of them at the same time.
    """

    def __init__(self, way: Way, limits: Limits, *, warm: bool) -> None:
        self.way, self.limits, self.warm = way, limits, warm
        self.process: subprocess.Popen[bytes] | None = None
        self.control: socket.socket | None = None
        self.said: IO[bytes] | None = None
        self.is_greeted = False

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def capture(
        self,
        path: Path,
        inputs: Inputs | None,
        seed: int = 0,
        pick: Pick | None = None,
        arguments: Mapping[str, object] | None = None,
    ) -> tuple[Capture | Walked, Origin | None]:
        """The capture of what was handed in, and where it came from.

        Only the capture is believed, after the checks that every capture gets, as of ``capture_isolated``. Files in
        the text of errors and in the origin are named from the submission on: ``alice/net.py``.

        Args:
            path: a file, an archive or a folder.
            inputs: what the model takes; None where it is to be inferred.
            seed: of the initialisation.
            pick: which of several candidates to take; None where that is an error.
            arguments: for the constructor; Python literals.
        Raises:
            AuthorError: it could not be loaded, captured or run, exceeded a limit, or ended its process.
            UsageError: the sandbox cannot be started, or the arguments cannot be told.
        """
        try:
            with self.watched(path, inputs, seed, pick, arguments) as (ended, results):
                try:
                    return Outcome(printable(path.name), ended, results, self.limits).captured(inputs)
                except NotFoundThere as error:  # which is what the author's process says, and ends no batch
                    raise LoadError(str(error)) from None
        except _NotReady as error:
            raise UsageError(f"the sandbox {self.way.name} does not run {printable(path.name)}: {error}") from None

    @contextlib.contextmanager
    def watched(
        self,
        path: Path,
        inputs: Inputs | None,
        seed: int = 0,
        pick: Pick | None = None,
        arguments: Mapping[str, object] | None = None,
    ) -> Iterator[tuple[Ended, Results]]:
        """What was seen of the author's process, and what it left, which can be read in the block.

        Raises:
            AuthorError: what was handed in cannot be read, or is far too much.
            UsageError: as ``capture``'s.
        """
        data = encoded_request(target_of(path), inputs, arguments, seed, pick, "", (), self.limits)
        with contextlib.ExitStack() as kept:
            files = kept.enter_context(packed(path))
            request = kept.enter_context(tempfile.TemporaryFile())
            request.write(data)
            request.seek(0)
            ended, results = self._twice(kept, request, files)
            yield ended, results

    def _twice(self, kept: contextlib.ExitStack, request: IO[bytes], files: IO[bytes]) -> tuple[Ended, Results]:
        """Try again with a server of its own where this one does not work any more."""
        try:
            return self._run(kept, request, files)
        except (_NotReady, OSError):
            self._stop()
            self._start()
            return self._run(kept, request, files)

    def _run(self, kept: contextlib.ExitStack, request: IO[bytes], files: IO[bytes]) -> tuple[Ended, Results]:
        self._greet()
        assert self.control is not None
        base = kept.enter_context(self.way.folder())
        word, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept.enter_context(word)
        ready, says_ready = _pipe(kept)
        output, prints = _pipe(kept)
        for file in (request, files):
            os.lseek(file.fileno(), 0, os.SEEK_SET)
        with theirs, says_ready, prints:
            given = [theirs.fileno(), says_ready.fileno(), request.fileno(), files.fileno(), prints.fileno()]
            socket.send_fds(self.control, [os.fsencode(base)], given)
        word.settimeout(START_S)
        first, held_bytes = _descriptor(kept, word, output)
        folder, _ = _descriptor(kept, word, output)
        most_bytes = int(held_bytes) + self.limits.memory_mib * 2**20
        ended = watched(
            _Fork(first, word, self.way.end, int(held_bytes), most_bytes), ready.fileno(), output.fileno(), self.limits
        )
        if not ended.started:
            raise _NotReady(_told(ended.printed))
        return ended, Results(folder, self.limits, f"{base}/{SUBMISSION}")

    def _start(self) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _stop
        warm = "warm" if self.warm else "cold"
        command = [*self.way.around, *own_python(_SERVER), self.way.name, str(theirs.fileno()), warm]
        with theirs:
            self.process = subprocess.Popen(
                [*command, str(self.way.user), *installed()],
                stdin=subprocess.DEVNULL,
                stdout=self.said,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=ENVIRONMENT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self.is_greeted = False

    def _greet(self) -> None:
        """Wait until submissions can come; where the server has several threads, take one that forks before it has."""
        while not self.is_greeted:
            assert self.control is not None
            self.control.settimeout(START_S)
            try:
                hello = self.control.recv(_TOLD_BYTES)
            except TimeoutError:
                hello = b""
            if not hello:
                raise _NotReady(self._last_words())
            self.is_greeted = True
            if self.warm and msgspec.json.decode(hello, type=Hello).threads > 1:
                self.warm = False
                self._stop()
                self._start()

    def _last_words(self) -> str:
        if self.said is None:
            return ""
        self.said.seek(0)
        return _told(self.said.read())

    def _stop(self) -> None:
        below = family(self.process.pid) if self.process else []
        if self.control is not None:
            self.control.close()
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_S)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        until = time.monotonic() + _STOP_S
        while any(is_alive(one.pid) for one in below) and time.monotonic() < until:
            time.sleep(0.01)  # they are ended by the kernel, each after the one above it
        if self.said is not None:
            self.said.close()
        self.control = self.process = self.said = None


class _Fork:
    """The processes of one submission."""

    def __init__(
        self, first: int, word: socket.socket, end: Callable[[int], None], held_bytes: int, most_bytes: int
    ) -> None:
        self.wakes: int | None = first
        self.first, self.word, self._end = first, word, end
        self.held_bytes, self.most_bytes = held_bytes, most_bytes
        self.pid = _number(first)
        self.usage: tuple[int, float] | None = None

    def ended(self, *, wait: bool) -> tuple[int, float] | None:
        if self.usage is None:
            gone = select.select([self.first], [], [], _DIES_S if wait else 0)[0]
            if gone or wait:
                self.usage = self._usage()
        return self.usage

    def _usage(self) -> tuple[int, float]:
        """What its first process says, which decides nothing."""
        with contextlib.suppress(OSError, ValueError):
            self.word.setblocking(False)
            status, cpu_s = self.word.recv(_TOLD_BYTES).decode("ascii", "replace").split()
            return int(status), float(cpu_s)
        return -signal.SIGKILL, 0.0

    def resident_bytes(self) -> int:
        """What they hold; where it is too much, without counting again in each what they share with the server."""
        own = family(self.pid)
        found = sum(one.resident for one in own)
        return found if found <= self.most_bytes else self.held_bytes + sum(one.share() for one in own)

    def say_where(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.first, signal.SIGUSR1)

    def end(self) -> None:
        if not select.select([self.first], [], [], 0)[0]:
            self._end(self.pid)


def _pipe(kept: contextlib.ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    reading, writing = os.pipe()
    return kept.enter_context(os.fdopen(reading, "rb", 0)), os.fdopen(writing, "wb", 0)


def _descriptor(kept: contextlib.ExitStack, word: socket.socket, output: IO[bytes]) -> tuple[int, bytes]:
    """The next file descriptor that the submission's processes send, and what they say with it."""
    try:
        said, descriptors, _, _ = socket.recv_fds(word, _TOLD_BYTES, 1)
    except TimeoutError:
        said, descriptors = b"", []
    if not descriptors:
        os.set_blocking(output.fileno(), False)
        raise _NotReady(_told(output.read(_TOLD_BYTES) or b""))
    kept.callback(os.close, descriptors[0])
    return descriptors[0], said


def _number(process: int) -> int:
    """The number of the process that the file descriptor stands for."""
    for line in Path(f"/proc/self/fdinfo/{process}").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pid":
            return int(value)
    raise _NotReady("its processes cannot be seen in /proc")


def _told(printed: bytes) -> str:
    """The last line of what was printed."""
    lines = printed.decode("utf-8", "backslashreplace").strip().splitlines()
    return printable(lines[-1]) if lines else "it ended without a word"
