"""Whether a node's arguments are of the kinds that its operator takes, as torch's own schema has them."""

from __future__ import annotations

from collections.abc import Callable

from modelcheck.graph.operators import schema
from modelcheck.graph.wire import (
    Argument,
    Device,
    DType,
    InputRef,
    MemoryFormat,
    Node,
    NodeRef,
    Scalar,
    Special,
    TensorRef,
    Word,
)


def _is(*kinds: type) -> Callable[[Scalar], bool]:
    return lambda value: type(value) in kinds


# by the names of torch's types; a number may have been computed by a node
_FITS: dict[str, Callable[[Scalar], bool]] = {
    "Tensor": _is(NodeRef, TensorRef, InputRef),
    "int": _is(int, NodeRef),
    "float": _is(int, float, Special, NodeRef),
    "number": _is(bool, int, float, Special, NodeRef),
    "bool": _is(bool),
    "str": _is(Word),
    "Device": _is(Device),
}
# dtypes are plain integers in torch's schemas, and the second operand may be a number
_BY_NAME: dict[str, Callable[[Scalar], bool]] = {
    "dtype": _is(DType),
    "memory_format": _is(MemoryFormat),
    "other": _is(NodeRef, TensorRef, InputRef, bool, int, float, Special),  # x * 2 is mul.Tensor
}


def misfit(node: Node) -> str | None:
    """What is wrong with the node's arguments, in a few words; None where they fit.

    What stands by position in the schema stands by position in a node: facts and aliases are read from there.
    """
    described = schema(node.op)
    if described is None:
        return "takes no arguments by name" if node.kwargs else None
    positional = [argument for argument in described.arguments if not argument.kwarg_only]
    named = {argument.name: argument for argument in described.arguments if argument.kwarg_only}
    least = sum(not argument.has_default_value() for argument in positional)
    if not least <= len(node.args) <= len(positional):
        return f"takes {least} to {len(positional)} arguments, not {len(node.args)}"
    if unknown := [name for name in node.kwargs if name not in named]:
        return f"has no argument {unknown[0][:40]!r} by name"
    pairs = [*zip(positional, node.args, strict=False), *((named[name], value) for name, value in node.kwargs.items())]
    for argument, value in pairs:
        if not _fits(argument.name, str(argument.type), value):
            return f"does not take {str(value)[:80]} as {argument.name!r}"
    return None


def _fits(name: str, kind: str, value: Argument) -> bool:
    if kind.startswith("Optional["):
        return value is None or _fits(name, kind.removeprefix("Optional[").removesuffix("]"), value)
    if kind.startswith("List["):
        kind = kind.removeprefix("List[").removesuffix("]")
        # one number may stand for as many as there are dimensions
        return all(_fits(name, kind, one) for one in value) if isinstance(value, list) else _fits(name, kind, value)
    if isinstance(value, list):
        return False
    fits = _BY_NAME.get(name) or _FITS.get(kind)
    return fits is not None and fits(value)
