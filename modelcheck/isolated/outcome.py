"""What became of an isolated process: its capture, or one clear error."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelcheck.errors import AuthorError, Crashed, MemoryLimit, TimeLimit, UsageError
from modelcheck.facts.walked import Walked
from modelcheck.inputs import Inputs
from modelcheck.isolated.protocol import Failed, Limits, Refused
from modelcheck.isolated.results import Results, Unusable
from modelcheck.isolated.watching import Ended
from modelcheck.origin import Origin

if TYPE_CHECKING:
    from modelcheck.graph.capture import Capture


class NotFoundThere(UsageError):
    """The process says that nothing has the target's name, which may be all that its author wants to be believed."""


@dataclass(frozen=True)
class Outcome:
    """What was seen of the process and what it left; its exit status and what it printed decide nothing."""

    target: str
    ended: Ended
    results: Results
    limits: Limits

    def captured(self, inputs: Inputs | None) -> tuple[Capture | Walked, Origin | None]:
        """The capture, for the inputs that were asked for, and where the model came from.

        Where the process says that there is none, it is what it tells of a walk over the modules.

        Raises:
            NotFoundThere: the process says that nothing has the target's name.
            UsageError: it was never ready.
            AuthorError: there is no capture; a limit that was exceeded goes before anything that the process says.
        """
        if not self.ended.started:
            raise self._never_ready()
        if self.ended.stopped == "time":
            raise self._too_long(f"{self.limits.wall_s:g} s")
        if self.ended.stopped == "memory":
            raise self._too_much()
        try:
            answer = self.results.answer()
            if answer is None:
                raise self._died()
            if isinstance(answer, Refused):
                raise NotFoundThere(f"{answer.message} (so says the process of {self.target})")
            if isinstance(answer, Failed):
                failure = _error_class(answer.code)(answer.message, file=answer.file, line=answer.line)
                if answer.walked:
                    return Walked(failure, answer.walked, answer.layers), answer.origin
                raise failure
            return self.results.capture(inputs), answer.origin
        except Unusable as error:
            raise Crashed(
                f"the process of {self.target} left no usable result: {error}\n"
                "It is written last and by modelcheck; look for code that writes to files or descriptors not its own"
            ) from None

    def _never_ready(self) -> UsageError:
        python = Path(sys.executable).name
        return UsageError(
            f"no process could be made ready for {self.target}: {self._end()}. "
            f"`{python} -I -c 'import torch, modelcheck'` must work"
        )

    def _too_long(self, limit: str) -> TimeLimit:
        at, file, line = self._place()
        return TimeLimit(
            f"{self.target} was stopped after {limit}, which is the limit{at}\n"
            "A model is loaded, built and run a few times: look for a loop that does not end, a training or a download "
            "that starts by itself, and a wait for input",
            file=file,
            line=line,
        )

    def _too_much(self) -> MemoryLimit:
        return MemoryLimit(
            f"{self.target} was stopped at {self.ended.peak_mib:,} MiB of memory; the limit is "
            f"{self.limits.memory_mib:,} MiB\n"
            "Look for sizes with too many digits, lists that only grow, and data sets that are loaded"
        )

    def _died(self) -> AuthorError:
        if self._used_its_time():
            return self._too_long(f"{self.limits.cpu_s} s of processor time")
        at, file, line = self._place()
        if self.ended.status == -signal.SIGKILL:
            advice = "Something killed it; where the machine ran out of memory, that was the system"
        else:
            advice = "Look for os._exit(), native code that fails, and recursion in it"
        text = f"the process of {self.target} ended without a result: {self._end()}{at}\n{advice}"
        return Crashed(text, file=file, line=line)

    def _used_its_time(self) -> bool:
        if self.ended.status == -signal.SIGXCPU:
            return True
        return self.ended.status == -signal.SIGKILL and self.ended.cpu_s > self.limits.cpu_s

    def _end(self) -> str:
        if self.ended.stopped:
            return "it took too long"
        if self.ended.status >= 0:
            return f"it ended with status {self.ended.status}"
        try:
            return f"it died of {signal.Signals(-self.ended.status).name}"
        except ValueError:
            return f"it died of signal {-self.ended.status}"

    def _place(self) -> tuple[str, str | None, int | None]:
        """Where it was, in words and as file and line."""
        file, line = self.results.place() or (None, None)
        return (f"; it was at {file}, line {line}" if file else ""), file, line


def _error_class(code: str) -> type[AuthorError]:
    """The error that has that code; the first of several is the plain one.

    That a process was stopped is not for it to say; that it had no more memory is.
    """
    if code in (TimeLimit.code, Crashed.code):
        return Crashed
    return next((kind for kind in AuthorError.__subclasses__() if kind.code == code), Crashed)
