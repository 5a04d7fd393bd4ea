"""Runs in the sandbox: imports torch once, and forks for each submission, inside a sandbox of its own.

Until the author's code runs, which is in the last of three processes, all of this is to be trusted:

    the server                   imports torch and captures something trivial; has one thread
    └─ the first of a submission has a view of its own, and waits for what the author's code starts
       └─ the author's           has given up all rights, and runs within the limits
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import IO, Any, NoReturn

import msgspec

from modelcheck.grading.sandbox import kernel
from modelcheck.grading.sandbox.confinement import Confinement, end_family
from modelcheck.grading.sandbox.namespaces import Namespaces
from modelcheck.grading.sandbox.packing import unpack
from modelcheck.isolated.child import Capturing, answer, capturing, prepare
from modelcheck.isolated.proc import process
from modelcheck.isolated.protocol import Request

OUT, SUBMISSION, HOME = "out", "submission", "home"  # below a submission's own folder
_LONGEST_PATH = 4096
_DESCRIPTORS = 5


class Hello(msgspec.Struct, frozen=True):
    """Said once, when submissions can come: how many threads there are, of which there must be one to fork."""

    threads: int


# what a sandbox does on the way from a trusted process to one that runs the author's code
Enclosure = Namespaces | Confinement
_ENCLOSURES: dict[str, type[Enclosure]] = {"bubblewrap": Namespaces, "process": Confinement}


def main(name: str, user: int, control: int, *, warm: bool) -> NoReturn:
    """Answer what comes over the control socket until nobody is there any more.

    Args:
        name: of the sandbox.
        user: whose rights the author's code has, where root started this.
        control: file descriptor of a socket. For each submission comes the path of its own folder, with descriptors:
            a socket for word of it, the ready pipe, the request, the packed files, and a pipe for what it prints.
        warm: whether torch is imported before, and not by each submission anew.
    """
    enclosure = _ENCLOSURES[name](user)
    enclosure.begin()
    capture = capturing() if warm else None
    held = process(os.getpid())
    with socket.socket(fileno=control) as told:
        told.send(msgspec.json.encode(Hello(len(os.listdir("/proc/self/task")))))  # noqa: PTH208
        while True:
            base, descriptors, _, _ = socket.recv_fds(told, _LONGEST_PATH, _DESCRIPTORS)
            if not base:
                os._exit(0)  # there is nothing that torch would have to put in order
            pid = enclosure.fork()
            if pid == 0:
                told.close()
                submission = _Submission(enclosure, Path(os.fsdecode(base)), *descriptors)
                _watch_over(submission, capture, held.resident if held else 0)
            for one in descriptors:
                os.close(one)
            _wait_for(pid, told)


def trial(name: str, user: int, base: str) -> None:
    """Go a submission's way without one, in an empty folder; ends with an error where it leads nowhere."""
    enclosure = _ENCLOSURES[name](user)
    enclosure.begin()
    pid = enclosure.fork()
    if pid == 0:
        enclosure.enter(Path(base), 1)
        enclosure.confine_all()
        enclosure.confine(Path(base))
        (Path(base) / OUT).mkdir()
        for library in ("torch", "modelcheck"):
            found = importlib.util.find_spec(library)
            Path(str(found and found.origin)).read_bytes()
        return
    _, status = os.waitpid(pid, 0)
    if status:
        raise SystemExit(1)


def renew_pool() -> None:
    """Let torch make its pool of threads anew after a fork, which left it none, while the process has one thread.

    Whoever asks for the pool first does this. Where two threads do at once, as a model's and that of its gradients, one
    of them may find none and end the process ("Invalid thread pool!" of caffe2/utils/threadpool/pthreadpool-cpp.cc).
    """
    import torch

    torch.set_num_threads(torch.get_num_threads())


def _wait_for(pid: int, told: socket.socket) -> None:
    """Wait until it has ended; where nobody is there any more to hear of it, end it and all that it started."""
    ended = os.pidfd_open(pid)
    heard = select.poll()
    heard.register(ended, select.POLLIN)
    heard.register(told, select.POLLHUP | select.POLLRDHUP)
    heard.poll()
    if not select.select([ended], [], [], 0)[0]:
        end_family(pid)
        os.kill(pid, signal.SIGKILL)
    os.close(ended)
    os.waitpid(pid, 0)


