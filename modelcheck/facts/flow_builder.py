"""flow: a graph's trace → its Flow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from modelcheck.facts.flow import MODEL_INPUT, Flow, Operator, Weight
from modelcheck.facts.trace import Shape, Step, Trace
from modelcheck.graph.operators import schema
from modelcheck.graph.reach import alias_groups, written_keys
from modelcheck.graph.wire import Header, InputRef, NodeRef, Scalar, TensorRef, scalars

_LOOKED_THROUGH = ("view", "symbolic")


def flow(
    header: Header,
    trace: Trace,
    reachable: frozenset[int],
    dependent: frozenset[int],
    idle: Collection[int] = (),
) -> Flow:
    """The flow of one graph.

    Args:
        header: for the names of modules and tensors.
        trace: the graph's.
        reachable: nodes that can reach the output.
        dependent: nodes that depend on the model's input.
        idle: nodes that were tried and do not change the output.
    """
    builder = _Builder(header, trace, reachable, dependent, idle)
    for step in trace.steps:
        if step.index in dependent:
            builder.visit(step)
    output = trace.graph.outputs[0]
    made = builder.maker(output) if isinstance(output, NodeRef) else MODEL_INPUT
    makers = {maker for one in trace.graph.further if (maker := builder.maker(one)) is not None} - {MODEL_INPUT}
    further = tuple(sorted(makers))
    return Flow(tuple(builder.operators), MODEL_INPUT if made is None else made, trace.batch, further)


class _Builder:
    def __init__(
        self,
        header: Header,
        trace: Trace,
        reachable: frozenset[int],
        dependent: frozenset[int],
        idle: Collection[int],
    ) -> None:
        self.header, self.trace, self.reachable, self.dependent = header, trace, reachable, dependent
        self.idle = idle
        self.operators: list[Operator] = []
        self._makers: dict[int, int] = {}  # node → the operator that made its value, or MODEL_INPUT
        self._input_maker = MODEL_INPUT  # changes where forward changes its input in place
        self._groups = alias_groups(trace.graph)

    def maker(self, value: Scalar) -> int | None:
        """The operator that made a value; None for what does not depend on the model's input."""
        if isinstance(value, InputRef):
            return self._input_maker
        return self._makers.get(value.id) if isinstance(value, NodeRef) else None

    def visit(self, step: Step) -> None:
        sources = [maker for scalar in step.node.scalars() if (maker := self.maker(scalar)) is not None]
        if step.shape is None or not sources:
            return
        if step.kind in _LOOKED_THROUGH:
            self._makers[step.index] = sources[0]
            return
        index = len(self.operators)
        self.operators.append(self._operator(step, index, tuple(sources)))
        self._makers[step.index] = index
        self._overwrite({self._groups.find(key) for key in written_keys(step.node)}, index)

    def _overwrite(self, groups: set[tuple[str, int]], index: int) -> None:
        """Whoever reads an alias of what was changed in place reads the change."""
        if not groups:
            return
        for node in self._makers:
            if self._groups.find(("node", node)) in groups:
                self._makers[node] = index
        if any(self._groups.find(("input", one)) in groups for one in range(len(self.header.inputs))):
            self._input_maker = index

    def _operator(self, step: Step, index: int, sources: tuple[int, ...]) -> Operator:
        module = self.header.modules[step.node.module]
        arguments, weights = self._arguments(step)
        return Operator(
            index=index,
            kind=step.kind,
            name=step.name,
            path=module.path,
            type=module.type,
            file=step.node.file,
            line=step.node.line,
            inputs=sources,
            input_shapes=tuple(self._shapes(step)),
            shape=step.shape,
            arguments=arguments,
            weights=weights,
            used=step.index in self.reachable,
            live=step.index in self.reachable and step.index not in self.idle,
        )

    def _shapes(self, step: Step) -> list[Shape]:
        return [self._shape(scalar) for scalar in step.node.scalars() if self.maker(scalar) is not None]

    def _shape(self, value: Scalar) -> Shape:
        if isinstance(value, InputRef):
            return (self.trace.batch, *self.header.inputs[value.id].shape)
        if isinstance(value, NodeRef):
            return self.trace.steps[value.id].shape or ()
        return self.header.tensors[value.id].shape if isinstance(value, TensorRef) else ()

    def _arguments(self, step: Step) -> tuple[Mapping[str, object], Mapping[str, Weight]]:
        described = schema(step.node.op)
        arguments: dict[str, Any] = {}
        weights: dict[str, Weight] = {}
        for position, argument in enumerate(described.arguments if described else ()):
            given = position < len(step.node.args) and not argument.kwarg_only
            if given:
                value: Any = step.args[position]
                written = step.node.args[position]
            else:
                written = step.node.kwargs.get(argument.name)
                value = written if written is not None else argument.default_value
            tensors = [one for one in scalars(written) if isinstance(one, NodeRef | TensorRef | InputRef)]
            if not tensors and (written is not None or "Tensor" not in str(argument.type)):
                arguments[argument.name] = value
            for number, one in enumerate(tensors):
                if self.maker(one) is None:
                    weights[argument.name if len(tensors) == 1 else f"{argument.name}.{number}"] = self._weight(one)
        return arguments, weights

    def _weight(self, value: Scalar) -> Weight:
        if not isinstance(value, TensorRef):
            return Weight(None, "computed", self._shape(value), trainable=False, tensor=None)
        info = self.header.tensors[value.id]
        return Weight(info.paths[0], info.role, info.shape, trainable=info.trainable, tensor=value.id)
