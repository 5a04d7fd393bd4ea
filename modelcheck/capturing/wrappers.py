"""Modules around a model that only say how it is run."""

from __future__ import annotations

from torch import nn

from modelcheck.capturing.tree import stored

# by the name of the class, as importing the compiler takes its time: where each keeps the model
_HELD_AS = {
    "torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
}


def unwrapped(model: nn.Module) -> nn.Module:
    """The model that was compiled or spread over devices; any other is given back as it is."""
    kind = type(model)
    held = stored(model, "_modules").get(_HELD_AS.get(f"{kind.__module__}.{kind.__qualname__}", ""))
    return unwrapped(held) if held is not None else model
