"""The trusted side of an isolated capture: starts the process, and says what became of it."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelcheck.author_trace import printable
from modelcheck.errors import UsageError
from modelcheck.facts.walked import Walked
from modelcheck.files import remove_folder
from modelcheck.inputs import Inputs
from modelcheck.isolated.outcome import Outcome
from modelcheck.isolated.protocol import Limits, Request, shown_line
from modelcheck.isolated.results import Results
from modelcheck.isolated.watching import Ended, run_watched
from modelcheck.origin import Origin, Pick

if TYPE_CHECKING:
    from modelcheck.graph.capture import Capture

# -I: neither the current directory nor PYTHON* nor the user's own packages decide what the process imports of ours.
# Where this modelcheck lies comes before what is installed, for one in a checkout or installed for one user only.
_START = """
import sys
home = sys.argv[1]
if home not in sys.path:
    sys.path.insert(next((n for n, path in enumerate(sys.path) if path.endswith("-packages")), len(sys.path)), home)
"""
_CHILD = """
from modelcheck.isolated.child import main
main(int(sys.argv[2]))
"""
HOME = str(Path(__file__).parent.parent.parent)  # what modelcheck is imported from
_LONGEST_LINE = 400


def capture_isolated(
    target: str,
    inputs: Inputs | None,
    arguments: Mapping[str, object] | None = None,
    seed: int = 0,
    pick: Pick | None = None,
    limits: Limits | None = None,
    *,
    directory: Path | None = None,
    tells: bool = True,
) -> tuple[Capture | Walked, Origin | None]:
    """The capture of what the target names, and where it came from; the author's code runs in a process of its own.

    Only the capture is believed, after the checks that every capture gets. What else comes back is the author's
    claim, shown and deciding nothing: a submission that forges its result has handed in another model, which is
    counted, trained and scored as that, or another way to have failed.

    Args:
        target: a TARGET; a relative one is relative to the directory.
        inputs: what the model takes; None where it is to be inferred.
        arguments: for the constructor; Python literals.
        seed: of the initialisation.
        pick: which of several candidates to take; None where that is an error.
        limits: on the process.
        directory: where the process runs; the current directory where there is none.
        tells: whether what it printed is passed on.
    Raises:
        UsageError: nothing has that name (which is the process's claim as well), or no process can be had.
        AuthorError: the author's code could not be loaded, captured or run, exceeded a limit, or ended its process.
    """
    _check_platform()
    limits = limits or Limits()
    with _folder() as (folder, handle):
        path = tuple(one for one in sys.path if one.isprintable() and one)  # what is no UTF-8 is no JSON
        request = encoded_request(target, inputs, arguments, seed, pick, folder, path, limits)
        ended = run_watched(own_python(_CHILD), request, limits, directory)
        if tells:
            _pass_on(ended, target)
        results = Results(handle, limits, None if directory is None else str(directory.resolve()))
        return Outcome(printable(target), ended, results, limits).captured(inputs)


def _check_platform() -> None:
    if importlib.util.find_spec("resource") is None:
        raise UsageError(f"isolated needs limits on processes, which {sys.platform} does not have: use Linux or macOS")
    if not sys.executable:
        raise UsageError("isolated starts Python again, and this one does not know its own file (sys.executable)")


@contextlib.contextmanager
def _folder() -> Iterator[tuple[str, int]]:
    """A fresh private folder, its path and a handle on it; removed in the end."""
    path = tempfile.mkdtemp(prefix="modelcheck-")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield path, handle
        finally:
            os.close(handle)
    finally:
        remove_folder(path)


def own_python(code: str) -> list[str]:
    """The command that runs the code in a Python that finds modelcheck; what is added to it follows in ``sys.argv``."""
    return [sys.executable, "-I", "-c", _START + code, HOME]


def encoded_request(
    target: str,
    inputs: Inputs | None,
    arguments: Mapping[str, object] | None,
    seed: int,
    pick: Pick | None,
    folder: str,
    path: tuple[str, ...],
    limits: Limits,
) -> bytes:
    """The bytes of a Request.

    Raises:
        UsageError: an argument is no literal, or the target's name is none that can be told.
    """
    request = Request(
        target=target,
        inputs=inputs,
        arguments={name: _literal(name, value) for name, value in (arguments or {}).items()},
        seed=seed,
        pick=pick,
        folder=folder,
        path=path,
        limits=limits,
    )
    try:
        data = msgspec.json.encode(request)
        msgspec.json.decode(data, type=Request)
    except (UnicodeEncodeError, TypeError, msgspec.MsgspecError) as error:
        raise UsageError(f"{printable(target)} cannot be told to another process: {error}") from None
    return data


def _literal(name: str, value: object) -> str:
    """The value as Python writes it.

    Raises:
        UsageError: that is no literal, or stands for another value.
    """
    try:
        text = repr(value)
        if ast.literal_eval(text) == value:
            return text
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    raise UsageError(f"the argument {name} is no Python literal, and another process can be told nothing else")


def _pass_on(ended: Ended, target: str) -> None:
    """Tell on stderr what the process printed: its end, with every line marked as not ours."""
    if not ended.printed or sys.stderr is None:
        return
    cut = f" {ended.printed_bytes:,} bytes, in the end" if ended.printed_bytes > len(ended.printed) else ""
    print(f"modelcheck: the process of {printable(target)} printed{cut}:", file=sys.stderr)
    for line in ended.printed.decode("utf-8", "backslashreplace").splitlines():
        print(f"  | {shown_line(line, _LONGEST_LINE)}", file=sys.stderr)
