"""Groups the submissions of a course that are alike."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

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


def clusters(
    fingerprints: Iterable[tuple[str, Fingerprint]], templates: Sequence[Fingerprint] = ()
) -> tuple[Cluster, ...]:
    """The groups of submissions that are alike: by graph, by weights, by source, the largest of each first.

    What a template has is subtracted, and so is what the course has in common: a graph that a third of it hands in,
    and weights and source that more than half of it share. By weights and source a group is held together by pairs,
    so that two of its members may be less alike than ``share`` says. Linear in the fingerprints' number, sorting aside.

    Args:
        fingerprints: with the submissions' ids, in the order of these; each is looked at once, and none is kept.
        templates: of what the course gave out.
    """
    ids, graphs, weights, sources = [], [], [], []
    for id_, one in fingerprints:
        ids.append(id_)
        graphs.append(one.graph if one.operators >= _LEAST_OPERATORS else None)
        weights.append(_weights(one))
        sources.append(_source(one))
    most = max(_FEW, len(ids) // 2)
    same_weights = near(weights, union(map(_tensors, templates)), most, _NEAR_WEIGHTS, 1)
    same_source = near(sources, union(map(_hashes, templates)), most, _NEAR_SOURCE, _LEAST_HASHES)
    found: list[tuple[Likeness, list[int], float]] = [
        *(("graph", group, 1.0) for group in _same_graph(graphs, {one.graph for one in templates})),
        *(("weights", group, share) for group, share in _joined(same_weights)),
        *(("source", group, share) for group, share in _joined(same_source)),
    ]
    found.sort(key=lambda one: (_ORDER.index(one[0]), -len(one[1]), one[1]))
    return tuple(
        Cluster(likeness=kind, ids=tuple(ids[place] for place in group), share=share, of=len(ids))
        for kind, group, share in found
    )


def _same_graph(graphs: Sequence[str | None], given_out: Container[str | None]) -> Iterator[list[int]]:
    holders: dict[str, list[int]] = {}
    for place, one in enumerate(graphs):
        if one is not None and one not in given_out:
            holders.setdefault(one, []).append(place)
    for group in holders.values():
        if len(group) >= 2 and not (len(group) > _FEW and 3 * len(group) >= len(graphs)):
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
