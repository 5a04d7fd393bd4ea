"""Counts numbers that stand in a graph itself instead of in a tensor."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from modelcheck.graph.wire import Argument, Graph, InputRef, NodeRef, Scalar, Special, TensorRef

FREE_NUMBERS = 128  # that make tensors of their own or from weights: sizes, ranges, masks
FREE_SHARE = 64  # parameters for which one more is free: large models write more
FREE_REPEATS = 64  # times that something stands once more in a list of tensors


def written_numbers(graph: Graph, reachable: Iterable[int], dependent: Collection[int], parameters: int) -> int:
    """How many numbers are written into a graph, beyond those that anybody needs.

    Numbers that make tensors without the input, one by one, are weights as those of a tensor are, and so is the order
    in which a few tensors are stacked a thousand times. What is computed from the input is not looked at: a loop that
    is written out has numbers without end, none of which anybody chose.

    Args:
        graph: whose numbers are counted.
        reachable: nodes that can reach the output.
        dependent: nodes that depend on the input.
        parameters: registered scalars.
    """
    numbers = repeats = 0
    for index in reachable:
        node = graph.nodes[index]
        repeats += sum(map(_repeats, (*node.args, *node.kwargs.values())))
        if index not in dependent:
            numbers += sum(_is_number(one) for one in node.scalars())
    free = FREE_NUMBERS + parameters // FREE_SHARE
    return max(numbers - free, 0) + max(repeats - FREE_REPEATS, 0)


def _is_number(scalar: Scalar) -> bool:
    return isinstance(scalar, int | float | Special) and not isinstance(scalar, bool)


def _repeats(argument: Argument) -> int:
    """How often a list of tensors holds one again."""
    if not isinstance(argument, list):
        return 0
    held = [one for one in argument if isinstance(one, NodeRef | InputRef | TensorRef)]
    return len(held) - len(set(held))
