"""Counts numbers that stand in a graph itself instead of in a tensor: as such, or in how its operators are joined."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Collection, Iterable

from modelcheck.graph.wire import Argument, Graph, InputRef, Node, NodeRef, Scalar, Special, TensorRef

FREE_NUMBERS = 128  # that make tensors of their own or from weights: sizes, ranges, masks
FREE_TOLD = 512  # 16 bits each that tell what works on the input
FREE_JOINTS = 512  # 16 bits each that tell which operator works on which result
FREE_SHARE = 64  # parameters for which one more of both is free: large models write more
FREE_REPEATS = 64  # times that something stands once more in a list of tensors
DIGITS = 5  # of a number that holds no more than 16 bits
TO_THE_END = 2**63 - 1  # of a slice
_LAGS = 16  # numbers to look back to: a loop that is written out counts on


def written_numbers(graph: Graph, reachable: Collection[int], dependent: Collection[int], parameters: int) -> int:
    """How many numbers are written into a graph, beyond those that anybody needs.

    Numbers that make tensors without the input, one by one, are weights as those of a tensor are, and so is the order
    in which a few tensors are stacked a thousand times. A number of many digits is several. Of what is computed from
    the input it counts how long all of its numbers are if they are told shortly: a loop that is written out has
    numbers without end, none of which anybody chose. So it is with the operators and what each of them works on: sums
    and differences of chosen results are a matrix, though no number stands in them.

    Args:
        graph: whose numbers are counted.
        reachable: nodes that can reach the output.
        dependent: nodes that depend on the input.
        parameters: registered scalars.
    """
    at_work = [graph.nodes[index] for index in sorted(reachable) if index in dependent]
    making = [graph.nodes[index] for index in reachable if index not in dependent]
    numbers = [one for node in making for one in node.scalars() if _is_number(one)]
    longer = sum(length(str(one)) - 1 for one in set(numbers) if one != TO_THE_END)
    told = _shortest(_told(at_work))
    joints = _shortest(_joints(graph, reachable))
    repeats = sum(_repeats(one) for node in (*at_work, *making) for one in (*node.args, *node.kwargs.values()))
    share = parameters // FREE_SHARE
    return (
        max(len(numbers) + longer - FREE_NUMBERS - share, 0)
        + max(told - FREE_TOLD - share, 0)
        + max(joints - FREE_JOINTS - share, 0)
        + max(repeats - FREE_REPEATS, 0)
    )


def length(number: str) -> int:
    """Into how many numbers of 16 bits one goes, by its digits."""
    return max(-(-sum(one.isdigit() for one in number) // DIGITS), 1)


def _shortest(words: Iterable[str]) -> int:
    """How many numbers of 16 bits tell these words, where what is told once more is short."""
    return len(zlib.compress(" ".join(words).encode(), 9)) // 2


def _is_number(scalar: Scalar) -> bool:
    return isinstance(scalar, int | float | Special) and not isinstance(scalar, bool)


def _told(nodes: Iterable[Node]) -> Iterable[str]:
    """The numbers of nodes as words; an integer by which of the last ones in its place it is near to."""
    last: dict[tuple[str, int], deque[int]] = {}
    for node in nodes:
        for place, scalar in enumerate(one for one in node.scalars() if not isinstance(one, bool)):
            if isinstance(scalar, int):
                before = last.setdefault((node.op, place), deque([0], _LAGS))
                yield _step(scalar, before)
                before.appendleft(scalar)
            elif _is_number(scalar):
                yield str(scalar)


def _joints(graph: Graph, reachable: Collection[int]) -> Iterable[str]:
    """Operators as words, each with the results and tensors that it works on.

    Those are told from where the operator stands, from the one before, or from the last ones in their place, whichever
    is nearest: neither a chain nor a layer that everything comes back to is long.
    """
    last: dict[tuple[str, type, int], deque[int]] = {}
    for index in sorted(reachable):
        node, previous = graph.nodes[index], index
        yield node.op
        for place, one in enumerate(one for one in node.scalars() if isinstance(one, NodeRef | TensorRef)):
            before = last.setdefault((node.op, type(one), place), deque([0], _LAGS))
            yield _step(one.id, [index, previous, *before])
            before.appendleft(one.id)
            previous = one.id


def _step(value: int, bases: Iterable[int]) -> str:
    """Which of these a value is nearest to, and how far from it."""
    steps = [value - one for one in bases]
    which = min(range(len(steps)), key=lambda one: abs(steps[one]))
    return f"{which}:{steps[which]}"


def _repeats(argument: Argument) -> int:
    """How often a list of tensors holds one again."""
    if not isinstance(argument, list):
        return 0
    held = [one for one in argument if isinstance(one, NodeRef | InputRef | TensorRef)]
    return len(held) - len(set(held))
