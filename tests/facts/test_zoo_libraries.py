"""Small models of timm and transformers against torch's own counts; benchmarks/model_zoos.py has one of each family."""

from __future__ import annotations

import pytest
import timm
import torch
import transformers
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from modelcheck.facts.structs import Facts
from modelcheck.inputs import input_specs
from tests.facts.describe import facts

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
WORDS = {"vocab_size": 30, "max_position_embeddings": 12, **SIZES}


def macs(model: nn.Module, sample: torch.Tensor) -> int:
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model.eval()(sample)
    return counter.get_total_flops() // 2


def found(model: nn.Module, sample: torch.Tensor, given: object) -> Facts:
    """The facts, of which those that torch knows too are as torch has them."""
    found = facts(model, given)
    assert found.parameters.total == sum(parameter.numel() for parameter in model.parameters())
    assert found.macs == macs(model.requires_grad_(False), sample)
    assert found.uncounted_operators == ()
    return found


def by_formula(windows: list[tuple[int, int]]) -> tuple[int, int]:
    """The field of windows in a row, each a kernel and a stride."""
    field = jump = 1
    for kernel, stride in windows:
        field, jump = field + (kernel - 1) * jump, jump * stride
    return field, field


STEM, BLOCK, DOWN = [(3, 2), (3, 1), (3, 1), (3, 2)], [(3, 1)] * 2, [(3, 2), (3, 1)]
WIDE, HALF = [(7, 1)], [(2, 2)]


@pytest.mark.parametrize(
    ("name", "options", "field"),
    [
        ("resnet10t", {}, by_formula([*STEM, *BLOCK, *DOWN * 3])),
        ("convnext_atto", {}, by_formula([(4, 4), *WIDE * 2, *HALF, *WIDE * 2, *HALF, *WIDE * 6, *HALF, *WIDE * 2])),
        ("mobilenetv3_small_050", {}, None),
        ("vit_tiny_patch16_224", {"img_size": 64, "depth": 2}, None),
        ("mixer_s32_224", {"img_size": 64}, None),
    ],
)
def test_a_model_of_timm(name: str, options: dict[str, object], field: tuple[int, int] | None) -> None:
    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False, **options)
    known = found(model, torch.empty(1, 3, 64, 64, device="meta"), (3, 64, 64))
    assert known.receptive_field == field
    assert known.receptive_field_kind == ("exact" if field else "unbounded")


def test_a_model_of_transformers_that_takes_pictures() -> None:
    model = transformers.ViTModel(transformers.ViTConfig(image_size=16, patch_size=4, **SIZES))
    known = found(model, torch.empty(1, 3, 16, 16), (3, 16, 16))
    assert (known.output_shape, known.receptive_field_kind) == ((17, 16), "unbounded")


@pytest.mark.parametrize("name", ["Bert", "Albert", "GPT2"])
def test_a_model_of_transformers_that_takes_tokens(name: str) -> None:
    options = {"embedding_size": 8} if name == "Albert" else {}
    model = getattr(transformers, f"{name}Model")(getattr(transformers, f"{name}Config")(**WORDS, **options))
    known = found(model, torch.ones(1, 8, dtype=torch.int64), input_specs("input_ids:8:int64"))
    assert (known.output_shape, known.receptive_field_kind) == ((8, 16), "none")
