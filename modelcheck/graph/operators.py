"""The allow-list: every operator that a captured graph may hold, and nothing else ever runs.

``torch.ops.aten`` as a whole is not safe (``aten.from_file`` reads and writes files), so operators are listed one by
one: no I/O, no storages, no generators, no strings but the few in ``WORDS``. Adding one is its name in the line of its
kind and a test. The kind is what facts are made from: an operator of a *weighted* kind must have a formula for its
MACs, and an operator of kind ``free`` has none by definition (bias, normalisation, activation and moving data around
are not counted).
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import torch

Kind = Literal[
    "convolution", "linear", "product", "attention", "recurrent", "normalisation", "batch-norm", "dropout",
    "average-pool", "max-pool", "activation", "softmax", "mean", "sum", "view", "elementwise", "free", "unformulated",
    "symbolic",
]  # fmt: skip

_ATEN: dict[Kind, str] = {
    "convolution": """
        conv1d.default conv1d.padding conv2d.default conv2d.padding conv3d.default conv3d.padding
        conv_transpose1d.default conv_transpose2d.input conv_transpose3d.input convolution.default""",
    "linear": "linear.default addmm.default addmv.default bilinear.default",
    "product": """
        mm.default bmm.default mv.default dot.default vdot.default matmul.default einsum.default baddbmm.default
        addbmm.default inner.default tensordot.default""",
    "attention": "scaled_dot_product_attention.default",
    "recurrent": """
        lstm.input gru.input rnn_tanh.input rnn_relu.input lstm_cell.default gru_cell.default rnn_tanh_cell.default
        rnn_relu_cell.default""",
    "batch-norm": "batch_norm.default",
    "normalisation": """
        layer_norm.default native_layer_norm.default group_norm.default instance_norm.default rms_norm.default
        linalg_vector_norm.default norm.ScalarOpt_dim norm.Scalar norm.ScalarOpt_dim_dtype renorm.default""",
    "dropout": """
        dropout.default dropout_.default feature_dropout.default feature_dropout_.default alpha_dropout.default
        alpha_dropout_.default feature_alpha_dropout.default feature_alpha_dropout_.default""",
    "average-pool": """
        avg_pool1d.default avg_pool2d.default avg_pool3d.default adaptive_avg_pool1d.default
        adaptive_avg_pool2d.default adaptive_avg_pool3d.default""",
    "max-pool": """
        max_pool1d.default max_pool2d.default max_pool3d.default max_pool1d_with_indices.default
        max_pool2d_with_indices.default max_pool3d_with_indices.default adaptive_max_pool1d.default
        adaptive_max_pool2d.default adaptive_max_pool3d.default""",
    "activation": """
        relu.default relu_.default relu6.default relu6_.default hardtanh.default hardtanh_.default leaky_relu.default
        leaky_relu_.default elu.default elu_.default selu.default selu_.default celu.default celu_.default gelu.default
        gelu_.default silu.default silu_.default mish.default mish_.default hardswish.default hardswish_.default
        hardsigmoid.default hardsigmoid_.default sigmoid.default sigmoid_.default tanh.default tanh_.default
        softplus.default softshrink.default hardshrink.default prelu.default threshold.default threshold_.default
        log_sigmoid.default glu.default rrelu.default rrelu_.default""",
    "softmax": """
        softmax.int log_softmax.int _softmax.default _log_softmax.default logsumexp.default""",
    "mean": "mean.default mean.dim nanmean.default",
    "sum": "sum.default sum.dim_IntList",
    "view": """
        view.default reshape.default flatten.using_ints unflatten.int permute.default transpose.int t.default
        squeeze.default squeeze.dim squeeze.dims unsqueeze.default view_as.default reshape_as.default contiguous.default
        clone.default alias.default detach.default detach_.default lift_fresh_copy.default swapaxes.default
        swapdims.default movedim.int movedim.intlist moveaxis.int moveaxis.intlist numpy_T.default
        adjoint.default matrix_H.default mT.default mH.default ravel.default squeeze_.default squeeze_.dim
        unsqueeze_.default to.dtype to.dtype_layout to.device to.other _to_copy.default type_as.default to.prim_Device
        positive.default _unsafe_view.default""",
    "elementwise": """
        add.Tensor add.Scalar add_.Tensor add_.Scalar sub.Tensor sub.Scalar sub_.Tensor sub_.Scalar rsub.Tensor
        rsub.Scalar subtract.Tensor mul.Tensor mul.Scalar mul_.Tensor mul_.Scalar multiply.Tensor multiply.Scalar
        div.Tensor div.Scalar div_.Tensor div_.Scalar div.Tensor_mode div.Scalar_mode true_divide.Tensor divide.Tensor
        floor_divide.default floor_divide.Scalar remainder.Tensor remainder.Scalar fmod.Tensor fmod.Scalar
        addcmul.default addcmul_.default addcdiv.default addcdiv_.default lerp.Tensor lerp.Scalar
        pow.Tensor_Scalar pow.Tensor_Tensor pow.Scalar pow_.Scalar square.default sqrt.default sqrt_.default
        rsqrt.default reciprocal.default exp.default exp_.default exp2.default expm1.default log.default log_.default
        log2.default log10.default log1p.default abs.default abs_.default neg.default neg_.default sign.default
        sgn.default sin.default cos.default tan.default sinh.default cosh.default asin.default acos.default
        atan.default atan2.default erf.default erfc.default floor.default ceil.default round.default round.decimals
        trunc.default frac.default clamp.default clamp.Tensor clamp_.default clamp_min.default clamp_min_.default
        clamp_max.default clamp_max_.default clip.default maximum.default minimum.default max.other min.other
        logaddexp.default heaviside.default xlogy.Tensor nan_to_num.default complex.default real.default imag.default
        view_as_real.default view_as_complex.default conj.default angle.default logit.default hypot.default""",
    "free": """
        eq.Tensor eq.Scalar ne.Tensor ne.Scalar lt.Tensor lt.Scalar le.Tensor le.Scalar gt.Tensor gt.Scalar ge.Tensor
        ge.Scalar logical_and.default logical_or.default logical_not.default logical_xor.default bitwise_and.Tensor
        bitwise_and.Scalar bitwise_or.Tensor bitwise_or.Scalar bitwise_xor.Tensor bitwise_xor.Scalar
        bitwise_not.default __and__.Tensor __or__.Tensor bitwise_left_shift.Tensor_Scalar
        bitwise_right_shift.Tensor_Scalar isnan.default isinf.default isfinite.default
        where.self where.ScalarOther where.ScalarSelf where.Scalar masked_fill.Scalar masked_fill.Tensor
        masked_fill_.Scalar masked_fill_.Tensor
        max.default max.dim min.default min.dim amax.default amin.default aminmax.default argmax.default argmin.default
        var.default var.dim var.correction std.default std.dim std.correction var_mean.correction var_mean.dim
        std_mean.correction std_mean.dim prod.default prod.dim_int cumsum.default cumprod.default all.default all.dim
        any.default any.dim median.default median.dim topk.default sort.default sort.stable argsort.default
        argsort.stable kthvalue.default count_nonzero.default count_nonzero.dim_IntList
        expand.default expand_as.default repeat.default repeat_interleave.self_int tile.default cat.default
        concat.default concatenate.default stack.default hstack.default vstack.default split.Tensor split.sizes
        split_with_sizes.default chunk.default tensor_split.sections unbind.int select.int slice.Tensor narrow.default
        index.Tensor index_select.default gather.default take_along_dim.default scatter.src scatter.value
        scatter_add.default index_add.default index_put.default index_put_.default index_copy.default
        roll.default flip.default rot90.default diagonal.default diag.default diag_embed.default tril.default
        triu.default tril_.default triu_.default meshgrid.default meshgrid.indexing
        pad.default constant_pad_nd.default reflection_pad1d.default reflection_pad2d.default reflection_pad3d.default
        replication_pad1d.default replication_pad2d.default replication_pad3d.default
        pixel_shuffle.default pixel_unshuffle.default channel_shuffle.default unfold.default im2col.default
        col2im.default upsample_nearest1d.default upsample_nearest1d.vec upsample_nearest2d.default
        upsample_nearest2d.vec upsample_nearest3d.vec _upsample_nearest_exact2d.vec upsample_linear1d.vec
        upsample_linear1d.default upsample_bilinear2d.vec upsample_bilinear2d.default _upsample_bilinear2d_aa.vec
        upsample_bicubic2d.vec upsample_bicubic2d.default _upsample_bicubic2d_aa.vec upsample_trilinear3d.vec
        zeros.default zeros_like.default ones.default ones_like.default full.default full_like.default arange.default
        arange.start arange.start_step linspace.default eye.default eye.m empty.memory_format empty_like.default
        new_zeros.default new_ones.default new_full.default new_empty.default scalar_tensor.default
        zero_.default fill_.Scalar fill_.Tensor fill.Scalar copy_.default one_hot.default
        rand.default rand_like.default randn.default randn_like.default bernoulli.default bernoulli.p
        bernoulli_.float bernoulli_.Tensor uniform_.default normal_.default exponential_.default
        randint.default randint.low
        randint_like.default randperm.default normal_functional.default
        embedding.default cosine_similarity.default l1_loss.default mse_loss.default
        cross_entropy_loss.default _weight_norm.default
        max_unpool2d.default
        fft_fftshift.default fft_ifftshift.default pairwise_distance.default kron.default outer.default
        sym_size.int sym_numel.default""",
    "unformulated": """
        grid_sampler.default grid_sampler_2d.default affine_grid_generator.default cdist.default _cdist_forward.default
        fft_fft.default fft_ifft.default fft_fft2.default fft_ifft2.default fft_rfft.default fft_irfft.default
        fft_rfft2.default fft_irfft2.default fft_fftn.default fft_ifftn.default
        linalg_householder_product.default matrix_exp.default linalg_matrix_exp.default linalg_solve.default""",
}  # fmt: skip

# how to round, pad, index and normalise, and how gelu is approximated
WORDS = frozenset(
    [
        "none",
        "tanh",
        "floor",
        "trunc",
        "reflect",
        "replicate",
        "circular",
        "constant",
        "valid",
        "same",
        "ij",
        "xy",
        "forward",
        "backward",
        "ortho",
    ]
)
EQUATION = re.compile(r"[A-Za-z.,\- >]{1,128}\Z")

MAX_PARTS = 2**16  # tensors that one operator makes
MAX_STEPS = 2**13  # of a recurrent layer, times its layers

DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name)
    for name in (
        "float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool", "complex64",
        "complex128",
    )
}  # fmt: skip
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
MEMORY_FORMATS: dict[str, torch.memory_format] = {
    name: getattr(torch, name) for name in ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d")
}
MEMORY_FORMAT_NAMES = {value: name for name, value in MEMORY_FORMATS.items()}


def _on_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, restricted to single numbers: ``[0] * 10**12`` is a list and a memory bomb."""

    def on_numbers(*values: Any) -> Any:
        if not all(isinstance(value, int | float) for value in values):
            raise TypeError(f"{function.__name__} takes numbers here")
        result = function(*values)
        if isinstance(result, int) and not -(2**63) <= result < 2**63:
            raise OverflowError(f"{function.__name__} gives a number beyond 64 bits")
        return result

    return on_numbers


