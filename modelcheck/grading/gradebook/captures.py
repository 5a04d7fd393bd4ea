"""What became of one capture: a file, or the reason why there is none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from modelcheck.errors import AuthorError
from modelcheck.facts.structs import Layer
from modelcheck.facts.walked import Walked, WalkedFacts
from modelcheck.grading.records import Sandboxed
from modelcheck.origin import Origin


class CaptureFile(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", tag="captured"):
    """The capture's bytes: their SHA-256 in hexadecimal, and how many they are."""

    sha256: str
    size: int

    @classmethod
    def of(cls, data: bytes) -> CaptureFile:
        """What is to be remembered of a capture's bytes."""
        return cls(sha256=hashlib.sha256(data).hexdigest(), size=len(data))


class CaptureFailure(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", tag="failed"):
    """Why there is no capture, and what a walk over the modules told where forward runs."""

    code: str
    message: str
    file: str | None = None
    line: int | None = None
    walked: WalkedFacts | None = None
    layers: tuple[Layer, ...] = ()

    @classmethod
    def of(cls, failed: AuthorError | Walked) -> CaptureFailure:
        """What is to be remembered of a failure."""
        walked = failed if isinstance(failed, Walked) else None
        error = failed.failure if isinstance(failed, Walked) else failed
        return cls(
            code=error.code,
            message=error.message,
            file=error.file,
            line=error.line,
            walked=walked.facts if walked else None,
            layers=walked.layers if walked else (),
        )

    def error(self) -> AuthorError:
        """The author's error, as the rules take it: they go by its code."""
        error = AuthorError(self.message, file=self.file, line=self.line)
        error.code = self.code
        return error


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """The weights that were handed in and that the capture holds.

    Args:
        file: which, as the submission calls it; None where there are none that can be scored, and ``problem`` says why.
        normalize: whether they want normalised pictures, as their file says.
    """

    file: str | None = None
    normalize: bool = True
    problem: str | None = None


class CaptureRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One capture in a sandbox; ``seconds`` is the time that it took. Without ``weights`` it has its author's first."""

    result: CaptureFile | CaptureFailure
    origin: Origin | None = None
    weights: Weights | None = None
    seconds: float
    sandboxed: Sandboxed


def capture_file_is(record: CaptureRecord, path: Path) -> bool:
    """Whether the file holds the recorded capture, to the byte; False where there is no such file, or no capture."""
    if not isinstance(record.result, CaptureFile):
        return False
    try:
        with path.open("rb") as file:
            if path.stat().st_size != record.result.size:
                return False
            return hashlib.file_digest(file, "sha256").hexdigest() == record.result.sha256
    except OSError:
        return False
