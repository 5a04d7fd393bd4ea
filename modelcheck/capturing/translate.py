"""Writes torch.export's graph in the form of the wire."""

from __future__ import annotations

import math
import operator
from typing import Any

import msgspec
import sympy  # torch's own dependency, in which it writes symbolic sizes
import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.export.graph_signature import InputKind
from torch.fx.experimental.symbolic_shapes import free_unbacked_symbols

from modelcheck.author_trace import class_name
from modelcheck.capturing import advice
from modelcheck.capturing.author_lines import author_line
from modelcheck.capturing.rewrites import written_at
from modelcheck.capturing.tables import Tables
from modelcheck.errors import NotCapturable
from modelcheck.graph.operators import DTYPE_NAMES, EQUATION, MEMORY_FORMAT_NAMES, WORDS, is_allowed
from modelcheck.graph.wire import (
    Argument,
    Device,
    DType,
    Graph,
    InputRef,
    MemoryFormat,
    Node,
    NodeRef,
    Scalar,
    Special,
    TensorRef,
    Value,
    Word,
)

# with the separator: torchvision lies beside torch and is an author like others
_ROOT = "model"  # the author's module inside the holder that is exported

_PYTHON = {
    function: f"operator.{function.__name__}"
    for function in (
        operator.add, operator.sub, operator.mul, operator.floordiv, operator.truediv, operator.mod, operator.neg,
        operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge, operator.getitem,
    )
} | {
    math.floor: "math.floor", math.ceil: "math.ceil", math.trunc: "math.trunc", torch.sym_max: "torch.sym_max",
    torch.sym_min: "torch.sym_min", torch.sym_float: "torch.sym_float", torch.sym_int: "torch.sym_int",
    torch.sym_not: "torch.sym_not",
}  # fmt: skip

# checks on sizes that export adds; they compute nothing
_ASSERTIONS = ("_assert", "sym_constrain_range", "_check")
# regions that only switch gradients or autocast; their bodies are inlined
_REGIONS = ("wrap_with_set_grad_enabled", "wrap_with_autocast")
_DROPPED = ("pin_memory", "layout", "generator")


def translate(exported: torch.export.ExportedProgram, tables: Tables, training: bool) -> Graph:
    """The graph of an exported program; tensors it reads are entered into the tables.

    Raises:
        NotCapturable: the graph holds something that has no form on the wire.
    """
    translation = _Translation(tables, training)
    return translation.graph(exported)


def batches(exported: torch.export.ExportedProgram) -> tuple[int, int | None]:
    """The least and the most samples for which the captured branches hold; None: any number."""
    placeholders = {node.name: node for node in exported.graph.nodes if node.op == "placeholder"}
    batch = placeholders[exported.graph_signature.user_inputs[0]].meta["val"].shape[0]
    fixed = batch if isinstance(batch, int) else batch.node.maybe_as_int()
    if fixed is not None:
        return fixed, fixed
    found = exported.range_constraints.get(batch.node.expr)
    least = int(found.lower) if found is not None else 0
    most = int(found.upper) if found is not None and isinstance(found.upper, sympy.Integer) else None
    # export always assumes two or more, which is no branch of the author's
    return (1 if least <= 2 else least), most