def _item(values: Any, index: int) -> Any:
    """The element of an operator's several results."""
    if not isinstance(values, tuple | list) or not isinstance(index, int):
        raise TypeError("getitem takes several results and a number here")
    return values[index]


_SYMBOLIC: dict[str, Callable[..., Any]] = {
    f"operator.{name}": _on_numbers(getattr(operator, name))
    for name in ("add", "sub", "mul", "floordiv", "truediv", "mod", "neg", "eq", "ne", "lt", "le", "gt", "ge")
} | {
    "operator.getitem": _item,
    "math.floor": _on_numbers(math.floor),
    "math.ceil": _on_numbers(math.ceil),
    "math.trunc": _on_numbers(math.trunc),
    "torch.sym_max": _on_numbers(max),
    "torch.sym_min": _on_numbers(min),
    "torch.sym_float": _on_numbers(float),
    "torch.sym_int": _on_numbers(int),
    "torch.sym_not": _on_numbers(operator.not_),
}


def _zeros_for_empty(size: list[int], **options: Any) -> torch.Tensor:
    options.pop("memory_format", None)
    return torch.ops.aten.zeros.default(size, **options)


def _zeros_for_new_empty(tensor: torch.Tensor, size: list[int], **options: Any) -> torch.Tensor:
    return torch.ops.aten.new_zeros.default(tensor, size, **options)


