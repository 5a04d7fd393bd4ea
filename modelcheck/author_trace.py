"""Where in the author's code something went wrong, and what it said, in words that are safe to show."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

from modelcheck.errors import AuthorError, LoadError

LONGEST_TEXT = 500
# what some well-known packages are called where one installs them
_DISTRIBUTIONS = {
    "cv2": "opencv-python",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}
# what everybody calls these, and how one gets them
_USUAL = {
    "torch": "import torch",
    "nn": "import torch.nn as nn",
    "F": "import torch.nn.functional as F",
    "np": "import numpy as np",
    "math": "import math",
    "torchvision": "import torchvision",
}
_INSTALLED = {"site-packages", "dist-packages"}
_LABELS: dict[Path, str] = {}  # folders that are shown under another name


class DefinitionFailed(Exception):
    """Carries an exception of the author's, its cause, past Python, which would take it for a name's absence."""


def actual(exc: BaseException) -> BaseException:
    """The author's own exception."""
    while type(exc) is DefinitionFailed and exc.__cause__ is not None:
        exc = exc.__cause__
    return exc


@contextlib.contextmanager
def author_code(error: type[AuthorError], failed: str, *allowed: type[BaseException]) -> Iterator[None]:
    """Turn whatever the author's code raises in the block into ``error``; a Ctrl-C stays one.

    Args:
        error: what to raise, with the author's file and line in its text and its attributes.
        failed: the text's beginning, such as "net.py could not be loaded".
        allowed: exceptions to leave alone.
    """
    try:
        yield
    except BaseException as exc:
        if isinstance(exc, (KeyboardInterrupt, *allowed)):
            raise
        if isinstance(actual(exc), ImportError):
            error = LoadError  # what is not installed cannot be loaded, whenever it is asked for
        file, line = author_frame(exc) or (None, None)
        at = f"{file}, line {line}: " if file else ""
        text = f"{failed}: {at}{describe_exception(exc)}{_advice(exc, file)}"
        raise error(text, file=file, line=line) from exc


def author_frame(exc: BaseException) -> tuple[str, int] | None:
    """File and line in the author's code where ``exc`` was raised; None where no frame tells.

    The innermost frame in code that is neither installed nor Python's nor modelcheck's; where there is none,
    the innermost that is not modelcheck's. The file is shortened as by ``shown_path``. A syntax error lies in
    the file that could not be compiled, which has no frame.
    """
    chosen = raw_frame(exc)
    return (shown_path(chosen[0]), chosen[1]) if chosen else None


def raw_frame(exc: BaseException) -> tuple[str, int] | None:
    """The same with the file as Python knows it."""
    exc = actual(exc)
    if isinstance(exc, SyntaxError) and exc.filename and exc.lineno and _is_code(exc.filename):
        return exc.filename, exc.lineno
    frames = [(f.f_code.co_filename, line) for f, line in traceback.walk_tb(exc.__traceback__)]
    frames = [(file, line) for file, line in reversed(frames) if _is_code(file) and not is_ours(file)]
    return next((frame for frame in frames if not is_library(frame[0])), frames[0] if frames else None)


def describe_exception(exc: BaseException) -> str:
    """``"TypeError: what it says"`` on one line of about 500 characters at most; never raises.

    An exception whose ``__str__`` raises is told by its type alone.
    """
    exc = actual(exc)
    name = class_name(type(exc))
    try:
        # an exact str: a subclass of str could bring methods of its own; a syntax error's names its place again
        own = isinstance(exc, SyntaxError) and type(exc) in (SyntaxError, IndentationError, TabError)
        said = exc.msg if own and isinstance(exc, SyntaxError) and type(exc.msg) is str else str(exc)
        text = printable(str.__str__(said))
    except KeyboardInterrupt:
        raise
    except BaseException:
        return f"{name} (its message cannot be read)"
    return f"{name}: {text}" if text else name


def is_memory_error(exc: BaseException) -> bool:
    """Whether it says that there is no more memory, in Python's words or in those of torch's allocator."""
    if isinstance(exc, MemoryError):
        return True
    return type(exc) is RuntimeError and "can't allocate memory" in describe_exception(exc)


def definition(value: object) -> tuple[str, int] | None:
    """File and line where the author wrote the function, or the constructor of the class."""
    function = getattr(value, "__init__", None) if issubclass(type(value), type) else value
    if type(function) is not FunctionType:  # isinstance would ask the author's object
        return None
    code = function.__code__
    found = _is_code(code.co_filename) and not is_library(code.co_filename)
    return (shown_path(code.co_filename), code.co_firstlineno) if found else None