def _watch_over(submission: _Submission, capture: Capturing | None, held_bytes: int) -> NoReturn:
    """Never come back from a fork, whatever happens."""
    try:
        submission.watch_over(capture, held_bytes)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


class _Submission:
    """One submission, in the process that is the first of it."""

    def __init__(
        self, enclosure: Enclosure, base: Path, word: int, ready: int, request: int, files: int, output: int
    ) -> None:
        self.enclosure, self.base, self.ready, self.output = enclosure, base, ready, output
        self.word = socket.socket(fileno=word)
        self.files: IO[bytes] = os.fdopen(files, "rb")
        with os.fdopen(request, "rb") as file:
            self.request = msgspec.json.decode(file.read(), type=Request)
        self.author = 0

    def watch_over(self, capture: Capturing | None, held_bytes: int) -> None:
        """Start the author's process, wait for it, and tell how it ended.

        Args:
            capture: as ``capture_here``; None where torch is to be imported first.
            held_bytes: of the server, of whose memory a fork shows a part only when it uses it.
        """
        kernel.die_with_parent(signal.SIGKILL)
        for stream in (1, 2):
            os.dup2(self.output, stream)
        os.close(self.output)
        # those of the server believe that they can be wound back
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
        signal.signal(signal.SIGUSR1, self._pass_on)
        with contextlib.suppress(OSError):  # where memory runs out, this goes and not the user's editor
            Path("/proc/self/oom_score_adj").write_text("1000")
        self.enclosure.enter(self.base, self._disk_mib())
        self.enclosure.confine_all()
        kernel.set_dumpable(False)  # the author's process may be of the same user
        this = os.pidfd_open(os.getpid())
        socket.send_fds(self.word, [str(held_bytes).encode()], [this])
        os.close(this)
        self.author = os.fork()
        if self.author == 0:
            self._run(capture, held_bytes)
        self.files.close()
        os.close(self.ready)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        status, cpu_s = self._wait()
        self.enclosure.end_rest()
        self.word.send(f"{status} {cpu_s}".encode())
        os._exit(0)

    def _disk_mib(self) -> int:
        return self.request.limits.file_mib + os.fstat(self.files.fileno()).st_size // 2**20 + 1

    def _pass_on(self, number: int, _: object) -> None:
        if self.author:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.author, number)

    def _wait(self) -> tuple[int, float]:
        """Exit status and processor time of the author's process; whose parent has ended is waited for as well."""
        while True:
            pid, status, used = os.wait4(-1, 0)
            if pid == self.author:
                return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime

    def _run(self, capture: Capturing | None, held_bytes: int) -> NoReturn:
        """The author's process."""
        os.setsid()
        kernel.set_dumpable(True)
        others = self.enclosure.others()
        self.enclosure.confine(self.base)
        for name in (OUT, SUBMISSION, HOME):
            (self.base / name).mkdir(mode=0o700)
        os.environ["HOME"] = str(self.base / HOME)
        folder = os.open(self.base / OUT, os.O_RDONLY | os.O_DIRECTORY)
        socket.send_fds(self.word, [b"folder"], [folder])
        os.close(folder)
        self.word.close()
        os.chdir(self.base / SUBMISSION)
        request = msgspec.structs.replace(self.request, folder=str(self.base / OUT))
        prepare(self.base / OUT)
        if capture:
            renew_pool()
        capture = capture or capturing()
        answer(request, self._unpacking(capture), self.ready, held_bytes, others + request.limits.processes)

    def _unpacking(self, capture: Capturing) -> Capturing:
        """Captures after unpacking what the author handed in, which the limits hold for as well."""

        def unpack_and_capture(*request: Any) -> Any:
            unpack(self.files, Path.cwd())
            self.files.close()
            return capture(*request)

        return unpack_and_capture
