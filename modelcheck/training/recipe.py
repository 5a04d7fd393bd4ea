"""Recipes: how a model is trained, in a file. The presets are ``recipes/*.toml``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelcheck.errors import UsageError
from modelcheck.names import unknown_name
from modelcheck.strict import from_table, read_toml

PRESETS = Path(__file__).parent / "recipes"
DEFAULT_RECIPE = "fast"

# Upper bounds keep TOML's ``inf`` and ``nan`` out, which would only show as a diverged training.
Rate = Annotated[float, Meta(gt=0, le=1000)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Angle = Annotated[float, Meta(ge=0, le=180)]
Factor = Annotated[float, Meta(gt=0, le=100)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]

OptimizerName = Literal["adagrad", "adamw", "muon", "sgd"]
Precision = Literal["auto", "bfloat16", "float32"]


class OptimizerOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which optimiser, and its constants.

    ``momentum`` and ``nesterov`` are for sgd and muon. ``decay_vectors`` says whether weight decay also holds for
    parameters of one dimension: biases, and the scales of normalisation. ``muon`` is for matrices, a kernel being one
    with a row for each output; all else goes by AdamW, at the learning rate times ``vector_factor``.
    """

    name: OptimizerName
    learning_rate: Rate
    momentum: Fraction = 0.0
    nesterov: bool = False
    weight_decay: Fraction = 0.0
    decay_vectors: bool = True
    vector_factor: Factor = 1.0

    def __post_init__(self) -> None:
        if self.name not in ("muon", "sgd") and (self.momentum or self.nesterov):
            raise ValueError(f"momentum and nesterov belong to sgd and muon, and the optimizer is {self.name}")
        if self.name != "muon" and self.vector_factor != 1.0:
            raise ValueError(f"vector_factor belongs to muon, and the optimizer is {self.name}")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the learning rate moves: not at all, or up to a peak in ``warm_up`` of all steps and down to 0."""

    kind: Literal["constant", "one-cycle"] = "constant"
    warm_up: Fraction = 0.2


class Selection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which images an epoch shows: from ``from_epoch`` on the ``fraction`` whose loss was highest when last seen."""

    fraction: Annotated[float, Meta(gt=0, le=1)] = 1.0
    from_epoch: Annotated[int, Meta(ge=2, le=1_000_000)] = 2


class Augmentation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One random affine per image; each amount is drawn uniformly from its range.

    ``degrees`` and ``shear_degrees`` are half-widths around 0; so is ``shift``, a fraction of the side, drawn
    for each axis. ``zoom`` is the range of the factor, drawn for each axis unless ``zoom_alike``. ``fill`` is
    what comes in from outside: a grey value from 0 to 255, or the nearest pixel.
    """

    degrees: Angle = 0.0
    shift: Fraction = 0.0
    zoom: tuple[Factor, Factor] = (1.0, 1.0)
    zoom_alike: bool = False
    shear_degrees: Annotated[float, Meta(ge=0, le=80)] = 0.0
    interpolation: Literal["nearest", "bilinear"] = "bilinear"
    fill: Annotated[float, Meta(ge=0, le=255)] | Literal["nearest"] = 0.0

    def __post_init__(self) -> None:
        if self.zoom[0] > self.zoom[1]:
            raise ValueError(f"zoom is [smallest, largest], and {self.zoom[0]} is above {self.zoom[1]}")


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that decides a training besides the model, the data and the seed.

    ``name`` is not a key of the file: a preset's name, or the file's for one of the user's own.
    ``clip_norm`` limits the norm of all gradients together; 0: no limit.
    """

    name: str
    epochs: Count
    batch_size: Annotated[int, Meta(ge=2, le=1_000_000)]
    optimizer: OptimizerOptions
    schedule: Schedule = Schedule()
    selection: Selection = Selection()
    augmentation: Augmentation = Augmentation()
    normalize: bool = True
    channels_last: bool = False
    precision: Precision = "float32"
    clip_norm: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0


def recipe_names() -> tuple[str, ...]:
    """Names of the presets, sorted."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.toml")))


def load_recipe(name_or_path: str | Path = DEFAULT_RECIPE) -> Recipe:
    """The preset of that name, or the recipe in a TOML file.

    Args:
        name_or_path: a ``Path``, or a string with a separator or the ending ``.toml``, is a file; all else
            is a name.

    Raises:
        UsageError: no preset has that name, the file is not there or no TOML, or one of its keys is unknown
            or has a wrong value.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and path.suffix != ".toml" and path.name == name_or_path:
        if name_or_path not in recipe_names():
            text = unknown_name("recipe", name_or_path, recipe_names())
            raise UsageError(f"{text} A recipe of your own is given as a path that ends in .toml.")
        return _read(PRESETS / f"{name_or_path}.toml", name_or_path)
    return _read(path, path.name)


def _read(path: Path, name: str) -> Recipe:
    try:
        table = read_toml(path)
    except FileNotFoundError as error:
        text = unknown_name("recipe", path.stem, recipe_names())
        raise UsageError(f"{path}: no such file; or, without the path and .toml, {text}") from error
    return from_table(table, Recipe, path, name=name)
