"""Compares what the training graph and the evaluation graph compute, dropout and normalisation aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from modelcheck.facts.structs import DifferenceKind, Mode, ModeDifference
from modelcheck.facts.trace import Step
from modelcheck.facts.usage import Side
from modelcheck.graph.operators import is_random, schema
from modelcheck.graph.reach import Key, alias_groups, written_keys
from modelcheck.graph.wire import Argument, Header, InputRef, NodeRef, Scalar, TensorRef, Value, scalars

MOST_TOLD = 16
MOST_COMPARED = 1_000  # entries that are aligned, which takes the square of their number
# what the mode may decide of an operator, by the names of torch's schemas: to drop, and to use the batch's statistics
_OF_THE_MODE = ("train", "training", "use_input_stats", "dropout_p", "dropout")
_MULTIPLYING = ("mul", "mul_", "multiply")
_SCALING = (*_MULTIPLYING, "div", "div_", "true_divide", "divide")
_COPIES = ("contiguous", "clone", "alias", "detach", "positive", "lift_fresh_copy")  # the same numbers, laid out or not
_OWN_MASKS = ("dropout", "attention", "recurrent", "activation")  # kinds that draw and apply random numbers in one


def mode_differences(header: Header, train: Side, evaluation: Side) -> tuple[ModeDifference, ...]:
    """Where the graphs differ beyond dropout, stochastic depth and the statistics of normalisations; the first 16.

    A value has a form, made from its operator and the forms of its arguments; graphs are equal whose outputs have the
    same form. What the mode decides of dropout and normalisations is no part of it, and a product with random numbers
    that know nothing of the input has the form of its other factor.

    Args:
        header: for the names of modules and tensors.
        train, evaluation: the graphs.
    """
    forms: dict[object, int] = {}
    trained, scored = _Forms(header, train, forms), _Forms(header, evaluation, forms)
    found = list(_outputs(train, evaluation))
    if trained.output != scored.output:
        found += list(_named(header, trained, scored))
    return tuple(found[:MOST_TOLD])


@dataclass(frozen=True)
class _Entry:
    """An operator as it is compared: ``sign`` is all of it but where its values come from."""

    step: Step
    path: str
    form: int
    arguments: tuple[tuple[str, str], ...]
    weights: tuple[int, ...]

    @property
    def sign(self) -> tuple[object, ...]:
        return self.step.node.op, self.path, self.arguments, self.weights


class _Forms:
    """The forms of one graph's values, numbered in a table that both graphs share."""

    def __init__(self, header: Header, side: Side, table: dict[object, int]) -> None:
        self.header, self.side, self.table = header, side, table
        self.entries: dict[int, _Entry] = {}
        self._forms: dict[int, int] = {}
        self._noise: set[int] = set()  # nodes that hold random numbers which know nothing of the input
        self._masked: set[int] = set()  # nodes that are a value times such numbers
        self._groups = alias_groups(side.trace.graph)
        self._written: dict[Key, tuple[int, int]] = {}  # what was last written into a group of aliases
        for step in side.trace.steps:
            if side.reachable(step.index):
                self._visit(step)
        self.output = self._of(side.trace.graph.outputs[0])

    def _visit(self, step: Step) -> None:
        through = self._looked_through(step)
        if through is not None:
            self._forms[step.index] = self._of(through)
            return
        form = self._number((step.node.op, *((name, self._in(one)) for name, one in _arguments(step))))
        self._forms[step.index] = form
        if self._is_noise(step):
            self._noise.add(step.index)
        elif step.shape is not None:
            self.entries[step.index] = self._entry(step, form)
        for key in written_keys(step.node):
            self._written[self._groups.find(key)] = step.index, form

    def _looked_through(self, step: Step) -> Value | None:
        """The value that an operator passes on, copied, or but for what it drops; None for the others."""
        values = [one for one in step.node.args[:2] if isinstance(one, NodeRef | InputRef | TensorRef)]
        if step.kind == "dropout" or step.name in _COPIES:
            return values[0]
        if step.name in _SCALING and len(values) == 1 and self._in_set(values[0], self._masked):
            self._masked.add(step.index)
            return values[0]
        dropped = [one for one in values if not self._in_set(one, self._noise)]
        if step.name in _MULTIPLYING and len(values) == 2 and len(dropped) == 1:
            self._masked.add(step.index)
            return self._unscaled(dropped[0])
        return None

    def _unscaled(self, value: Value) -> Value:
        """What was divided by the share that is kept before it was dropped."""
        if not isinstance(value, NodeRef):
            return value
        node = self.side.trace.graph.nodes[value.id]
        base, number = (*node.args, None, None)[:2]
        scales = self.side.trace.steps[value.id].name in _SCALING and isinstance(number, int | float)
        if not scales or not isinstance(base, NodeRef | InputRef | TensorRef):
            return value
        self.entries.pop(value.id, None)
        return base

    def _in_set(self, value: Value, nodes: set[int]) -> bool:
        return isinstance(value, NodeRef) and value.id in nodes

    def _is_noise(self, step: Step) -> bool:
        if is_random(step.node.op):
            return step.kind not in _OWN_MASKS
        values = [one for one in step.node.scalars() if isinstance(one, NodeRef | InputRef)]
        noise = [one for one in values if self._in_set(one, self._noise)]
        others = [one for one in values if one not in noise]
        fixed = all(isinstance(one, NodeRef) and one.id not in self.side.dependent for one in others)
        return bool(noise) and fixed

    def _of(self, value: Value) -> int:
        """The form of a value, with what was written into it since it was made."""
        made, kind = (value.id, "node") if isinstance(value, NodeRef) else (-1, _kind(value))
        form = self._forms[value.id] if isinstance(value, NodeRef) else self._number((kind, value.id))
        when, written = self._written.get(self._groups.find((kind, value.id)), (-1, -1))
        return self._number(("after", form, written)) if when > made else form

    def _in(self, argument: Argument) -> object:
        def one(scalar: Scalar) -> object:
            if isinstance(scalar, NodeRef | InputRef | TensorRef):
                return "value", self._of(scalar)
            return _text(scalar)

        return tuple(map(one, argument)) if isinstance(argument, list) else one(argument)

    def _number(self, form: object) -> int:
        return self.table.setdefault(form, len(self.table))

    def _entry(self, step: Step, form: int) -> _Entry:
        plain = tuple((name, text) for name, one in _arguments(step) if (text := _plain(one)) is not None)
        weights = tuple(one.id for one in step.node.scalars() if isinstance(one, TensorRef))
        return _Entry(step, self.header.modules[step.node.module].path, form, plain, weights)


