"""What is kept of a submission so that it can be compared with all others."""

from __future__ import annotations

from collections.abc import Mapping

from modelcheck.grading.alike.graphs import graph_digest, live_operators
from modelcheck.grading.alike.prints import Fingerprint
from modelcheck.grading.alike.sketch import packed
from modelcheck.grading.alike.source import source_keys
from modelcheck.grading.alike.weights import tensor_scalars
from modelcheck.graph.capture import Capture
from modelcheck.graph.model import GraphModel


def fingerprint(capture: Capture | None, sources: Mapping[str, str], scored: GraphModel | None = None) -> Fingerprint:
    """The fingerprint of a submission or of a course's template.

    Args:
        capture: checked; None where nothing could be captured, or where the template is no model.
        sources: Python by file name, as ``reading.source_texts`` gives it; read as text only.
        scored: the capture with the weights that were handed in, where those are what is scored.
    """
    source = packed(source_keys(sources))
    if capture is None:
        return Fingerprint(source=source)
    return Fingerprint(
        graph=graph_digest(capture.header),
        operators=live_operators(capture.header),
        tensors=tensor_scalars(scored or GraphModel(capture, copy=False)),
        source=source,
    )
