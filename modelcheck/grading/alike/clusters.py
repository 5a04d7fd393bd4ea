"""Groups the submissions of a course that are alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from modelcheck.grading.alike.near import Pair, Weighed, near
from modelcheck.grading.alike.prints import Cluster, Fingerprint
from modelcheck.grading.alike.sketch import Keys, bound, union, unpacked
from modelcheck.report import Likeness

_FEW = 3  # so many who are alike are never taken for the course
_LEAST_OPERATORS = 5  # a graph of fewer is anybody's
_LEAST_HASHES = 24  # of source: about four lines of a constructor
_NEAR_SOURCE = 0.75
_NEAR_WEIGHTS = 0.5  # a trained body under another head
_ORDER: tuple[Likeness, ...] = ("graph", "weights", "source")


def clusters(fingerprints: Mapping[str, Fingerprint], templates: Sequence[Fingerprint] = ()) -> tuple[Cluster, ...]:
    """The groups of submissions that are alike: by graph, by weights, by source, the largest of each first.

    What a template has is subtracted, and so is what the course has in common: a graph that a third of it hands in,
    and weights and source that more than half of it share. By weights and source a group is held together by pairs,
    so that two of its members may be less alike than ``share`` says. Linear in the fingerprints' number, sorting aside.

    Args:
        fingerprints: by the submission's id.
        templates: of what the course gave out.
    """
    ids = sorted(fingerprints)
    prints = [fingerprints[one] for one in ids]
    most = max(_FEW, len(ids) // 2)
    weights = near([_weights(one) for one in prints], union(map(_tensors, templates)), most, _NEAR_WEIGHTS, 1)
    source = near([_source(one) for one in prints], union(map(_hashes, templates)), most, _NEAR_SOURCE, _LEAST_HASHES)
    found: list[tuple[Likeness, list[int], float]] = [
        *(("graph", group, 1.0) for group in _same_graph(prints, templates)),
        *(("weights", group, share) for group, share in _joined(weights)),
        *(("source", group, share) for group, share in _joined(source)),
    ]
    found.sort(key=lambda one: (_ORDER.index(one[0]), -len(one[1]), one[1]))
    return tuple(
        Cluster(likeness=kind, ids=tuple(ids[place] for place in group), share=share, of=len(ids))
        for kind, group, share in found
    )


def _same_graph(prints: Sequence[Fingerprint], templates: Sequence[Fingerprint]) -> Iterator[list[int]]:
    given_out = {one.graph for one in templates}
    holders: dict[str, list[int]] = {}
    for place, one in enumerate(prints):
        if one.graph is not None and one.graph not in given_out and one.operators >= _LEAST_OPERATORS:
            holders.setdefault(one.graph, []).append(place)
    for group in holders.values():
        if len(group) >= 2 and not (len(group) > _FEW and 3 * len(group) >= len(prints)):
            yield group


def _tensors(one: Fingerprint) -> Keys:
    return np.array([int(digest, 16) for digest in one.tensors], dtype=np.uint64)


def _weights(one: Fingerprint) -> Weighed:
    keys = _tensors(one)
    order = np.argsort(keys)
    return Weighed(keys[order], np.array(list(one.tensors.values()), dtype=np.int64)[order])


def _hashes(one: Fingerprint) -> Keys:
    return unpacked(one.source)


def _source(one: Fingerprint) -> Weighed:
    keys = _hashes(one)
    return Weighed(keys, bound=bound(keys))


def _joined(pairs: Sequence[Pair]) -> Iterator[tuple[list[int], float]]:
    """The groups that pairs hold together, each with the least share of its pairs."""
    above: dict[int, int] = {}

    def find(place: int) -> int:
        while (parent := above.setdefault(place, place)) != place:
            above[place] = above[parent]
            place = parent
        return place

    for one, other, _ in pairs:
        above[find(other)] = find(one)
    groups: dict[int, set[int]] = {}
    shares: dict[int, float] = {}
    for one, other, share in pairs:
        root = find(one)
        groups.setdefault(root, set()).update((one, other))
        shares[root] = min(share, shares.get(root, 1.0))
    for root, group in groups.items():
        yield sorted(group), shares[root]
