"""What can go wrong, and the exit status that goes with it.

Every error carries a text made for the person who has to act on it: what was expected, what was found, where, and
what to do next. None of them is ever shown with a traceback.
"""

from __future__ import annotations


class ModelcheckError(Exception):
    """Base of all errors that modelcheck raises on purpose; ``exit_status`` is the command's."""

    exit_status = 4


class UsageError(ModelcheckError):
    """The command, the policy or a file that the user named is wrong, or nothing has that name."""

    exit_status = 2


class AuthorError(ModelcheckError):
    """The author's code could not be loaded, captured or run.

    Args:
        message: what happened, in one or a few lines.
        file: the author's file, where known.
        line: the line in that file, where known.
    """

    exit_status = 3
    code = "MC001"

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line


class LoadError(AuthorError):
    """The target's code raised, or what it holds is no model (MC001)."""


class ConstructorError(AuthorError):
    """The model's class needs arguments that were not given (MC002)."""

    code = "MC002"


class ForwardError(AuthorError):
    """The model's forward fails on the declared input (MC003)."""

    code = "MC003"


class NotCapturable(AuthorError):
    """The model runs, and its graph cannot be captured (MC004)."""

    code = "MC004"


class UnsafeSubmission(AuthorError):
    """An archive or a folder holds links that lead out of it, paths that do, or far too much (MC606)."""

    code = "MC606"


class NoModel(AuthorError):
    """Nothing in the file or folder is a model (MC604)."""

    code = "MC604"


class AmbiguousModel(AuthorError):
    """Several models could be meant; the text lists them as targets (MC605)."""

    code = "MC605"


class TimeLimit(AuthorError):
    """The isolated process took longer than it may (MC601)."""

    code = "MC601"


class MemoryLimit(AuthorError):
    """The isolated process wanted more memory than it may have (MC602)."""

    code = "MC602"


class Crashed(AuthorError):
    """The isolated process ended without a result: by a signal, or because the author's code ended it (MC603)."""

    code = "MC603"


class DamagedCapture(AuthorError):
    """A capture file is truncated, malformed, or asks for something that is not allowed (MC001)."""