def _parts(function: Callable[..., Any], count: Callable[..., int]) -> Callable[..., Any]:
    """The function, restricted in how many tensors it makes: one of 2**33 elements could become as many tensors."""

    def in_parts(tensor: torch.Tensor, *args: Any) -> Any:
        if count(tensor, *args) > MAX_PARTS:
            raise ValueError(f"a tensor is taken apart into more than {MAX_PARTS} tensors")
        return function(tensor, *args)

    return in_parts


def _split_count(tensor: torch.Tensor, size: int, dim: int = 0) -> int:
    return tensor.shape[dim] // max(size, 1)


def _steps(function: Callable[..., Any], states: int) -> Callable[..., Any]:
    """A recurrent layer, restricted in its steps, which run one by one even on meta tensors.

    A state for fewer layers than there are crashes torch's own code (2.15), so states and weights are counted first.
    """

    def in_steps(
        sequence: torch.Tensor, state: Any, weights: list[torch.Tensor], biases: bool, layers: int, *rest: Any
    ) -> Any:
        rows = layers * (2 if rest[2] else 1)
        given = [state] if isinstance(state, torch.Tensor) else state
        if max(sequence.shape[:2], default=0) * layers > MAX_STEPS:
            raise ValueError(f"a recurrent layer runs more than {MAX_STEPS} steps")
        if len(given) != states or any(one.dim() != sequence.dim() or one.shape[0] != rows for one in given):
            raise ValueError("a recurrent layer's state is not one for each of its layers")
        if layers < 1 or len(weights) not in [rows * each for each in ((4, 5) if biases else (2, 3))]:
            raise ValueError("a recurrent layer has another number of weights than its layers need")
        return function(sequence, state, weights, biases, layers, *rest)

    return in_steps


