"""From what the user calls a model (``net.py:Net``, ``pkg.mod:make_net``) to an instantiated ``nn.Module``.

Here the author's code runs. What it raises becomes a LoadError or a ConstructorError with the author's line;
where nothing has the name that the user gave, the command is wrong: TargetNotFound or UsageError.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import hashlib
import importlib.machinery
import importlib.util
import inspect
import itertools
import os
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, TypeGuard

from modelcheck.author_trace import (
    author_code,
    class_name,
    definition,
    is_file,
    is_library,
    printable,
    shown_path,
)
from modelcheck.errors import ConstructorError, LoadError, UsageError

if TYPE_CHECKING:
    from torch import nn

FORMS = "give a .py file or a module, and a name in it: path/net.py:Net, pkg.mod:Net"
_MOST_LISTED = 20
_FILE_PREFIX = "modelcheck_target_"

_loaded_from_folders: set[str] = set()


class TargetNotFound(UsageError):
    """Nothing has the name that the user gave: no such file, module or attribute."""


@dataclass(frozen=True)
class LoadedModel:
    """A model, the name of its class, and the target that it was loaded from."""

    model: nn.Module
    name: str
    target: str


@dataclass(frozen=True)
class _Place:
    """A target taken apart: ``where`` is what was typed before the colon, and either a file or a module."""

    where: str
    name: str
    file: Path | None = None
    module: str = ""

    def target(self, name: str) -> str:
        """Target for ``name`` in the same place, ready to paste into a shell."""
        text = printable(f"{self.where}:{name}")
        return f'"{text}"' if " " in text else text


def load_model(target: str, arguments: Mapping[str, object] | None = None) -> LoadedModel:
    """Model that ``target`` names, instantiated; what the author's code prints goes to stderr.

    Args:
        target: ``pkg.mod:Net``, ``path/net.py:Net``, a factory or an instance in the same way, or no name at
            all where the file defines exactly one model.
        arguments: keyword arguments for the class or the factory.

    Raises:
        UsageError: the target is malformed, of a kind that cannot be read, or could mean several models.
        TargetNotFound: nothing has that name.
        LoadError: the author's code raised while it was loaded, or what has that name is no model.
        ConstructorError: the arguments do not fit, or the constructor raised.
    """
    place = _parse(target)
    with importable(target), contextlib.redirect_stdout(sys.stderr):
        module = _run_file(place.file) if place.file else _import_module(place)
        value = _named(module, place) if place.name else _only_model(module, place)
        model = _build(value, arguments or {}, place)
    return LoadedModel(model=model, name=class_name(type(model)), target=target)


def parse_arguments(settings: Iterable[str]) -> dict[str, object]:
    """Keyword arguments from ``NAME=VALUE`` settings, whose values are Python literals.

    Raises:
        UsageError: no ``=``, a name that is none, a name given twice, or a value that is no literal.
    """
    arguments: dict[str, object] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        name = name.strip()
        if not equals:
            raise UsageError(f"--arg {printable(setting)}: no '=' in it: --arg NAME=VALUE")
        if not name.isidentifier():
            raise UsageError(f"--arg {printable(setting)}: '{printable(name)}' cannot be an argument's name")
        if name in arguments:
            raise UsageError(f"--arg {name} is given twice: give it once")
        arguments[name] = _literal(name, value.strip())
    return arguments


@contextlib.contextmanager
def importable(target: str) -> Iterator[None]:
    """Make the target's own folder and the current directory importable, as Python does for a script.

    Needed again where a model imports its neighbours in ``forward``. On leaving, ``sys.path``, ``sys.argv``
    and the current directory are what they were.
    """
    # first, so that a file called torch.py in one of the folders is not taken for torch
    import torch  # noqa: F401

    place = _parse(target)
    folders = [str(_current_directory())]
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


def _parse(target: str) -> _Place:
    if not target.strip() or "\0" in target:
        raise UsageError(f"'{printable(target)}' names nothing: {FORMS}")
    # the colon of a name follows the suffix, so that drive letters and colons in folders do no harm
    parts = re.fullmatch(r"(?s)(.+?\.(?:py|ipynb))(?::([^/\\]*))?", target, re.IGNORECASE)
    where, name = (parts[1], parts[2]) if parts else _split_at_colon(target)
    shown = printable(target)
    if where.lower().endswith(".ipynb") or (_looks_like_path(where) and _is_folder(where)):
        raise UsageError(f"{shown}: notebooks and folders cannot be read yet: {FORMS}")
    if name is not None:
        _check_name(name, shown)
    if parts or _looks_like_path(where):
        return _Place(where, name or "", file=_existing_file(_current_directory() / where, shown))
    if not all(where.split(".")) or where != where.strip():
        raise UsageError(f"{shown}: no module's name before the colon: {FORMS}")
    return _Place(where, name or "", module=where)


def _split_at_colon(target: str) -> tuple[str, str | None]:
    where, colon, name = target.rpartition(":")
    return (where, name) if colon and not _looks_like_path(name) else (target, None)


def _looks_like_path(where: str) -> bool:
    return "/" in where or "\\" in where or where in {".", ".."}


def _is_folder(path: str | Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises where a name is too long


def _check_name(name: str, shown: str) -> None:
    if not name:
        raise UsageError(f"{shown}: no name after the colon: {FORMS}")
    if "@" in name:
        raise UsageError(f"{shown}: a line or a cell cannot be chosen yet: give the name alone")
    if "(" in name:
        raise UsageError(f"{shown}: give the name alone, without a call; arguments go into --arg NAME=VALUE")
    if not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"{shown}: '{printable(name)}' cannot be a name in Python: {FORMS}")


def _existing_file(path: Path, shown: str) -> Path:
    """``path``, if there is a file that Python can run."""
    if is_file(path):
        if path.suffix.lower() == ".py":
            return path
        raise UsageError(f"{shown}: files of the kind '{printable(path.suffix)}' cannot be read: {FORMS}")
    if _is_folder(path):
        raise UsageError(f"{shown}: folders cannot be read yet: give a .py file in it")
    try:
        files = {p.stem: p for p in sorted(path.parent.glob("*.py"))}
    except OSError:
        files = {}
    near = _nearest(path.stem, files)
    if near:
        hint = "did you mean " + " or ".join(shown_path(files[name]) for name in near) + "?"
    elif files:
        hint = "there are " + ", ".join(shown_path(p) for p in list(files.values())[:_MOST_LISTED])
    else:
        hint = f"there is no .py file in {shown_path(path.parent)}"
    raise TargetNotFound(f"{shown}: no such file; {hint}")


def _run_file(path: Path) -> ModuleType:
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


def _import_module(place: _Place) -> ModuleType:
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


def _no_such_module(name: str, parent: ModuleType | None, place: _Place) -> str:
    last = name.rpartition(".")[2]
    if parent is not None and last in vars(parent):
        pasted = f"{parent.__name__}:{last}"
        return f"{printable(name)} is no module; did you mean {printable(pasted)}?"
    path = None if parent is None else getattr(parent, "__path__", [])
    near = _nearest(last, (m.name for m in pkgutil.iter_modules(path)))
    prefix = f"{parent.__name__}." if parent is not None else ""
    where = f"in {printable(parent.__name__)}" if parent is not None else "here or installed"
    hint = "; did you mean " + " or ".join(printable(prefix + n) for n in near) + "?" if near else ""
    if is_file(f"{place.module}.py"):
        hint = f"; did you mean {printable(place.module)}.py?"
    return f"{printable(place.where)}: there is no module '{printable(last)}' {where}{hint}"


def _named(module: ModuleType, place: _Place) -> object:
    """Follow the dotted name after the colon."""
    value: object = module
    parts = place.name.split(".")
    for depth, part in enumerate(parts):
        try:
            with author_code(LoadError, f"{printable(place.name)} could not be read", AttributeError):
                value = getattr(value, part)
        except AttributeError as exc:
            holder = ".".join(parts[:depth])
            raise TargetNotFound(_no_such_name(value, holder, part, module, place)) from exc
    return value


def _no_such_name(value: object, holder: str, part: str, module: ModuleType, place: _Place) -> str:
    with author_code(LoadError, f"the names in {printable(place.where)} could not be listed"):
        near = _nearest(part, (n for n in dir(value) if not n.startswith("__")))
    origin = getattr(module, "__file__", None)
    lines = [f"{printable(f'{place.where}:{holder}' if holder else place.where)} has no '{printable(part)}'"]
    if place.module and isinstance(origin, str):
        lines[0] += f" (it was loaded from {shown_path(origin)})"
    if near:
        lines[0] += "; did you mean " + " or ".join(printable(n) for n in near) + "?"
    models = _models_in(module)
    if models:
        lines += ["the models there:", *_listed(models, place)]
    return "\n".join(lines)


def _only_model(module: ModuleType, place: _Place) -> object:
    """Find the one nn.Module class that the module itself, or in a package one of its modules, defines."""
    own = {name: value for name, value in _models_in(module).items() if _defined_in(module, value)}
    if len({id(value) for value in own.values()}) == 1:
        return next(iter(own.values()))
    if own:
        head = f"{printable(place.where)} defines {len(own)} models; say which one:"
        raise UsageError("\n".join([head, *_listed(own, place)]))
    others = _models_in(module)
    head = f"{printable(place.where)} defines no class of nn.Module"
    if others:
        raise TargetNotFound("\n".join([f"{head}; name what is meant:", *_listed(others, place)]))
    example = place.target("make_net")
    raise TargetNotFound(f"{head}; where a function or an object is the model, name it, as in {example}")


def _defined_in(module: ModuleType, value: object) -> bool:
    if not _is_class(value):
        return False
    home = str(vars(value).get("__module__"))
    return home == module.__name__ or ("__path__" in vars(module) and home.startswith(f"{module.__name__}."))


def _models_in(module: ModuleType) -> dict[str, object]:
    """Classes and instances of nn.Module by name, without the classes that torch itself brings."""
    return {
        name: value
        for name, value in vars(module).items()
        if _is_model(value)
        or (_is_model_class(value) and str(vars(value).get("__module__")).partition(".")[0] != "torch")
    }


def _listed(names: Iterable[str], place: _Place) -> list[str]:
    lines = [f"  {place.target(name)}" for name in names]
    more = len(lines) - _MOST_LISTED
    return lines[:_MOST_LISTED] + ([f"  ... and {more} more"] if more > 0 else [])


def _build(value: object, arguments: Mapping[str, object], place: _Place) -> nn.Module:
    """Make a model of what the target names: an instance, a class, or a function that returns one."""
    called = printable(place.name) or (class_name(value) if _is_class(value) else "the target")
    if _is_model(value):
        if arguments:
            raise UsageError(f"{called} is a model already, and takes no arguments: leave --arg away")
        return value
    if not callable(value) or (_is_class(value) and not _is_model_class(value)):
        raise _no_model(called, _kind(value), value)
    args, kwargs = _bind(value, arguments, called)
    with author_code(ConstructorError, f"{called} could not be built"):
        result = value(*args, **kwargs)
    if not _is_model(result):
        returned = f"the class {class_name(result)}" if _is_class(result) else class_name(type(result))
        raise _no_model(called, f"{_kind(value)} that returned {returned}", value)
    return result


def _bind(
    function: Callable[..., object], arguments: Mapping[str, object], called: str
) -> tuple[list[object], dict[str, object]]:
    """Positional and keyword arguments for the call.

    Raises:
        ConstructorError: required arguments are missing, or some are not known.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except KeyboardInterrupt:
        raise
    except BaseException:  # no signature, or one that lies: the call will tell
        return [], dict(arguments)
    file, line = definition(function) or (None, None)
    shown = f"{called}({', '.join(_shown_parameter(p) for p in parameters)})"
    named = {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    unknown = [name for name in arguments if name not in named]
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters):
        near = _nearest(unknown[0], named)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        text = f"{shown} takes no argument '{printable(unknown[0])}'{hint}"
        raise ConstructorError(text, file=file, line=line)
    missing = [p.name for p in parameters if p.name in named - set(arguments) and p.default is p.empty]
    if missing:
        example = " ".join(f"--arg {name}=..." for name in missing)
        text = f"{shown} needs {', '.join(missing)}: give {example}"
        raise ConstructorError(text, file=file, line=line)
    positional = [p for p in parameters if p.kind is p.POSITIONAL_ONLY]
    args = [arguments.get(p.name, p.default) for p in positional]
    taken = {p.name for p in positional}
    return args, {name: value for name, value in arguments.items() if name not in taken}


