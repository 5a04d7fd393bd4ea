"""Digests of a capture's weights, tensor by tensor, without their names and their order."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import torch

from modelcheck.graph.model import GraphModel, scalar_count

MAX_TENSORS = 1_024
_LEAST_SCALARS = 64  # of fewer nothing can be said
_LEAST_DISTINCT = 16
_SAMPLE = 10_000
_KOLMOGOROV = 2.5  # exceeded by eight of a million samples that are drawn so, times the root of their size


def tensor_scalars(model: GraphModel) -> dict[str, int]:
    """How many scalars each parameter holds, by a digest of its type, shape and numbers; the largest ``MAX_TENSORS``.

    What equal weights would say nothing of is left out: vectors, constants and other patterns, and weights that are
    spread evenly between two bounds, as torch draws them before any training. Every model is drawn under the same
    seed, so that unlike models have equal weights then, as far as they are built alike.
    """
    parameters = (one.detach() for one in model.parameters() if not one.is_meta)
    told = {_digest(one): scalar_count(one) for one in parameters if _tells(one)}
    return dict(sorted(told.items(), key=lambda one: (-one[1], one[0]))[:MAX_TENSORS])


def _digest(values: torch.Tensor) -> str:
    values = values.contiguous()
    digest = hashlib.blake2b(f"{values.dtype} {tuple(values.shape)}".encode(), digest_size=8)
    digest.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _tells(values: torch.Tensor) -> bool:
    """Whether nobody comes by the same numbers without having these."""
    if values.dim() < 2 or values.numel() < _LEAST_SCALARS or not values.dtype.is_floating_point:
        return False
    sample: npt.NDArray[np.float64] = values.reshape(-1)[:: -(-values.numel() // _SAMPLE)].double().numpy()
    return bool(np.isfinite(sample).all()) and len(np.unique(sample)) >= _LEAST_DISTINCT and not _is_even(sample)


def _is_even(sample: npt.NDArray[np.float64]) -> bool:
    """Whether the numbers look as if drawn evenly between two bounds (Kolmogorov & Smirnov's test)."""
    expected = (np.sort(sample) - sample.min()) / (sample.max() - sample.min())
    reached = np.arange(len(sample) + 1) / len(sample)
    distance = max(np.abs(reached[1:] - expected).max(), np.abs(reached[:-1] - expected).max())
    return bool(distance < _KOLMOGOROV / len(sample) ** 0.5)
