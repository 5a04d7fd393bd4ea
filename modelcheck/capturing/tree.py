"""The module tree as it is, walked by the three dictionaries that torch itself stores in.

A class may override ``parameters()``, ``named_modules()`` and the like, by accident or to deceive; what torch registers
lies in ``_parameters``, ``_buffers`` and ``_modules`` all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, cast

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _AvgPoolNd
from torch.nn.parameter import is_lazy

from modelcheck.graph.wire import ModuleKind

_BOOKKEEPING = (
    "parameters",
    "named_parameters",
    "buffers",
    "named_buffers",
    "children",
    "named_children",
    "modules",
    "named_modules",
    "_named_members",
    "state_dict",
    "train",
    "eval",
    "apply",
    "get_parameter",
    "get_buffer",
    "get_submodule",
)

MOST_PATHS = 2**14  # beside the first ones: modules that hold each other twice have 2ⁿ


def stored(module: nn.Module, kind: str) -> dict[str, Any]:
    """The dictionary in which a module stores its ``_parameters``, ``_buffers`` or ``_modules``."""
    entries: Any = dict(getattr(module, kind).items()) if is_script(module) else own_attributes(module).get(kind)
    if not issubclass(type(entries), dict):
        return {}
    wanted = nn.Module if kind == "_modules" else torch.Tensor
    # issubclass of the type, since isinstance would ask the author's object
    return {wire_text(name): value for name, value in dict.items(entries) if issubclass(type(value), wanted)}


def is_script(module: nn.Module) -> bool:
    """Whether it was scripted or traced: what it holds and runs lies outside of Python, its modules' copies too."""
    return issubclass(type(module), torch.jit.ScriptModule)


def own_attributes(module: nn.Module) -> dict[str, Any]:
    """The module's ``__dict__``, past its own ``__getattribute__``."""
    own: dict[str, Any] = object.__getattribute__(module, "__dict__")
    return own


def class_attributes(kind: type) -> MappingProxyType[str, Any]:
    """The class's own ``__dict__``, without asking a metaclass for it."""
    own: MappingProxyType[str, Any] = type.__dict__["__dict__"].__get__(kind)
    return own


def wire_text(name: object) -> str:
    """A name of the author's as an exact str that UTF-8 can write, of 1000 characters at most."""
    text = str.__str__(cast(str, name)) if issubclass(type(name), str) else type(name).__name__
    return text[:1000].encode("utf-8", "replace").decode("utf-8")