def _shown_parameter(parameter: inspect.Parameter) -> str:
    """Parameter without its annotation, and with a default only where that is a plain value."""
    if parameter.default is parameter.empty:
        return str(parameter.replace(annotation=parameter.empty))
    default = "..."
    if type(parameter.default) in (bool, int, float, str, type(None)):
        with contextlib.suppress(ValueError):  # an int of more digits than Python likes to print
            default = printable(repr(parameter.default), 40)
    return f"{parameter.name}={default}"


def _no_model(called: str, what: str, value: object) -> LoadError:
    file, line = definition(value) or (None, None)
    return LoadError(f"{called} is no nn.Module: it is {what}", file=file, line=line)


def _kind(value: object) -> str:
    if type(value) is ModuleType:
        return f"the Python module {printable(value.__name__)}: name something in it"
    if _is_class(value):
        return f"class {class_name(value)}, which is not a subclass of nn.Module"
    if type(value) in (FunctionType, BuiltinFunctionType):
        return "a function"
    return f"an object of class {class_name(type(value))}"


# type(value) cannot be deceived; isinstance asks value.__class__, which an object answers as it likes
def _is_class(value: object) -> TypeGuard[type]:
    return issubclass(type(value), type)


def _is_model(value: object) -> TypeGuard[nn.Module]:
    return _is_model_class(type(value))


def _is_model_class(value: object) -> TypeGuard[type[nn.Module]]:
    from torch import nn

    return _is_class(value) and issubclass(value, nn.Module)


def _literal(name: str, value: str) -> object:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        constant = value.capitalize()
        meant = constant if constant in {"True", "False", "None"} else repr(value)
        shown = printable(f'--arg "{name}={meant}"' if meant != constant else f"--arg {name}={meant}")
        text = f"--arg {name}={printable(value)}: the value is no Python literal; did you mean {shown}?"
        raise UsageError(text) from None


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of the known names that resemble ``name``, whatever their case."""
    originals = {candidate.casefold(): candidate for candidate in known}
    return [originals[near] for near in difflib.get_close_matches(name.casefold(), originals, n=3)]


def _current_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as exc:
        raise UsageError("the current directory no longer exists: change to another one") from exc


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