class _Translation:
    def __init__(self, tables: Tables, training: bool) -> None:
        self.tables = tables
        self.training = training
        self.nodes: list[Node] = []

    def graph(self, exported: torch.export.ExportedProgram) -> Graph:
        env: dict[torch.fx.Node, Any] = {}
        inputs = 0
        specs = {spec.arg.name: spec for spec in exported.graph_signature.input_specs}
        for node in exported.graph.nodes:
            if node.op == "placeholder":
                spec = specs[node.name]
                if spec.kind is InputKind.USER_INPUT:
                    env[node] = InputRef(inputs)
                    inputs += 1
                else:
                    env[node] = TensorRef(self._tensor(exported, spec.target or node.name))
        self._body(exported.graph_module, env, grad=True)
        outputs = torch.utils._pytree.tree_leaves(exported.graph.output_node().args[0])
        values: list[Value] = [env[one] for one in outputs if _is_tensor(one)]
        if not values:
            raise NotCapturable(advice.NO_TENSOR)
        # the first is what is described, trained and scored; what only others need cannot reach it
        return Graph(nodes=tuple(self.nodes), outputs=(values[0],), further=tuple(values[1:]))

    def _tensor(self, exported: torch.export.ExportedProgram, target: str) -> int:
        value = exported.state_dict.get(target)
        if value is None:
            value = exported.constants[target]
        if not isinstance(value, torch.Tensor):
            raise NotCapturable(f"the graph reads {target}, which is no tensor but {class_name(type(value))}")
        if isinstance(value, FakeTensor):
            raise NotCapturable(advice.MAKES_WEIGHTS)
        return self.tables.tensor(value, target.removeprefix(f"{_ROOT}."), self.training)

    def _body(self, module: torch.fx.GraphModule, env: dict[torch.fx.Node, Any], grad: bool) -> Any:
        for node in module.graph.nodes:
            if node.op == "output":
                return torch.fx.node.map_arg(node.args[0], lambda one: env[one])
            if node.op == "get_attr":
                env[node] = getattr(module, str(node.target))
                if isinstance(env[node], torch.Tensor):
                    env[node] = TensorRef(self.tables.tensor(env[node], str(node.target), self.training))
            elif node.op == "call_function":
                self._call(node, env, grad)
        return None

    def _call(self, node: torch.fx.Node, env: dict[torch.fx.Node, Any], grad: bool) -> None:
        name = getattr(node.target, "__name__", str(node.target))
        if name in _REGIONS:
            env[node] = self._region(node, env, grad, name)
        elif node.target is operator.getitem and isinstance(env[node.args[0]], tuple | list):  # type: ignore[index]
            env[node] = env[node.args[0]][node.args[1]]  # type: ignore[index]
        elif not any(word in str(node.target) for word in _ASSERTIONS):
            env[node] = self._operator(node, env, grad)

    def _region(self, node: torch.fx.Node, env: dict[torch.fx.Node, Any], grad: bool, name: str) -> Any:
        args = list(node.args)
        at = next(i for i, arg in enumerate(args) if isinstance(arg, torch.fx.Node) and arg.op == "get_attr")
        body = env[args[at]]  # type: ignore[index]
        inner = dict(
            zip(
                (one for one in body.graph.nodes if one.op == "placeholder"),
                (env[arg] if isinstance(arg, torch.fx.Node) else arg for arg in args[at + 1 :]),
                strict=True,
            )
        )
        enabled = bool(args[0]) if name == "wrap_with_set_grad_enabled" else grad
        return self._body(body, inner, enabled)

    def _operator(self, node: torch.fx.Node, env: dict[torch.fx.Node, Any], grad: bool) -> NodeRef:
        raw, line = author_line(node)
        file = self.tables.file(raw) if raw else None
        target, out = node.target, node.kwargs.get("out")
        if out is not None:
            target = _without_out(target)
        args, kwargs = _by_position(target, node.args, {k: v for k, v in node.kwargs.items() if k != "out"})
        name = _operator_name(target)
        try:
            if not is_allowed(name):
                raise _NoForm(advice.of_operator(name, written_at(raw, line)))
            if free_unbacked_symbols(node.meta.get("val")):
                raise _NoForm(advice.of_size(name, written_at(raw, line)))
            encoded = Node(
                op=name,
                args=tuple(_argument(arg, env) for arg in args),
                kwargs={
                    key: _argument(value, env)
                    for key, value in kwargs.items()
                    if key not in _DROPPED and value is not None
                },
                module=self.tables.module(_module_path(node)),
                file=file,
                line=line,
                grad=grad,
            )
        except _NoForm as error:
            raise NotCapturable(str(error), file=file, line=line) from None
        made = self._append(encoded)
        if out is None:
            return made
        copied = msgspec.structs.replace(encoded, op="aten.copy_.default", args=(_scalar(out, env), made), kwargs={})
        return self._append(copied)

    def _append(self, node: Node) -> NodeRef:
        self.nodes.append(node)
        return NodeRef(len(self.nodes) - 1)


class _NoForm(Exception):
    """What has no form on the wire."""


def _without_out(target: Any) -> Any:
    """The overload that returns what this one writes into its argument ``out``."""
    wanted = [(one.name, str(one.type)) for one in target._schema.arguments if one.name != "out"]
    packet = target._overloadpacket
    for overload in (getattr(packet, name) for name in packet.overloads()):
        if [(one.name, str(one.type)) for one in overload._schema.arguments] == wanted:
            return overload
    return target


def _by_position(target: Any, args: Any, kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments with those by position that the schema has by position: they are read from there."""
    args, kwargs = list(args), dict(kwargs)
    if isinstance(target, torch._ops.OpOverload):
        positional = [argument for argument in target._schema.arguments if not argument.kwarg_only]
        for argument in positional[len(args) :]:
            if not any(one.name in kwargs for one in positional):
                break
            args.append(kwargs.pop(argument.name, argument.default_value))
    return args, kwargs


def _is_tensor(output: Any) -> bool:
    return isinstance(output, torch.fx.Node) and isinstance(output.meta.get("val"), torch.Tensor)


def _operator_name(target: Any) -> str:
    if isinstance(target, torch._ops.OpOverload):
        namespace, name = target._schema.name.split("::")
        return f"{namespace}.{name}.{target._overloadname}"
    return _PYTHON.get(target) or f"{getattr(target, '__module__', '')}.{getattr(target, '__name__', target)}"


def _argument(value: Any, env: dict[torch.fx.Node, Any]) -> Argument:
    if isinstance(value, tuple | list):
        return [_scalar(one, env) for one in value]
    return _scalar(value, env)


def _scalar(value: Any, env: dict[torch.fx.Node, Any]) -> Scalar:
    match value:
        case torch.fx.Node():
            return env[value]
        case None | bool() | int():
            return value
        case float():
            return (
                value if math.isfinite(value) else Special("nan" if value != value else "inf" if value > 0 else "-inf")
            )
        case torch.dtype() if value in DTYPE_NAMES:
            return DType(DTYPE_NAMES[value])
        case torch.memory_format():
            return MemoryFormat(MEMORY_FORMAT_NAMES[value])
        case torch.device():
            return Device()
        case torch.layout():
            return None
        case str() if value in WORDS or EQUATION.match(value):
            return Word(value)
    raise _NoForm(f"an operator takes {value!r:.100}, which a capture cannot hold")


def _module_path(node: torch.fx.Node) -> str:
    stack = node.meta.get("nn_module_stack") or {}
    paths = [entry[0] for entry in stack.values()]
    innermost = paths[-1] if paths else ""
    innermost = innermost.split("@")[0]  # a second call of one module is written as path@1
    return innermost.removeprefix(_ROOT).removeprefix(".")
