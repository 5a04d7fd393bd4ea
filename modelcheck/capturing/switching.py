"""The graph in evaluation mode, made from the one in training mode by switching batch norm and dropout over."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from torch import nn

from modelcheck.capturing.mode_reading import BATCH_NORMS, DROPOUTS
from modelcheck.capturing.tree import own_attributes
from modelcheck.graph.operators import KINDS
from modelcheck.graph.wire import Argument, Graph, Node, NodeRef, TensorInfo, TensorRef, Value

_COUNTER = "num_batches_tracked"
_FLAGS = {"batch-norm": 5, "dropout": 2}  # the position of ``training`` among the arguments


def switched(train: Graph, modules: Sequence[tuple[str, nn.Module]], tensors: Sequence[TensorInfo]) -> Graph | None:
    """The evaluation graph of a model whose code does not ask for its mode; None where that cannot be told.

    Args:
        train: the training graph.
        modules: the tree, with paths, which the nodes' ``module`` counts through.
        tensors: the capture's table.
    """
    nodes: list[Node] = []
    moved: dict[int, int] = {}
    for index, node in enumerate(train.nodes):
        _, module = modules[node.module]
        if _counts(node, module, tensors):
            continue
        at = _FLAGS.get(KINDS[node.op])
        if at is not None and node.args[at] is not False:
            training = _in_evaluation(module)
            if training is None:
                return None
            node = msgspec.structs.replace(node, args=(*node.args[:at], training, *node.args[at + 1 :]))
        moved[index] = len(nodes)
        try:
            nodes.append(_renumbered(node, moved))
        except KeyError:
            return None
    outputs, further = (tuple(_referring(one, moved) for one in those) for those in (train.outputs, train.further))
    return Graph(nodes=tuple(nodes), outputs=outputs, further=further)


def _counts(node: Node, module: nn.Module, tensors: Sequence[TensorInfo]) -> bool:
    """Whether a node counts the batches that a batch norm has seen."""
    counter = node.args[0] if node.op == "aten.add_.Tensor" else None
    named = isinstance(counter, TensorRef) and any(path.endswith(_COUNTER) for path in tensors[counter.id].paths)
    return named and type(module) in BATCH_NORMS


def _in_evaluation(module: nn.Module) -> bool | None:
    """What a layer gives its operator for ``training`` in evaluation mode; None for what is no such layer."""
    if type(module) in DROPOUTS:
        return False
    if type(module) in BATCH_NORMS:
        own = own_attributes(module)
        kept = [own["_buffers"].get(name) is not None for name in ("running_mean", "running_var")]
        # with statistics that are not kept up, the operator gets other arguments in each mode
        return None if len({*kept, bool(own.get("track_running_stats"))}) > 1 else not all(kept)
    return None


def _renumbered(node: Node, moved: dict[int, int]) -> Node:
    args = tuple(_argument(one, moved) for one in node.args)
    return msgspec.structs.replace(node, args=args, kwargs={k: _argument(v, moved) for k, v in node.kwargs.items()})


def _argument(argument: Argument, moved: dict[int, int]) -> Argument:
    if isinstance(argument, list):
        return [NodeRef(moved[one.id]) if isinstance(one, NodeRef) else one for one in argument]
    return NodeRef(moved[argument.id]) if isinstance(argument, NodeRef) else argument


def _referring(output: Value, moved: dict[int, int]) -> Value:
    return NodeRef(moved[output.id]) if isinstance(output, NodeRef) else output
