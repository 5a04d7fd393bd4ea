"""What a run of units sees of the value that their own was made from, along one axis.

A span is a lowest and a highest place for each of many units at once; a lowest one above the highest is nothing, and
infinite ones are everything. Places are not cut off at the map's border: a receptive field is that of a unit with
enough picture around it. A rule takes spans of a value to spans of its source.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

MOST_TRIED = 64  # kernel times stride of a transposed convolution that leaves places out

Places = NDArray[np.float64]
Span = tuple[Places, Places]
Rule = Callable[[Span], Span]


def same(span: Span) -> Span:
    """Each unit sees the one in its own place."""
    return span


def whole(span: Span) -> Span:
    """Each unit may see everything."""
    return _where_any(span, -math.inf, math.inf)


def single(span: Span) -> Span:
    """Each unit sees the only one that there is."""
    return _where_any(span, 0.0, 0.0)


def affine(scale: int, first: int = 0, last: int | None = None) -> Rule:
    """Place i sees those from ``scale · i + first`` to ``scale · i + last``; a negative scale turns the map over."""
    last = first if last is None else last

    def rule(span: Span) -> Span:
        low, high = span if scale > 0 else (span[1], span[0])
        return low * scale + first, high * scale + last

    return rule


def window(kernel: int, stride: int, padding: int, dilation: int) -> Rule:
    """A convolution's or a pool's window."""
    return affine(stride, -padding, (kernel - 1) * dilation - padding)


def transposed_window(kernel: int, stride: int, padding: int, dilation: int) -> Rule:
    """The inputs that a transposed convolution spreads over a place i: those j with j · stride + k · dilation = i."""
    if dilation == 1 and kernel >= stride:
        return lambda span: (
            np.ceil((span[0] + padding - kernel + 1) / stride),
            np.floor((span[1] + padding) / stride),
        )
    return _with_gaps(kernel, stride, padding, dilation) if kernel * stride <= MOST_TRIED else whole


def _with_gaps(kernel: int, stride: int, padding: int, dilation: int) -> Rule:
    """A transposed convolution that leaves places out. What is seen moves on by one a stride: one stride is tried."""

    def reached(places: Places) -> Span:
        low, high = np.full_like(places, math.inf), np.full_like(places, -math.inf)
        for k in range(kernel):
            at = (places + padding - k * dilation) / stride
            hit = at == np.floor(at)
            low, high = np.where(hit, np.minimum(low, at), low), np.where(hit, np.maximum(high, at), high)
        return low, high

    def rule(span: Span) -> Span:
        lowest, highest = _where_any(span, math.inf, -math.inf)
        for offset in range(stride):
            inside = span[0] + offset <= span[1]
            low, high = reached(span[0] + offset)[0], reached(span[1] - offset)[1]
            lowest = np.where(inside, np.minimum(lowest, low), lowest)
            highest = np.where(inside, np.maximum(highest, high), highest)
        return lowest, highest

    return rule


def adaptive_window(inside: int, outside: int) -> Rule:
    """An adaptive pool's window: from ⌊i · in ÷ out⌋ to ⌈(i + 1) · in ÷ out⌉ − 1."""
    ratio = (inside, outside)
    return lambda span: (
        np.floor(span[0] * ratio[0] / ratio[1]),
        np.ceil((span[1] + 1) * ratio[0] / ratio[1]) - 1,
    )


def nearest(scale: Fraction, *, exact: bool) -> Rule:
    """The pixel that a resize by the nearest neighbour takes; ``scale`` is input pixels for each output pixel."""
    half = Fraction(1, 2) if exact else Fraction(0)
    return lambda span: (np.floor(_position(span[0], scale, half)), np.floor(_position(span[1], scale, half)))


def mixed(scale: Fraction, reach: int, *, corners: bool) -> Rule:
    """The pixels that a linear (``reach`` 1) or cubic (2) resize mixes; one alone where it falls on it."""
    half, back = (Fraction(0), Fraction(0)) if corners else (Fraction(1, 2), Fraction(1, 2))

    def rule(span: Span) -> Span:
        low, high = (_position(places, scale, half, back) for places in span)
        between_low, between_high = low != np.floor(low), high != np.floor(high)
        return np.floor(low) - (reach - 1) * between_low, np.ceil(high) + (reach - 1) * between_high

    return rule


def smoothed(scale: Fraction, reach: int) -> Rule:
    """The pixels that an anti-aliased resize mixes: those whose middle lies nearer than its support."""
    support = reach * max(scale, Fraction(1))
    half, low_back, high_back = Fraction(1, 2), Fraction(1, 2) + support, Fraction(1, 2) - support
    return lambda span: (
        np.floor(_position(span[0], scale, half, low_back)) + 1,
        np.ceil(_position(span[1], scale, half, high_back)) - 1,
    )


def regrouped(step_out: int, step_in: int, beside: int) -> Rule:
    """Places ``step_out`` apart in the value are ``step_in`` apart in its source, with ``beside`` more seen at each."""
    return lambda span: (np.floor(span[0] / step_out) * step_in, np.floor(span[1] / step_out) * step_in + beside)


def block(size: int) -> Rule:
    """Each unit sees all of the block of places that it lies in."""
    return lambda span: (np.floor(span[0] / size) * size, np.floor(span[1] / size) * size + size - 1)


def after(first: Rule, second: Rule) -> Rule:
    """One rule after the other, from the value back to its source."""
    return lambda span: second(first(span))


def union(one: Span, other: Span) -> Span:
    """The span that holds both."""
    return np.minimum(one[0], other[0]), np.maximum(one[1], other[1])


def _position(places: Places, scale: Fraction, half: Fraction, back: Fraction = Fraction(0)) -> Places:
    """``(places + half) · scale − back``, rounded once, so that whole numbers come out whole."""
    shift = half * scale - back
    common = math.lcm(scale.denominator, shift.denominator)
    top, rest = scale.numerator * (common // scale.denominator), shift.numerator * (common // shift.denominator)
    return (places * top + rest) / common


def _where_any(span: Span, low: float, high: float) -> Span:
    """The same span for every unit that sees something."""
    nothing = span[0] > span[1]
    return np.where(nothing, math.inf, low), np.where(nothing, -math.inf, high)
