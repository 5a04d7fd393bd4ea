"""Shows from the operators alone that a graph keeps the samples of a batch apart.

What is not known to keep them apart is taken to mix them: a proof holds for every batch, a missing one says nothing.
"""

from __future__ import annotations

from modelcheck.facts.rows import Given, Rows, Samples, State
from modelcheck.facts.rows_computed import COMPUTING, COMPUTING_BY_KIND
from modelcheck.facts.rows_moved import MOVING
from modelcheck.facts.trace import Step, Trace
from modelcheck.graph.reach import written_keys
from modelcheck.graph.wire import InputRef, NodeRef, TensorRef, Value

_CONSTANT = ("zeros", "ones", "new_zeros", "new_ones", "empty", "new_empty")
_CONSTANT_LIKE = ("zeros_like", "ones_like", "empty_like")


def keeps_apart(trace: Trace, *, but_for_norms: bool = False) -> bool:
    """Whether each row of the output is shown to be made from one sample alone.

    Args:
        trace: of the graph.
        but_for_norms: whether that is said but for the statistics of batch norms. Nothing else of such a graph depends
            on how many samples there are.
    """
    walk = _Walk(but_for_norms)
    return all(walk.visit(step) for step in trace.steps) and walk.state(trace.graph.outputs[0]) == Rows(0)


class _Walk:
    def __init__(self, but_for_norms: bool) -> None:
        self.but_for_norms = but_for_norms
        self.states: dict[int, State] = {}

    def state(self, value: Value) -> State:
        if isinstance(value, InputRef):
            return Rows(0)
        return self.states[value.id] if isinstance(value, NodeRef) else "fixed"

    def visit(self, step: Step) -> bool:
        """Note what the step makes; False where it may write other samples into a value that is read elsewhere."""
        found = self._found(step)
        self.states[step.index] = found
        if not written_keys(step.node):
            return True
        written = step.node.args[0]
        return isinstance(written, NodeRef | InputRef | TensorRef) and found == self.state(written) != "mixed"

    def _found(self, step: Step) -> State:
        states = [self.state(one) for one in step.node.scalars() if isinstance(one, NodeRef | InputRef | TensorRef)]
        if step.node.op == "operator.getitem":
            return states[0]
        if step.kind == "symbolic" or step.name in ("sym_size", "sym_numel"):
            return self._number(step, states)
        if "mixed" in states:
            return "mixed"
        if step.name in _CONSTANT_LIKE:
            return states[0]
        if step.name in _CONSTANT:
            return self._constant(step)
        if set(states) <= {"fixed"}:
            return "fixed"
        if self.but_for_norms and step.kind == "batch-norm":
            return states[0]
        keeps = MOVING.get(step.name) or COMPUTING.get(step.name) or COMPUTING_BY_KIND.get(step.kind)
        return (keeps(Given(step, self.state)) if keeps and step.shape is not None else None) or "mixed"

    def _number(self, step: Step, states: list[State]) -> State:
        """What a number on shapes has to do with the number of samples."""
        if set(states) <= {"fixed"}:
            return "fixed"
        first, other = states[0], step.args[1] if len(step.args) > 1 else None
        if step.name == "sym_size" and isinstance(first, Rows):
            here = other in (first.dim, first.dim - len(step.args[0]))
            return Samples(first.times * first.ahead) if here else "fixed"
        numbers = [one for one in step.args if isinstance(one, int)]
        if len(states) != 1 or not isinstance(first, Samples) or len(numbers) != 2:
            return "mixed"
        by = next(
            number for number, node in zip(step.args, step.node.args, strict=True) if not isinstance(node, NodeRef)
        )
        if step.node.op == "operator.mul":
            return Samples(first.times * by)
        if (
            step.node.op == "operator.floordiv"
            and by > 0
            and first.times % by == 0
            and isinstance(step.node.args[0], NodeRef)
        ):
            return Samples(first.times // by)
        return "mixed"

    def _constant(self, step: Step) -> State:
        """One number everywhere, so that each sample has its own if there is a place for it."""
        sizes = next((one for one in step.node.args if isinstance(one, list)), [])
        named = [(at, found) for at, one in enumerate(sizes) if isinstance(one, NodeRef) and (found := self.state(one))]
        places = [(at, found) for at, found in named if isinstance(found, Samples)]
        if not places:
            return "fixed"
        return Rows(places[0][0], places[0][1].times) if len(named) == 1 else "mixed"
