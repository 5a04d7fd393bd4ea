"""Values that are written in place: under which number a value is read after others were written into it."""

from __future__ import annotations

from modelcheck.facts.maps import key
from modelcheck.facts.trace import Step, Trace, argument
from modelcheck.graph.reach import alias_groups, written_keys


class Writes:
    """What is written in place, and where it is read under another name."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.groups = alias_groups(trace.graph)
        self.written: dict[object, list[int]] = {}
        self.fresh = len(trace.steps)
        self.states: dict[tuple[int, int], int] = {}
        self.made: dict[int, tuple[int, list[int]]] = {}

    def note(self, step: Step, made: list[int]) -> None:
        """Remember a step that writes values made from the picture into another one."""
        for where in written_keys(step.node):
            group = self.groups.find(where)
            if any(self._group(one) != group for one in made):
                self.written.setdefault(group, []).append(step.index)

    def into(self, index: int) -> int | None:
        """The number under which a value is known since it was written into; None where it was not."""
        if index < 0 or not self.written:
            return None
        later = [one for one in self.written.get(self._group(index), []) if one > index]
        if not later:
            return None
        if self.trace.steps[later[-1]].shape == self.shape(index) and self._target(later[-1]) == index:
            return later[-1]
        state = (index, len(later))
        if state not in self.states:
            self.states[state] = self.fresh
            self.made[self.fresh] = (index, later)
            self.fresh += 1
        return self.states[state]

    def parts(self, later: int) -> list[tuple[int, dict[int, int] | None]]:
        """The writers, each with where in the value it wrote; None where that is not known."""
        index, writers = self.made[later]
        return [(writer, self._starts(self._target(writer), index)) for writer in writers]

    def shape(self, index: int) -> tuple[int, ...]:
        """The shape of a node's value."""
        return self.trace.steps[index].shape or ()

    def _group(self, index: int) -> object:
        return self.groups.find(("input", -1 - index) if index < 0 else ("node", index))

    def _target(self, writer: int) -> int | None:
        argument = self.trace.steps[writer].node.args[0]
        return None if isinstance(argument, list) else key(argument)

    def _starts(self, view: int | None, base: int) -> dict[int, int] | None:
        """Where a chain of slices begins in a value, by dimension."""
        starts: dict[int, int] = {}
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