def class_name(cls: type) -> str:
    """Name of the class, safe to show, without asking a metaclass for it."""
    return printable(type.__dict__["__name__"].__get__(cls))


def printable(text: str, limit: int = LONGEST_TEXT) -> str:
    """``text`` on one line: line breaks become spaces, other control and formatting characters escapes."""
    shortened = text[:limit] + (" ..." if len(text) > limit else "")
    line = re.sub(r"\s*[\t\r\n]\s*", " ", shortened).strip()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def shown_path(path: str | Path) -> str:
    """``path`` relative to the current directory where it lies below it, otherwise as it is; safe to show.

    A file below a folder that ``shown_as`` labels is named as below the label, and a cell of the notebook that runs
    this as its errors name it: ``In[3]``.
    """
    if cell := _running_cell(path):
        return cell
    for folder, label in list(_LABELS.items()):
        if Path(path).is_relative_to(folder):
            return printable("/".join([label, *Path(path).relative_to(folder).parts]))
    try:
        return printable(str(Path(path).relative_to(Path.cwd())))
    except (OSError, ValueError):
        return printable(str(path))


@contextlib.contextmanager
def shown_as(folder: Path, label: str) -> Iterator[None]:
    """Let ``shown_path`` name what lies in ``folder`` as if it lay in ``label``, in every thread, within the block."""
    ways = {folder.absolute(), folder.resolve()}  # a temporary folder is often reached through a link
    _LABELS.update(dict.fromkeys(ways, label))
    try:
        yield
    finally:
        for way in ways:
            _LABELS.pop(way, None)


def is_library(path: str | Path) -> bool:
    """Whether the file is installed code, Python's own or torch's, and so not the author's."""
    path = Path(path)
    torch_file = getattr(sys.modules.get("torch"), "__file__", None)  # a torch built from source lies anywhere
    return (
        not _INSTALLED.isdisjoint(path.parts)
        or path.is_relative_to(sysconfig.get_path("stdlib"))
        or path.is_relative_to(sysconfig.get_path("platstdlib"))
        or (torch_file is not None and path.is_relative_to(Path(torch_file).parent))
    )


def is_file(path: str | Path) -> bool:
    """Whether there is such a file; a name that cannot be a file's, such as ``<string>``, is none."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a name is too long


def _is_code(file: str) -> bool:
    """Whether code of that name comes from a file, or from a notebook's cell (``book.ipynb, cell 7``)."""
    within = re.sub(r"(?<=\.ipynb), cell \d+$", "", file, flags=re.IGNORECASE)
    return is_file(file) or is_file(within) or _running_cell(file) is not None


def _running_cell(path: str | Path) -> str | None:
    """What IPython calls the cell whose code has that file's name; None where it is no cell's."""
    try:
        shell = sys.modules["IPython"].get_ipython()
        _, name = shell.compile.format_code_name(str(path))
    except Exception:  # it is absent or no shell, or knows no such cell
        return None
    return printable(str(name))


def is_ours(file: str) -> bool:
    """Whether the file is modelcheck's own."""
    return Path(file).is_relative_to(Path(__file__).parent)


def _advice(exc: BaseException, file: str | None) -> str:
    """Say what helps, for the failures that beginners meet most."""
    exc = actual(exc)
    if type(exc) is NameError and file:
        usual = _USUAL.get(exc.name) if isinstance(exc.name, str) else None
        return f"; nothing at the top level of {file} defines it" + (f": add {usual}" if usual else "")
    if isinstance(exc, EOFError):
        return "; nobody is there to answer input(): write the value into the code"
    if isinstance(exc, SystemExit):
        return '; what is only to run as a script belongs under `if __name__ == "__main__":`'
    if isinstance(exc, AttributeError) and "before Module.__init__() call" in describe_exception(exc):
        return "; the constructor must call super().__init__() first"
    if isinstance(exc, ModuleNotFoundError) and isinstance(exc.name, str):
        top = exc.name.partition(".")[0]
        if top not in sys.modules and not _can_be_found(top):
            package = printable(_DISTRIBUTIONS.get(top, top))
            return f"; if that is a package: pip install {package}; if it is a file: put it into the folder"
    if isinstance(exc, ImportError) and file and "attempted relative import" in describe_exception(exc):
        module = f"{Path(file).absolute().parent.name}.{Path(file).stem}"
        return f"; a file of a package is given as a module, from the folder above it: {printable(module)}"
    return ""


def _can_be_found(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
