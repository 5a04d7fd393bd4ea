"""Values that are written in place: under which number a value is read after others were written into it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from modelcheck.facts.maps import key
from modelcheck.facts.trace import Shape, Step, Trace, argument
from modelcheck.graph.reach import alias_groups, written_keys

MOST_WRITERS = 64  # that are followed between two readings of a value

Starts = dict[int, int]  # from which position on, by dimension


@dataclass(frozen=True)
class State:
    """A value after others were written into it.

    Args:
        number: under which it is known now.
        before: the number under which it was known.
        writers: the nodes that wrote into it since, each with where; None where that is not followed.
    """

    number: int
    before: int
    writers: tuple[tuple[int, Starts | None], ...]


class Writes:
    """What is written in place, and where it is read under another name.

    Args:
        trace: the graph.
        inputs: the shapes of its inputs.
    """

    def __init__(self, trace: Trace, inputs: list[Shape]) -> None:
        self.trace, self.inputs = trace, inputs
        self.groups = alias_groups(trace.graph)
        self.written: dict[object, list[int]] = {}
        self.fresh = len(trace.steps)
        self.states: dict[int, tuple[int, int]] = {}  # by value: the number of its last state, and its last writer

    def note(self, step: Step, made: list[int]) -> None:
        """Remember a step that writes values made from the picture into another one."""
        for where in written_keys(step.node):
            group = self.groups.find(where)
            if any(self._group(one) != group for one in made):
                self.written.setdefault(group, []).append(step.index)

    def into(self, index: int) -> State | None:
        """What a value became since it was made; None where nothing was written into it."""
        writers = self.written.get(self._group(index), []) if self.written else []
        before, last = self.states.get(index, (index, index))
        later = writers[bisect_right(writers, last) :]
        if not later:
            return State(before, before, ()) if before != index else None
        target = self._target(later[-1])
        if target == index and self.trace.steps[later[-1]].shape == self.shape(index):
            number, parts = later[-1], []  # its result is the value as it is now
        else:
            number = self.another()
            parts = [(writer, self._starts(self._target(writer), index)) for writer in later[-MOST_WRITERS:]]
            if len(later) > MOST_WRITERS:
                parts = [(writer, None) for writer, _ in parts]
        self.states[index] = (number, later[-1])
        return State(number, before, tuple(parts))

    def another(self) -> int:
        """A number that no value has yet."""
        self.fresh += 1
        return self.fresh - 1

    def shape(self, index: int) -> Shape:
        """The shape of a value."""
        return self.inputs[-1 - index] if index < 0 else self.trace.steps[index].shape or ()

    def _group(self, index: int) -> object:
        return self.groups.find(("input", -1 - index) if index < 0 else ("node", index))

    def _target(self, writer: int) -> int | None:
        written = self.trace.steps[writer].node.args[0]
        return None if isinstance(written, list) else key(written)

    def _starts(self, view: int | None, base: int) -> Starts | None:
        """Where a chain of slices begins in a value."""
        starts: Starts = {}
        while view is not None and view != base:
            step = self.trace.steps[view] if view >= 0 else None
            if step is None or step.name not in ("slice", "narrow") or (argument(step, "step") or 1) != 1:
                return None
            size = step.args[0]
            at = (argument(step, "dim") or 0) % len(size)
            start = argument(step, "start") or 0
            starts[at] = starts.get(at, 0) + (max(start + size[at], 0) if start < 0 else min(start, size[at]))
            view = self._target(view)
        return starts if view == base else None
