"""What the isolated process left, read as a stranger's: its files may be anything that a file can be."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

import msgspec

from modelcheck.author_trace import is_file, is_library, is_ours, printable, shown_path
from modelcheck.errors import DamagedCapture
from modelcheck.inputs import Inputs, readings
from modelcheck.isolated.protocol import CAPTURE_FILE, RESULT_FILE, STACK_FILE, Answer, Limits, decode_answer

if TYPE_CHECKING:
    from modelcheck.graph.capture import Capture

_RESULT_BYTES = 8 * 2**20
_STACK_BYTES = 2**18
_FRAME = re.compile(r'^  File "([^"\n]+)", line (\d{1,9}) in ', re.MULTILINE)  # as faulthandler writes it


class Unusable(Exception):
    """A file that is not what it must be; the text says what it is."""


class Results:
    """The files in the folder that was open when nobody else knew of it, whatever has its name now.

    Args:
        folder: a handle on it.
        limits: on the process.
        root: where the process found the author's files, where that is no folder that can be looked into from here.
    """

    def __init__(self, folder: int, limits: Limits, root: str | None = None) -> None:
        self.folder, self.limits, self.root = folder, limits, root

    def answer(self) -> Answer | None:
        """What the process says; None where it says nothing.

        Raises:
            Unusable: that is no answer.
        """
        data = self._read(RESULT_FILE, _RESULT_BYTES)
        try:
            return None if data is None else decode_answer(data)
        except (msgspec.MsgspecError, ValueError) as error:
            raise Unusable(f"{RESULT_FILE} does not follow the format: {error}") from None

    def capture(self, inputs: Inputs | None) -> Capture:
        """The capture, checked throughout.

        Args:
            inputs: what it was asked for; None where it was to be inferred.
        Raises:
            Unusable: there is no such file.
            DamagedCapture: anything in it is not as it must be.
        """
        data = self._read(CAPTURE_FILE, self.limits.file_mib * 2**20)
        if data is None:
            raise Unusable(f"there is no {CAPTURE_FILE}")
        from modelcheck.graph.capture import capture_from_bytes

        try:
            capture = capture_from_bytes(data)
        except DamagedCapture as error:
            raise DamagedCapture(f"the model's own process wrote no usable capture: {error.message}") from None
        found = sorted((one.shape, one.dtype) for one in capture.header.inputs)
        if inputs and found not in [sorted((one.shape, one.dtype) for one in meant) for meant in readings(inputs)]:
            raise DamagedCapture("the model's own process wrote a capture for an input of another shape")
        return capture

    def place(self) -> tuple[str, int] | None:
        """The author's file and line where the process was when it was stopped or died, where it says so."""
        try:
            text = (self._read(STACK_FILE, _STACK_BYTES) or b"").decode("ascii", "replace")
        except Unusable:
            return None
        frames = ((file, int(line)) for file, line in _FRAME.findall(text))
        if self.root is not None:
            below = self.root + "/"
            own = ((file, line) for file, line in frames if file.startswith(below))
            return next(((printable(file.removeprefix(below)), line) for file, line in own), None)
        return next(((shown_path(file), line) for file, line in frames if _is_authors(file)), None)

    def _read(self, name: str, most: int) -> bytes | None:
        """The bytes of a plain file that has no other name; None where there is none.

        Raises:
            Unusable: it is none, or larger than ``most``.
        """
        try:
            # without O_NONBLOCK, opening a FIFO waits for somebody to write
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unusable(f"{name} cannot be read: {error.strerror}") from None
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
                raise Unusable(f"{name} is no plain file")
            with os.fdopen(handle, "rb", closefd=False) as file:
                data = file.read(most + 1) if found.st_size <= most else b""
        finally:
            os.close(handle)
        if found.st_size > most or len(data) > most:
            raise Unusable(f"{name} is larger than {most // 2**20 or 1:,} MiB")
        return data


def _is_authors(file: str) -> bool:
    return is_file(file) and not is_library(file) and not is_ours(file)
