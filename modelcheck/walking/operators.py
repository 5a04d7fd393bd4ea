"""Watches the operators that run: what each multiplies, and what it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from modelcheck.graph.operators import KINDS

# below autograd, where operators are taken apart already; these multiply, and the counter has no formula for them
_MULTIPLY = """
    mv dot vdot addmv addbmm bilinear _trilinear _addmm_activation _int_mm _grouped_mm _scaled_grouped_mm
    _weight_int4pack_mm _weight_int4pack_mm_for_cpu _weight_int8pack_mm _cdist_forward _pdist_forward
    grid_sampler_2d grid_sampler_3d _fft_r2c _fft_c2r _fft_c2c _cudnn_rnn miopen_rnn linalg_householder_product
    linalg_matrix_exp _linalg_svd _linalg_eigh _linalg_solve_ex linalg_solve_triangular triangular_solve cholesky_solve
    _native_multi_head_attention _transformer_encoder_layer_fwd _scaled_dot_product_attention_math
    _scaled_dot_product_fused_attention_overrideable _sparse_addmm sparse_sampled_addmm
"""
_MUST_COUNT = ("convolution", "linear", "product", "attention", "recurrent", "unformulated")
_RECURRENT = "aten.mkldnn_rnn_layer"

Tell = Callable[[str, int | None, list[torch.Tensor], Any], None]


class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, every operator that runs is told: its name, its multiply-adds, the tensors it reads, its result.

    Multiply-adds are those of ``torch.utils.flop_counter``, and None where an operator multiplies and has no formula.
    """

    supports_higher_order_operators = True  # their bodies run within it

    def __init__(self, tell: Tell) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tell = tell

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The operator's own result."""
        kwargs = kwargs or {}
        if not isinstance(func, torch._ops.OpOverload):
            return func(*args, **kwargs)
        if func._overloadpacket not in flop_registry and func is not torch.ops.prim.device.default:
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        read = list(_tensors((args, kwargs)))
        result = func(*args, **kwargs)
        self._tell(str(func), _multiply_adds(func, args, kwargs, result), read, result)
        return result


def _multiply_adds(func: torch._ops.OpOverload, args: Any, kwargs: Any, result: Any) -> int | None:
    packet = func._overloadpacket
    name = str(packet)
    if name == _RECURRENT:
        steps = args[0].numel() // max(args[0].shape[-1], 1)
        return steps * (args[1].numel() + args[2].numel())
    if packet in flop_registry:
        try:
            return int(flop_registry[packet](*args, **kwargs, out_val=result)) // 2
        except Exception:  # a formula that does not know this layout
            return None
    multiplies = name.removeprefix("aten.") in _MULTIPLY.split() or KINDS.get(str(func)) in _MUST_COUNT
    # what other libraries register may do anything
    return None if multiplies or not name.startswith(("aten.", "prim", "_c10d", "profiler.")) else 0


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    return (one for one in tree_leaves(value) if isinstance(one, torch.Tensor))
