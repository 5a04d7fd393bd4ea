from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelcheck.grading.alike import clusters
from modelcheck.grading.alike.prints import Cluster, Fingerprint


def compared(course: Mapping[str, Fingerprint], templates: Sequence[Fingerprint] = ()) -> tuple[Cluster, ...]:
    """The groups of those who are alike, whose ids may come in any order."""
    return clusters.clusters(sorted(course.items()), templates)
