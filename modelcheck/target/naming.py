"""Finds what the target names in the author's module."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType

from modelcheck.author_trace import author_code, printable, shown_path
from modelcheck.errors import LoadError, UsageError
from modelcheck.target.kinds import is_class, is_model, is_model_class
from modelcheck.target.place import MOST_LISTED, Place, TargetNotFound, nearest


def named(module: ModuleType, place: Place) -> object:
    """What the dotted name after the colon stands for in an imported module."""
    return follow(module, place.name.split("."), place, module)


def follow(value: object, parts: Sequence[str], place: Place, module: ModuleType | None = None) -> object:
    """Follow the last parts of the target's dotted name, from the value of what stands before them."""
    before = place.name.split(".")[: -len(parts)] if parts else []
    for depth, part in enumerate(parts):
        try:
            with author_code(LoadError, f"{printable(place.name)} could not be read", AttributeError):
                value = getattr(value, part)
        except AttributeError as exc:
            holder = ".".join((*before, *parts[:depth]))
            raise TargetNotFound(_no_such_name(value, holder, part, module, place)) from exc
    return value


def _no_such_name(value: object, holder: str, part: str, module: ModuleType | None, place: Place) -> str:
    with author_code(LoadError, f"the names in {printable(place.where)} could not be listed"):
        near = nearest(part, (n for n in dir(value) if not n.startswith("__")))
    origin = getattr(module, "__file__", None)
    lines = [f"{printable(f'{place.where}:{holder}' if holder else place.where)} has no '{printable(part)}'"]
    if place.module and isinstance(origin, str):
        lines[0] += f" (it was loaded from {shown_path(origin)})"
    if near:
        lines[0] += "; did you mean " + " or ".join(printable(n) for n in near) + "?"
    models = _models_in(module) if module is not None else {}
    if models:
        lines += ["the models there:", *_listed(models, place)]
    return "\n".join(lines)


def only_model(module: ModuleType, place: Place) -> object:
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
    if not is_class(value):
        return False
    home = str(vars(value).get("__module__"))
    return home == module.__name__ or ("__path__" in vars(module) and home.startswith(f"{module.__name__}."))


def _models_in(module: ModuleType) -> dict[str, object]:
    """Classes and instances of nn.Module by name, without the classes that torch itself brings."""
    return {
        name: value
        for name, value in vars(module).items()
        if is_model(value)
        or (is_model_class(value) and str(vars(value).get("__module__")).partition(".")[0] != "torch")
    }


def _listed(names: Iterable[str], place: Place) -> list[str]:
    lines = [f"  {place.target(name)}" for name in names]
    more = len(lines) - MOST_LISTED
    return lines[:MOST_LISTED] + ([f"  ... and {more} more"] if more > 0 else [])
