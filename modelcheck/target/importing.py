"""Imports a module by its name, as Python does."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import itertools
import os
import pkgutil
import sys
from collections.abc import Iterator
from types import ModuleType

from modelcheck.author_trace import author_code, is_file, is_library, printable
from modelcheck.errors import LoadError
from modelcheck.target.place import Place, TargetNotFound, current_directory, nearest


@contextlib.contextmanager
def importable(place: Place) -> Iterator[None]:
    """Make the current directory importable, as Python does for ``python -m``.

    Needed for as long as the model may import its neighbours, in ``forward`` too. On leaving, ``sys.path`` is what it
    was, and the modules that came from the current directory are forgotten: another target may have the same names.
    """
    # first, so that a file called torch.py in the directory is not taken for torch
    import torch  # noqa: F401

    folder = str(current_directory())
    importlib.invalidate_caches()
    path, entries, modules = sys.path, list(sys.path), set(sys.modules)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        path[:] = entries
        sys.path = path
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None)
            if isinstance(file, str) and file == _file_of(name, folder) and not is_library(file):
                del sys.modules[name]


def import_module(place: Place) -> ModuleType:
    """Import the module after each package that it lies in, to tell which of them is not there."""
    module: ModuleType | None = None
    for name in itertools.accumulate(place.module.split("."), "{}.{}".format):
        if not _module_exists(name):
            raise TargetNotFound(_no_such_module(name, module, place))
        with author_code(LoadError, f"{printable(name)} could not be loaded"):
            module = importlib.import_module(name)
    assert module is not None, "a target has at least one part"
    return module


def _module_exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # the parent is no package; a module made by hand has no spec
        return sys.modules.get(name) is not None


def _no_such_module(name: str, parent: ModuleType | None, place: Place) -> str:
    last = name.rpartition(".")[2]
    if parent is not None and last in vars(parent):
        pasted = f"{parent.__name__}:{last}"
        return f"{printable(name)} is no module; did you mean {printable(pasted)}?"
    path = None if parent is None else getattr(parent, "__path__", [])
    near = nearest(last, (m.name for m in pkgutil.iter_modules(path)))
    prefix = f"{parent.__name__}." if parent is not None else ""
    where = f"in {printable(parent.__name__)}" if parent is not None else "here or installed"
    hint = "; did you mean " + " or ".join(printable(prefix + n) for n in near) + "?" if near else ""
    if is_file(f"{place.module}.py"):
        hint = f"; did you mean {printable(place.module)}.py?"
    return f"{printable(place.where)}: there is no module '{printable(last)}' {where}{hint}"


def _file_of(name: str, folder: str) -> str | None:
    """File in the folder that ``import name`` would run."""
    base = os.path.join(folder, *name.split("."))  # noqa: PTH118 - as importlib spells it
    return next(filter(is_file, (f"{base}{os.sep}__init__.py", f"{base}.py")), None)
