"""Which dimension of a value holds the picture's height and width, and where a view moves it.

One label a dimension: ``h``, ``w``, ``hw`` for the two laid out as one, or nothing.
"""

from __future__ import annotations

from modelcheck.facts.trace import Shape, Step

Labels = tuple[str, ...]


def permutation(step: Step, rank: int) -> list[int] | None:
    """The order of dimensions that a permuting view gives; None for the others."""
    order = list(range(rank))
    if step.name == "permute":
        return [one % rank for one in step.args[1]]
    if step.name in ("transpose", "swapaxes", "swapdims"):
        one, other = step.args[1] % rank, step.args[2] % rank
        order[one], order[other] = order[other], order[one]
        return order
    if step.name in ("t", "mT", "adjoint", "numpy_T") and rank >= 2:
        return order[::-1] if step.name == "numpy_T" else [*order[:-2], order[-1], order[-2]]
    if step.name in ("movedim", "moveaxis") and isinstance(step.args[1], int):
        order.remove(step.args[1] % rank)
        order.insert(step.args[2] % rank, step.args[1] % rank)
        return order
    return None


def relabel(before: Shape, labels: Labels, after: Shape) -> Labels | None:
    """Labels after a reshape; None where a dimension of the map was mixed with another or cut.

    Sizes are matched from the left in groups of equal products, as a row-major reshape lays them out.
    """
    result: list[str] = [""] * len(after)
    i = j = 0
    while i < len(before) or j < len(after):
        group_in, group_out = [i], [j]
        size_in = before[i] if i < len(before) else 1
        size_out = after[j] if j < len(after) else 1
        while size_in != size_out:
            if size_in < size_out:
                group_in.append(group_in[-1] + 1)
                if group_in[-1] >= len(before):
                    return None
                size_in *= before[group_in[-1]]
            else:
                group_out.append(group_out[-1] + 1)
                if group_out[-1] >= len(after):
                    return None
                size_out *= after[group_out[-1]]
        if not _carry(before, labels, after, group_in, group_out, result):
            return None
        i, j = group_in[-1] + 1, group_out[-1] + 1
    return tuple(result)


def _carry(
    before: Shape, labels: Labels, after: Shape, group_in: list[int], group_out: list[int], result: list[str]
) -> bool:
    inside = [(labels[k], before[k]) for k in group_in if k < len(before)]
    marked = "".join(label for label, _ in inside if label)
    if not marked:
        return True
    if any(not label and size > 1 for label, size in inside):
        return False
    outside = [k for k in group_out if k < len(after)]
    large = [k for k in outside if after[k] > 1] or outside[:1]
    if len(large) == 1:
        result[large[0]] = "".join(sorted(marked))
        return marked in ("h", "w", "hw", "wh")
    if len(large) == 2 and marked == "hw":
        result[large[0]], result[large[1]] = "h", "w"
        return True
    return False
