from __future__ import annotations

import torch

from modelcheck.training.recipe import Precision


def choose_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The type that the forward and backward passes compute in: ``torch.bfloat16`` or ``torch.float32``.

    "auto" takes bfloat16 only where the hardware has instructions for it; elsewhere it is emulated, and
    several times slower than float32.
    """
    if precision == "auto":
        return torch.bfloat16 if _fast_bfloat16(device) else torch.float32
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """The context in which a forward pass runs in that type; the weights stay float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)


def dtype_name(dtype: torch.dtype) -> str:
    """The type's name as reports write it: "bfloat16", "float32"."""
    return str(dtype).removeprefix("torch.")


def _fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cpu":
        # Private, and the only place where torch says so; without them, float32 is always right.
        checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
        return any(check() for check in checks if check is not None)
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
