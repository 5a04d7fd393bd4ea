"""Captures taken apart, changed and put together again by hand."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from typing import Any

import torch
from torch import nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts.compute import compute_facts
from modelcheck.graph.capture import capture_from_bytes

SHAPE = (1, 8, 8)
TENSOR, NODE, INPUT = ({"is": kind, "id": 0} for kind in ("tensor", "node", "input"))


@cache
def good() -> bytes:
    """An honest capture: convolution, batch norm, ReLU, dropout, pooling, linear."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Dropout(0.2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(2, 10),
    )  # fmt: skip
    return capture_model(net, SHAPE).to_bytes()


def parts() -> tuple[dict[str, Any], bytes]:
    """``graph.json``, decoded anew, and the bytes of the weights."""
    with zipfile.ZipFile(io.BytesIO(good())) as archive:
        return json.loads(archive.read("graph.json")), archive.read("weights.safetensors")


def archive(graph: object, weights: bytes, *, compression: int = zipfile.ZIP_STORED, **more: bytes) -> bytes:
    """The bytes of a file of those members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as target:
        target.writestr("graph.json", graph if isinstance(graph, bytes) else json.dumps(graph))
        target.writestr("weights.safetensors", weights)
        for name, data in more.items():
            target.writestr(name, data)
    return buffer.getvalue()


def node(op: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """One node as it stands in the file."""
    return {"op": op, "args": list(args), "kwargs": kwargs}


def with_nodes(*nodes: dict[str, Any]) -> bytes:
    """A capture whose two graphs are these nodes, with the last one's value as output."""
    graph, weights = parts()
    side = {"nodes": list(nodes), "outputs": [{"is": "node", "id": len(nodes) - 1}]}
    graph["train"] = graph["evaluation"] = side
    return archive(graph, weights)


def use(data: bytes) -> None:
    """What every command does with a capture that somebody sent."""
    compute_facts(capture_from_bytes(data))
