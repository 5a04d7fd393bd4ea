"""Products of matrices as einsum writes them, so that all of their forms are followed in one way."""

from __future__ import annotations

import string
from collections.abc import Sequence

from modelcheck.facts.maps import key
from modelcheck.facts.trace import Shape, Step

_WRITTEN = {
    "mm": "ij,jk->ik", "addmm": "ij,jk->ik", "bmm": "bij,bjk->bik", "baddbmm": "bij,bjk->bik",
    "addbmm": "bij,bjk->ik", "mv": "ij,j->i", "addmv": "ij,j->i", "dot": "i,i->", "vdot": "i,i->",
}  # fmt: skip
_AFTER_A_SUMMAND = ("addmm", "addmv", "addbmm", "baddbmm")


def equation(step: Step) -> tuple[str, Sequence[Shape]] | None:
    """A product as einsum writes it, and the shapes of its operands; None where its form is not known."""
    if step.name == "einsum":
        written, shapes = _spelled_out(step.args[0].replace(" ", ""), step.args[1]), step.args[1]
    else:
        shapes = step.args[_first(step) : _first(step) + 2]
        written = _written(step, [len(one) for one in shapes])
    return None if written is None else (written, shapes)


def letters(step: Step) -> tuple[dict[int, str], str] | None:
    """A product's dimensions: the letters of each operand that a node or an input makes, and the result's.

    None where the form is not known, or one value is multiplied with itself.
    """
    written = equation(step)
    operands = step.node.args[1] if step.name == "einsum" else list(step.node.args[_first(step) : _first(step) + 2])
    if written is None or not isinstance(operands, list):
        return None
    inside, result = written[0].split("->")
    terms, keys = inside.split(","), [None if isinstance(one, list) else key(one) for one in operands]
    made = [one for one in keys if one is not None]
    repeated = any(len(set(term)) != len(term) for term in [*terms, result])
    if repeated or len(set(made)) != len(made) or len(result) != len(step.shape or ()):
        return None
    return {one: term for one, term in zip(keys, terms, strict=True) if one is not None}, result


def _first(step: Step) -> int:
    return 1 if step.name in _AFTER_A_SUMMAND else 0


def _written(step: Step, ranks: Sequence[int]) -> str | None:
    if step.name in _WRITTEN:
        return _WRITTEN[step.name]
    one, other = ranks
    if step.name == "linear":
        rows = string.ascii_uppercase[: one - 1]
        return f"{rows}i,oi->{rows}o" if other == 2 else f"{rows}i,i->{rows}"
    if step.name == "matmul":
        batch = string.ascii_uppercase[: max(one, other, 2) - 2]
        left = "j" if one == 1 else f"{batch[len(batch) - one + 2 :]}ij"
        right = "j" if other == 1 else f"{batch[len(batch) - other + 2 :]}jk"
        return f"{left},{right}->{batch}{'i' if one > 1 else ''}{'k' if other > 1 else ''}"
    if step.name == "inner" and min(ranks) > 0:
        rows, columns = string.ascii_uppercase[: one - 1], string.ascii_lowercase[: other - 1]
        return f"{rows}Z,{columns}Z->{rows}{columns}"
    if step.name == "tensordot":
        return _contracted(
            ranks, [[dim % rank for dim in dims] for dims, rank in zip(step.args[2:4], ranks, strict=True)]
        )
    return None


def _contracted(ranks: Sequence[int], dims: Sequence[Sequence[int]]) -> str:
    left, right = string.ascii_lowercase[: ranks[0]], list(string.ascii_uppercase[: ranks[1]])
    for one, other in zip(*dims, strict=True):
        right[other] = left[one]
    kept = [letter for letter in left if letter not in right] + [letter for letter in right if letter not in left]
    return f"{left},{''.join(right)}->{''.join(kept)}"


def _spelled_out(equation: str, shapes: Sequence[Shape]) -> str | None:
    """An equation of einsum with its result and with letters for its dots."""
    inside, arrow, result = equation.partition("->")
    terms = inside.split(",")
    counts = [len(shape) - len(term) + 3 if "..." in term else 0 for term, shape in zip(terms, shapes, strict=True)]
    free = "".join(letter for letter in string.ascii_letters if letter not in equation)[: max(counts)]
    if len(free) < max(counts):
        return None
    filled = [term.replace("...", free[len(free) - count :]) for term, count in zip(terms, counts, strict=True)]
    if not arrow:
        inner = "".join(terms).replace("...", "")
        result = "..." + "".join(letter for letter in sorted(set(inner)) if inner.count(letter) == 1)
    return f"{','.join(filled)}->{result.replace('...', free)}"