def _outputs(train: Side, evaluation: Side) -> Iterator[ModeDifference]:
    one, other = (1 + len(side.trace.graph.further) for side in (train, evaluation))
    if one != other:
        mode: Mode = "training" if one > other else "evaluation"
        detail = f"{one} in training and {other} in evaluation"
        yield ModeDifference(kind="outputs", mode=mode, name="forward", path="", detail=detail)


def _named(header: Header, train: _Forms, evaluation: _Forms) -> Iterator[ModeDifference]:
    """The operators that make the difference, views last."""
    ours, theirs = _trimmed(list(train.entries.values()), list(evaluation.entries.values()))
    matcher = SequenceMatcher(None, [one.sign for one in ours], [one.sign for one in theirs], autojunk=False)
    found: list[tuple[Step, ModeDifference]] = []
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag != "equal":
            found += _unequal(header, ours[i:i_end], theirs[j:j_end])
    found.sort(key=lambda pair: pair[0].kind == "view")
    yield from (difference for _, difference in found)
    if not found:
        known = {one.form for one in train.entries.values()}
        moved = next((one for one in evaluation.entries.values() if one.form not in known), None)
        if moved:
            yield _difference("inputs", None, moved)


def _trimmed(ours: list[_Entry], theirs: list[_Entry]) -> tuple[list[_Entry], list[_Entry]]:
    """Both without what is the same in front and at the end, and cut to what can be aligned in short time."""
    same = 0
    while same < min(len(ours), len(theirs)) and ours[same].form == theirs[same].form:
        same += 1
    ours, theirs = ours[same:], theirs[same:]
    while ours and theirs and ours[-1].sign == theirs[-1].sign:
        ours, theirs = ours[:-1], theirs[:-1]
    return ours[:MOST_COMPARED], theirs[:MOST_COMPARED]


def _unequal(header: Header, ours: Sequence[_Entry], theirs: Sequence[_Entry]) -> Iterator[tuple[Step, ModeDifference]]:
    """Entries that stand at the same place: changed where the operator is the same, else each of one mode only."""
    left = list(theirs)
    for one in ours:
        other = next((e for e in left if (e.step.node.op, e.path) == (one.step.node.op, one.path)), None)
        if other is None:
            yield one.step, _difference("only", "training", one)
            continue
        left.remove(other)
        if one.weights != other.weights:
            names = [", ".join(header.tensors[index].paths[0] for index in e.weights) for e in (one, other)]
            yield one.step, _difference("weights", None, other, _both(*(name or "none" for name in names)))
        else:
            given = dict(other.arguments)
            name, text = next((pair for pair in one.arguments if given.get(pair[0]) != pair[1]), ("", ""))
            yield one.step, _difference("arguments", None, other, f"{name} is {_both(text, given.get(name, 'none'))}")
    for other in left:
        yield other.step, _difference("only", "evaluation", other)


def _both(training: str, evaluation: str) -> str:
    return f"{training} in training and {evaluation} in evaluation"


def _difference(kind: DifferenceKind, mode: Mode | None, entry: _Entry, detail: str | None = None) -> ModeDifference:
    node = entry.step.node
    return ModeDifference(
        kind=kind,
        mode=mode,
        name=entry.step.name.rstrip("_"),
        path=entry.path,
        detail=detail,
        file=node.file,
        line=node.line,
    )


def _arguments(step: Step) -> Iterator[tuple[str, Argument]]:
    """What the node is given, by the schema's names, defaults included, without what the mode may decide."""
    described = schema(step.node.op)
    given = step.node.args
    if described is None:
        yield from ((str(position), one) for position, one in enumerate(given))
        return
    for position, one in enumerate(described.arguments):
        if one.name in _OF_THE_MODE:
            continue
        if position < len(given) and not one.kwarg_only:
            yield one.name, given[position]
        else:
            yield one.name, step.node.kwargs.get(one.name, one.default_value)


def _kind(value: InputRef | TensorRef) -> str:
    return "input" if isinstance(value, InputRef) else "tensor"


def _plain(argument: Argument) -> str | None:
    """The argument as text; None where it is a value."""
    inside = list(scalars(argument))
    if any(isinstance(one, NodeRef | InputRef | TensorRef) for one in inside):
        return None
    return f"({', '.join(map(_text, inside))})" if isinstance(argument, list) else _text(argument)


def _text(scalar: Scalar | list[Scalar]) -> str:
    named = getattr(scalar, "name", None) or getattr(scalar, "value", None)
    return str(named if named is not None else scalar)
