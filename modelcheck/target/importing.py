"""Runs the author's module: a file under a name of its own, or a module by its name."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.machinery
import importlib.util
import itertools
import os
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from modelcheck.author_trace import author_code, is_file, is_library, printable, shown_path
from modelcheck.errors import LoadError, UsageError
from modelcheck.target.place import Place, TargetNotFound, current_directory, nearest, parse

_FILE_PREFIX = "modelcheck_target_"


_loaded_from_folders: set[str] = set()


@contextlib.contextmanager
def importable(target: str) -> Iterator[None]:
    """Make the target's own folder and the current directory importable, as Python does for a script.

    Needed again where a model imports its neighbours in ``forward``. On leaving, ``sys.path``, ``sys.argv``
    and the current directory are what they were.
    """
    # first, so that a file called torch.py in one of the folders is not taken for torch
    import torch  # noqa: F401

    place = parse(target)
    folders = [str(current_directory())]
    if place.file and str(place.file.parent) not in folders:
        folders.insert(0, str(place.file.parent))
    importlib.invalidate_caches()
    _forget_other_folders(folders)
    path, entries, argv, modules = sys.path, list(sys.path), sys.argv, set(sys.modules)
    sys.path[:0] = folders
    sys.argv = [str(place.file or place.where)]
    try:
        yield
    finally:
        _remember_loaded(set(sys.modules) - modules, folders)
        path[:] = entries
        sys.path, sys.argv = path, argv
        with contextlib.suppress(OSError):  # the author's code may have removed it
            os.chdir(folders[-1])


def run_file(path: Path) -> ModuleType:
    """Execute the file as a module under a name that no other module has."""
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    name = _FILE_PREFIX + re.sub(r"\W", "_", path.stem) + "_" + digest
    try:
        source = path.read_bytes()
    except OSError as exc:
        raise UsageError(f"{shown_path(path)} cannot be read: {exc.strerror}") from exc
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    module = importlib.util.module_from_spec(importlib.machinery.ModuleSpec(name, loader, origin=str(path)))
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        with author_code(LoadError, f"{shown_path(path)} could not be loaded"):
            # compiled here, since the loader could serve, and would leave behind, a cached older version
            exec(compile(source, str(path), "exec", dont_inherit=True), vars(module))
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def import_module(place: Place) -> ModuleType:
    """Import the module after each package that it lies in, to tell which of them is not there."""
    module: ModuleType | None = None
    for name in itertools.accumulate(place.module.split("."), "{}.{}".format):
        if not _module_exists(name):
            raise TargetNotFound(_no_such_module(name, module, place))
        with author_code(LoadError, f"{printable(name)} could not be loaded"):
            module = importlib.import_module(name)
    assert module is not None, "a target has at least one part"
    if "__path__" in vars(module) and vars(module).get("__file__") is None:
        raise UsageError(f"{printable(place.where)}: folders cannot be read yet: give a .py file in it")
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


def _remember_loaded(names: Iterable[str], folders: Sequence[str]) -> None:
    """Note which modules came from the author's folders, for ``_forget_other_folders``."""
    for name in names:
        file = getattr(sys.modules.get(name), "__file__", None)
        if isinstance(file, str) and file == _file_of(name, folders) and not is_library(file):
            _loaded_from_folders.add(name)


def _forget_other_folders(folders: Sequence[str]) -> None:
    """Drop what earlier targets imported from folders of their own.

    Two students may both write ``from blocks import Block``; the second must not get the first one's.
    """
    for name in list(_loaded_from_folders):
        if getattr(sys.modules.get(name), "__file__", None) != _file_of(name, folders):
            sys.modules.pop(name, None)
            _loaded_from_folders.discard(name)


def _file_of(name: str, folders: Sequence[str]) -> str | None:
    """File in one of the folders that ``import name`` would run."""
    bases = [os.path.join(folder, *name.split(".")) for folder in folders]  # noqa: PTH118 - as importlib spells it
    files = (base + end for base in bases for end in (f"{os.sep}__init__.py", ".py"))
    return next(filter(is_file, files), None)
