"""The operators that a policy can name, and how they are known in the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Literal

from modelcheck.facts.flow import MODEL_INPUT, Flow, Operator

OperatorName = Literal[
    "depthwise", "grouped", "dilated", "strided-convolution", "transposed-convolution", "1x1-convolution", "max-pool",
    "average-pool", "attention", "recurrent", "embedding", "layer-norm", "group-norm", "instance-norm", "rms-norm",
    "residual-add", "concatenation", "upsampling",
]  # fmt: skip

_WEIGHTED = ("convolution", "linear", "product", "attention", "recurrent")
_FARTHEST = 200  # operators that are looked at before an addition, for what came to it by both ways


def operators_named(flow: Flow, name: OperatorName) -> tuple[Operator, ...]:
    """The live operators of a flow that a policy calls by that name."""
    is_one = _KNOWN[name]
    return tuple(one for one in flow.used if one.live and is_one(flow, one))


def _numbers(operator: Operator, name: str) -> tuple[int, ...]:
    """A convolution's stride or dilation, one for each side or one for all."""
    value = operator.arguments.get(name, 1)
    return tuple(value) if isinstance(value, list | tuple) else (value,) if isinstance(value, int) else (1,)


def _kernel(operator: Operator) -> tuple[int, ...]:
    weight = operator.weights.get("weight")
    return weight.shape[2:] if weight else ()


def _is_transposed(operator: Operator) -> bool:
    return "transpose" in operator.name or operator.arguments.get("transposed") is True


def _is_plain(operator: Operator) -> bool:
    return operator.kind == "convolution" and not _is_transposed(operator)


def _groups(operator: Operator) -> int:
    groups = operator.arguments.get("groups", 1)
    return groups if operator.kind == "convolution" and isinstance(groups, int) else 1


def _is_depthwise(flow: Flow, operator: Operator) -> bool:
    return _groups(operator) > 1 and _groups(operator) == operator.input_shapes[0][1]


def _is_grouped(flow: Flow, operator: Operator) -> bool:
    return _groups(operator) > 1 and not _is_depthwise(flow, operator)


def _is_dilated(flow: Flow, operator: Operator) -> bool:
    """A step of more than one between the weights of a kernel that has more than one."""
    steps, kernel = _numbers(operator, "dilation"), _kernel(operator)
    steps = steps * len(kernel) if len(steps) == 1 else steps
    wide = any(step > 1 and side > 1 for step, side in zip(steps, kernel, strict=False))
    return operator.kind == "convolution" and wide


def _is_strided(flow: Flow, operator: Operator) -> bool:
    return _is_plain(operator) and any(step > 1 for step in _numbers(operator, "stride"))


def _is_pointwise(flow: Flow, operator: Operator) -> bool:
    kernel = _kernel(operator)
    return _is_plain(operator) and bool(kernel) and set(kernel) == {1}


def _is_attention(flow: Flow, operator: Operator) -> bool:
    """Attention in one operator, or written out: a product with the softmax of a product, of values of the input."""
    if operator.kind == "attention":
        return True
    return _is_product(operator) and any(_is_score(flow, one) for one in flow.sources(operator))


def _is_product(operator: Operator) -> bool:
    return operator.kind == "product" and len(operator.inputs) > 1


def _is_score(flow: Flow, operator: Operator) -> bool:
    """A softmax of a product, scaled, masked or dropped or not."""
    one: Operator | None = operator
    while one is not None and one.kind == "dropout":
        one = flow.source(one)
    if one is None or one.kind != "softmax":
        return False
    one = flow.source(one)
    while one is not None and (one.kind in ("elementwise", "dropout") or one.name.startswith(("masked_fill", "where"))):
        one = flow.source(one)
    return one is not None and _is_product(one)


def _is_residual(flow: Flow, operator: Operator) -> bool:
    """A sum of two values of one shape that come from one, of which a layer lies on one way and not on the other."""
    shapes = operator.input_shapes
    if operator.name not in ("add", "add_") or len(operator.inputs) != 2 or shapes[0] != shapes[1]:
        return False
    one, other = (_way(flow, index) for index in operator.inputs)
    apart = one.keys() ^ other.keys()
    return not one.keys().isdisjoint(other) and any(index in apart for index in _layers({**one, **other}))


def _way(flow: Flow, index: int) -> dict[int, Operator | None]:
    """What a value was made from, the nearest first."""
    if index == MODEL_INPUT:
        return {MODEL_INPUT: None}
    last = flow.operators[index]
    found: dict[int, Operator | None] = {index: last}
    found |= {one.index: one for one in islice(flow.upstream(last), _FARTHEST)}
    if any(MODEL_INPUT in one.inputs for one in found.values() if one):
        found[MODEL_INPUT] = None
    return found


def _layers(way: Mapping[int, Operator | None]) -> set[int]:
    return {index for index, one in way.items() if one and one.live and one.kind in _WEIGHTED}


def _is_concatenation(flow: Flow, operator: Operator) -> bool:
    return operator.name in ("cat", "concat", "concatenate", "hstack") and len(set(operator.inputs)) > 1


def _kind(kind: str) -> Callable[[Flow, Operator], bool]:
    return lambda flow, operator: operator.kind == kind


def _called(*names: str) -> Callable[[Flow, Operator], bool]:
    return lambda flow, operator: operator.name in names


_KNOWN: Mapping[OperatorName, Callable[[Flow, Operator], bool]] = {
    "depthwise": _is_depthwise,
    "grouped": _is_grouped,
    "dilated": _is_dilated,
    "strided-convolution": _is_strided,
    "transposed-convolution": lambda flow, operator: operator.kind == "convolution" and _is_transposed(operator),
    "1x1-convolution": _is_pointwise,
    "max-pool": _kind("max-pool"),
    "average-pool": _kind("average-pool"),
    "attention": _is_attention,
    "recurrent": _kind("recurrent"),
    "embedding": _called("embedding"),
    "layer-norm": _called("layer_norm", "native_layer_norm"),
    "group-norm": _called("group_norm"),
    "instance-norm": _called("instance_norm"),
    "rms-norm": _called("rms_norm"),
    "residual-add": _is_residual,
    "concatenation": _is_concatenation,
    "upsampling": lambda flow, operator: operator.name.lstrip("_").startswith("upsample"),
}
