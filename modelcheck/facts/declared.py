"""What the author's modules claim about themselves; shown as such."""

from __future__ import annotations

from collections.abc import Iterable

from modelcheck.facts.structs import Unregistered
from modelcheck.graph.wire import Header

# empty ones are no module that somebody forgot to call
_CONTAINERS = ("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict")


def unused_modules(header: Header, read: Iterable[int]) -> tuple[str, ...]:
    """Registered and never called: the topmost modules of which no part ran and no weight is read.

    Args:
        header: says which modules ran.
        read: the tensors that are read.
    """
    owners = {path.rpartition(".")[0] for index in read for path in header.tensors[index].paths}
    alive: set[str] = {""}
    for path in owners | {module.path for module in header.modules if module.called}:
        while path and path not in alive:
            alive.add(path)
            path = path.rpartition(".")[0]
    parents = {module.path.rpartition(".")[0] for module in header.modules if module.path}
    idle = [module for module in header.modules if module.path not in alive]
    return tuple(
        module.path
        for module in idle
        if module.path.rpartition(".")[0] in alive and not (module.path not in parents and module.type in _CONTAINERS)
    )


def unregistered(header: Header) -> tuple[Unregistered, ...]:
    """Held past torch's registration."""
    return tuple(
        Unregistered(
            path=one.path,
            attribute=one.attribute,
            holder=one.holder,
            type=one.type,
            parameters=one.parameters,
        )
        for one in header.unregistered
    )
