"""Parameters and MACs of timm's and transformers' models against torch's own counts of the same modules.

Run by hand: python benchmarks/model_zoos.py [NAME …]. Models are built from their configuration, without pretrained
weights; timm's on the meta device where their constructor allows it, with the input of their default configuration.
"""

from __future__ import annotations

import sys

sys.path.append(sys.path.pop(0))  # this folder last: it has an inspect.py, and everybody imports Python's

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

os.environ["HF_HUB_OFFLINE"] = "1"

import timm
import torch
import transformers
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import modelcheck
from modelcheck.facts.structs import Facts

# one small model of each of timm's families, but for those whose smallest is huge
TIMM = """
    beit_base_patch16_224 eca_botnext26ts_256 mobileone_s1 repvgg_a0 cait_xxs24_224 coat_tiny convit_tiny
    convmixer_768_32 convnext_atto_rms convnextv2_atto cpubone_nano crossvit_tiny_240 csatv2 cs3darknet_focus_s
    cspnext_tiny davit_tiny deit_tiny_distilled_patch16_224 densenet121 dla46x_c dpn48b edgenext_xx_small
    efficientformer_l1 efficientformerv2_s0 mobilenetv2_050 efficientnet_b0 efficientvim_m1 efficientvit_b0
    efficientvit_m0 eva02_tiny_patch14_224 fasternet_t0 fastvit_s12 focalnet_tiny_srf gcvit_xxtiny ghostnet_050
    hardcorenas_b hgnetv2_b0 hiera_tiny_224 hieradet_small hrnet_w18_small iformer_s inception_next_atto
    inception_resnet_v2 inception_v3 inception_v4 lcnetv2_small levit_128s lowformer_b0 mambaout_femto
    coatnet_pico_rw_224 maxvit_pico_rw_256 caformer_s18 poolformer_s12 gmixer_12_224 resmlp_12_224 mixer_s32_224
    mobilenetv3_small_050 mobilenetv5_base mobilevit_xxs mobilevitv2_050 mvitv2_tiny nest_tiny nextvit_small
    nf_regnet_b0 dm_nfnet_f0 pit_xs_224 pvt_v2_b0 rdnet_tiny regnetx_002 repghostnet_050 repvit_m1 res2net50_14w_8s
    resnest14d resnet18 resnetv2_18 rexnet_100 selecsls42 legacy_seresnet18 sequencer2d_s shvit_s1 skresnet18
    starnet_s050 swiftformer_xs swin_tiny_patch4_window7_224 swinv2_tiny_window8_256 swinv2_cr_tiny_224
    tiny_vit_5m_224 tnt_s_legacy_patch16_224 tresnet_m twins_svt_small vgg11 visformer_tiny
    vit_xsmall_patch16_clip_224 vit_tiny_r_s16_p8_224 vit_srelpos_small_patch16_224 samvit_base_patch16_224
    vitamin_small_224 volo_d1_224 ese_vovnet19b_slim_dw legacy_xception xception41p xcit_nano_12_p8_224
"""

_SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
_VISION = {"image_size": 32, "patch_size": 8, **_SIZES}
_STAGES = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 2, 1]}
_LANGUAGE = {"vocab_size": 100, "max_position_embeddings": 32, **_SIZES}
_IMAGE, _TOKENS = (3, 64, 64), "input_ids:16:int64"

