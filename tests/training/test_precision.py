from __future__ import annotations

import pytest
import torch

from modelcheck.training.precision import autocast, choose_dtype, dtype_name


@pytest.mark.parametrize(
    ("avx512", "amx", "dtype"),
    [(False, False, torch.float32), (True, False, torch.bfloat16), (False, True, torch.bfloat16)],
)
def test_auto_takes_bfloat16_where_the_cpu_is_fast_at_it(
    monkeypatch: pytest.MonkeyPatch, cpu: torch.device, avx512: bool, amx: bool, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert choose_dtype("auto", cpu) == dtype


def test_auto_is_float32_where_torch_cannot_tell(monkeypatch: pytest.MonkeyPatch, cpu: torch.device) -> None:
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    assert choose_dtype("auto", cpu) == torch.float32
    assert choose_dtype("auto", torch.device("meta")) == torch.float32


def test_a_named_precision_is_taken(cpu: torch.device) -> None:
    assert dtype_name(choose_dtype("bfloat16", cpu)) == "bfloat16"
    assert dtype_name(choose_dtype("float32", cpu)) == "float32"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_the_context_computes_in_that_type(cpu: torch.device, dtype: torch.dtype) -> None:
    with autocast(cpu, torch.bfloat16), autocast(cpu, dtype):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