def _divided(value: torch.Tensor, other: Any, *, rounding_mode: str | None = None) -> torch.Tensor:
    """Div with a rounding mode; the smallest integer by minus one ends the process (SIGFPE) if torch divides it."""
    whole = not value.is_floating_point() and not value.is_complex() and not isinstance(other, float)
    if rounding_mode != "trunc" or not whole or (isinstance(other, torch.Tensor) and other.is_floating_point()):
        function = torch.ops.aten.div.Tensor_mode if isinstance(other, torch.Tensor) else torch.ops.aten.div.Scalar_mode
        return function(value, other, rounding_mode=rounding_mode)
    divisor = torch.as_tensor(other, device=value.device)
    safe = torch.where(divisor == -1, torch.ones_like(divisor), divisor)
    quotient = torch.ops.aten.div.Tensor_mode(value, safe, rounding_mode=rounding_mode)
    return torch.where(divisor == -1, -quotient, quotient)


# Served by an equal operator. Uninitialised memory is another process's secret, and view fails on channels_last.
_SERVED: dict[str, Callable[..., Any]] = {
    "aten.div.Tensor_mode": _divided,
    "aten.div.Scalar_mode": _divided,
    "aten.view.default": torch.ops.aten.reshape.default,
    "aten._unsafe_view.default": torch.ops.aten.reshape.default,
    "aten.empty.memory_format": _zeros_for_empty,
    "aten.empty_like.default": torch.ops.aten.zeros_like.default,
    "aten.new_empty.default": _zeros_for_new_empty,
    "aten.unbind.int": _parts(torch.ops.aten.unbind.int, lambda tensor, dim=0: tensor.shape[dim]),
    "aten.chunk.default": _parts(torch.ops.aten.chunk.default, lambda tensor, chunks, dim=0: chunks),
    "aten.split.Tensor": _parts(torch.ops.aten.split.Tensor, _split_count),
    "aten.tensor_split.sections": _parts(
        torch.ops.aten.tensor_split.sections, lambda tensor, sections, dim=0: sections
    ),
    "aten.lstm.input": _steps(torch.ops.aten.lstm.input, states=2),
    "aten.gru.input": _steps(torch.ops.aten.gru.input, states=1),
    "aten.rnn_tanh.input": _steps(torch.ops.aten.rnn_tanh.input, states=1),
    "aten.rnn_relu.input": _steps(torch.ops.aten.rnn_relu.input, states=1),
}


def _overload(name: str) -> Any:
    packet, overload = name.split(".")
    return getattr(getattr(torch.ops.aten, packet), overload)


KINDS: dict[str, Kind] = {
    f"aten.{name}": kind for kind, names in _ATEN.items() for name in names.split()
} | dict.fromkeys(_SYMBOLIC, "symbolic")


def is_allowed(name: str) -> bool:
    """Whether a graph may hold the operator of that name."""
    return name in KINDS


def implementation(name: str) -> Callable[..., Any]:
    """The function that serves an allowed operator.

    Raises:
        KeyError: the operator is not on the allow-list.
    """
    if name not in KINDS:
        raise KeyError(name)
    return _SYMBOLIC.get(name) or _SERVED.get(name) or _overload(name.removeprefix("aten."))


@cache
def schema(name: str) -> torch.FunctionSchema | None:
    """The operator's schema; None for arithmetic on shapes."""
    return None if name in _SYMBOLIC else _overload(name.removeprefix("aten."))._schema


@cache
def takes_device(name: str) -> bool:
    """Whether the operator makes a tensor from numbers alone, and so must be told where."""
    described = schema(name)
    return (
        described is not None
        and any(argument.name == "device" for argument in described.arguments)
        and not any("Tensor" in str(argument.type) for argument in described.arguments)
    )


def is_random(name: str) -> bool:
    """Whether the operator draws random numbers."""
    return name not in _SYMBOLIC and torch.Tag.nondeterministic_seeded in _overload(name.removeprefix("aten.")).tags