# by their class: what its configuration is given, and one sample's input
TRANSFORMERS: dict[str, tuple[dict[str, object], tuple[int, ...] | str]] = {
    "ViTModel": (_VISION, (3, 32, 32)),
    "DeiTModel": (_VISION, (3, 32, 32)),
    "BeitModel": (_VISION, (3, 32, 32)),
    "Dinov2Model": (_VISION, (3, 32, 32)),
    "CLIPVisionModel": (_VISION, (3, 32, 32)),
    "SiglipVisionModel": (_VISION, (3, 32, 32)),
    "ConvNextV2Model": (_STAGES, _IMAGE),
    "PoolFormerModel": (_STAGES, _IMAGE),
    "RegNetModel": ({"embedding_size": 8, "groups_width": 8, **_STAGES}, _IMAGE),
    "ResNetModel": ({"embedding_size": 8, **_STAGES}, _IMAGE),
    "SegformerModel": (
        {"num_attention_heads": [1, 2, 3, 4], "hidden_sizes": [8, 16, 24, 32], "depths": [1] * 4},
        _IMAGE,
    ),
    "SwinModel": (
        {"image_size": 32, "patch_size": 2, "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4},
        (3, 32, 32),
    ),
    "WhisperEncoder": (
        {
            "d_model": 32,
            "encoder_layers": 2,
            "encoder_attention_heads": 4,
            "encoder_ffn_dim": 64,
            "num_mel_bins": 20,
            "max_source_positions": 50,
        },
        (20, 100),
    ),
    "BertModel": (_LANGUAGE, _TOKENS),
    "RobertaModel": ({"pad_token_id": 1, **_LANGUAGE}, _TOKENS),
    "DistilBertModel": (
        {"vocab_size": 100, "max_position_embeddings": 32, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
        _TOKENS,
    ),
    "AlbertModel": ({"embedding_size": 16, **_LANGUAGE, "num_hidden_layers": 4}, _TOKENS),
    "ElectraModel": ({"embedding_size": 16, **_LANGUAGE}, _TOKENS),
    "DebertaV2Model": ({"relative_attention": True, "pos_att_type": ["p2c", "c2p"], **_LANGUAGE}, _TOKENS),
    "GPT2LMHeadModel": ({"vocab_size": 100, "n_positions": 32, "n_embd": 32, "n_layer": 2, "n_head": 4}, _TOKENS),
    "OPTModel": (
        {
            "vocab_size": 100,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "ffn_dim": 64,
            "max_position_embeddings": 32,
            "word_embed_proj_dim": 32,
        },
        _TOKENS,
    ),
    "T5EncoderModel": (
        {"vocab_size": 100, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4},
        _TOKENS,
    ),
    "LlamaModel": ({"num_key_value_heads": 2, **_LANGUAGE}, _TOKENS),
    "MambaModel": ({"vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}, _TOKENS),
}


@dataclass(frozen=True)
class Counts:
    """A model's parameters and multiply-adds, as torch counts them."""

    parameters: int
    macs: int


def main(chosen: list[str]) -> None:
    """Print one row a model, and how many agree."""
    print("| model | parameters | found | MACs (M) | found (M) | receptive field | capture | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    exact = near = exported = 0
    for name in chosen:
        model, given = build(name)
        wanted = counts(model, given)
        start = time.perf_counter()
        facts = modelcheck.inspect(model, input=given).facts
        seconds = time.perf_counter() - start
        if facts is None:
            print(
                f"| {name} | {wanted.parameters:,} | | {wanted.macs / 1e6:,.2f} | | | failed | {seconds:.1f} |",
                flush=True,
            )
            continue
        exact += facts.parameters.total == wanted.parameters
        near += abs(facts.macs - wanted.macs) <= 0.01 * wanted.macs
        field, capture = "", "walked"
        if isinstance(facts, Facts):
            exported += 1
            field, capture = "×".join(map(str, facts.receptive_field or [facts.receptive_field_kind])), "exported"
        print(
            f"| {name} | {wanted.parameters:,} | {facts.parameters.total:,} | {wanted.macs / 1e6:,.2f} "
            f"| {facts.macs / 1e6:,.2f} | {field} | {capture} | {seconds:.1f} |",
            flush=True,
        )
    print(
        f"\nparameters exact for {exact}, MACs within 1 % for {near} and graphs exported of {exported} of {len(chosen)}"
    )


def build(name: str) -> tuple[nn.Module, tuple[int, ...] | str]:
    """The model and one sample's input."""
    torch.manual_seed(0)
    if name in TRANSFORMERS:
        options, given = TRANSFORMERS[name]
        return of_transformers(name, options).eval(), given
    model = _on_meta(lambda: timm.create_model(name, pretrained=False))
    return model.eval(), tuple(model.pretrained_cfg["input_size"])


def of_transformers(name: str, options: dict[str, object]) -> nn.Module:
    """A model of transformers by the name of its class, with random weights."""
    whisper = transformers.models.whisper.modeling_whisper
    kind = getattr(whisper if name == "WhisperEncoder" else transformers, name)
    return kind(kind.config_class(**options))


def counts(model: nn.Module, given: tuple[int, ...] | str) -> Counts:
    """What torch counts of one sample, with attention's fast path off, which hides its work."""
    counter = FlopCounterMode(display=False)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    device = next(model.parameters()).device
    size = (1, 16) if isinstance(given, str) else (1, *given)
    tensor = torch.ones(size, dtype=torch.int64 if isinstance(given, str) else torch.float32, device=device)
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        model.requires_grad_(False)  # else the counter asks the outputs for gradients, which views do not have
        with torch.no_grad(), counter:
            model(tensor)
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
        for parameter in trained:
            parameter.requires_grad_(True)
    return Counts(sum(parameter.numel() for parameter in model.parameters()), counter.get_total_flops() // 2)


def _on_meta(make: Callable[[], nn.Module]) -> nn.Module:
    try:
        with torch.device("meta"):
            return make()
    except (NotImplementedError, RuntimeError):  # a constructor that computes with values
        return make().to("meta")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1:] or [*TIMM.split(), *TRANSFORMERS])