def walk(root: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Each module of the tree once, with the first path that leads to it; the root's is empty."""
    seen: set[int] = set()
    stack: list[tuple[str, nn.Module]] = [("", root)]
    while stack:
        path, module = stack.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        yield path, module
        children = stored(module, "_modules").items()
        stack.extend((f"{path}.{name}" if path else name, child) for name, child in reversed(list(children)))


def further_paths(root: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The paths that lead to a module of the tree beside its first one; the state dict has all of them."""
    first = {id(module): path for path, module in walk(root)}
    stack: list[tuple[str, nn.Module, frozenset[int]]] = [("", root, frozenset())]
    found = 0
    while stack and found < MOST_PATHS:
        path, module, above = stack.pop()
        if id(module) in above:
            continue
        if first[id(module)] != path:
            found += 1
            yield path, module
        children, above = reversed(list(stored(module, "_modules").items())), above | {id(module)}
        stack.extend((f"{path}.{name}" if path else name, child, above) for name, child in children)


def tensors(root: nn.Module) -> Iterator[torch.Tensor]:
    """The registered parameters and buffers of the tree, each as often as it is registered."""
    for _, module in walk(root):
        yield from stored(module, "_parameters").values()
        yield from stored(module, "_buffers").values()


def device_of(root: nn.Module) -> torch.device:
    """Where the first registered tensor is; the CPU where there is none."""
    with torch._C.DisableTorchFunctionSubclass():
        return next((tensor.device for tensor in tensors(root)), torch.device("cpu"))


def declared_kind(module: nn.Module) -> ModuleKind:
    """What the module's true class makes of it, whatever ``__class__`` says."""
    kinds = type(module).__mro__
    if _BatchNorm in kinds:
        return "batch-norm"
    if _DropoutNd in kinds:
        return "dropout"
    if nn.Linear in kinds:
        return "linear"
    if _AdaptiveAvgPoolNd in kinds and _pools_to_one(module):
        return "global-average-pool"
    return "average-pool" if _AvgPoolNd in kinds else "other"


def _pools_to_one(module: nn.Module) -> bool:
    size = module.__dict__.get("output_size")
    sides: Any = size if type(size) in (tuple, list) else [size]
    return all(type(side) is int and side == 1 for side in sides)


@contextmanager
def plain_bookkeeping(root: nn.Module) -> Iterator[None]:
    """Within it, every module's bookkeeping methods are nn.Module's own, as torch.export needs them to be."""
    changed: list[tuple[nn.Module, type, dict[str, Any]]] = []
    plain: dict[type, type] = {}
    swapped = _plain_tensors(root)
    try:
        for _, module in walk(root):
            own = own_attributes(module)
            hidden = {name: own.pop(name) for name in _BOOKKEEPING if name in own}
            changed.append((module, type(module), hidden))
            _give_class(module, plain)
        yield
    finally:
        for entries, name, tensor in swapped:
            entries[name] = tensor
        for module, kind, hidden in changed:
            if type(module) is not kind:
                object.__setattr__(module, "__class__", kind)
            own_attributes(module).update(hidden)


def _plain_tensors(root: nn.Module) -> list[tuple[dict[str, Any], str, torch.Tensor]]:
    """Put plain tensors on the same memory in the place of subclasses, which may answer what they like.

    Returns what was there before. Subclasses that wrap other tensors have no memory of their own and stay.
    """
    swapped: list[tuple[dict[str, Any], str, torch.Tensor]] = []
    ordinary = (torch.Tensor, nn.Parameter, nn.Buffer)
    for _, module in walk(root):
        for kind in ("_parameters", "_buffers"):
            entries: Any = own_attributes(module).get(kind)
            for name, tensor in entries.items() if issubclass(type(entries), dict) else ():
                if (
                    not issubclass(type(tensor), torch.Tensor)
                    or type(tensor) in ordinary
                    or is_lazy(tensor)
                    or _dispatches(tensor)
                ):
                    continue
                with torch._C.DisableTorchFunctionSubclass():
                    values = tensor.detach().as_subclass(torch.Tensor)
                    trained = tensor.requires_grad
                swapped.append((entries, name, tensor))
                entries[name] = nn.Parameter(values, requires_grad=trained) if kind == "_parameters" else values
    return swapped


def _dispatches(tensor: torch.Tensor) -> bool:
    return type(tensor).__torch_dispatch__ is not torch.Tensor.__torch_dispatch__


def _give_class(module: nn.Module, plain: dict[type, type]) -> None:
    kind = type(module)
    if kind not in plain:
        overridden = [
            name
            for name in _BOOKKEEPING
            if hasattr(nn.Module, name)
            and getattr(kind, name, None) is not getattr(nn.Module, name)
            and not kind.__module__.startswith("torch.")
        ]
        plain[kind] = kind
        if overridden:
            methods = {name: nn.Module.__dict__[name] for name in overridden if name in nn.Module.__dict__}
            plain[kind] = type.__new__(type(kind), kind.__name__, (kind,), {**methods, "__module__": kind.__module__})
    if plain[kind] is not kind:
        # some layouts (slots, C bases) cannot be exchanged; torch.export then decides whether it can cope
        try:
            object.__setattr__(module, "__class__", plain[kind])
        except TypeError:
            plain[kind] = kind
