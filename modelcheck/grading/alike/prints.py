"""A submission's fingerprint, and a group of submissions that are alike."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from modelcheck.report import Likeness


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a submission so that it can be compared with others: a few kilobytes, 100 at most.

    Args:
        graph: digest of the graphs; None where nothing was captured.
        operators: of the evaluation graph, as far as they reach its output.
        tensors: scalars of each weight, by its digest; without what many models have alike, such as constants.
        source: hashes of the normalised source (``sketch.unpacked``).
    """

    graph: str | None = None
    operators: int = 0
    tensors: Mapping[str, int] = {}
    source: bytes = b""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """Submissions that are alike, by their ids in order; why they are is not known.

    Args:
        likeness: in what.
        share: how much of the smaller one of two they have in common, as a fraction of one, at the least.
        of: how many submissions were compared.
    """

    likeness: Likeness
    ids: tuple[str, ...]
    share: float
    of: int
