"""Recipes: how a model is trained, in a file. The presets are ``recipes/*.toml``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelcheck.errors import UsageError
from modelcheck.names import unknown_name
from modelcheck.strict import from_table, no_such_toml, read_toml

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
    """Which optimiser, and its constants."""

    name: Annotated[OptimizerName, Meta(description="muon is for matrices, all else goes by AdamW")]
    learning_rate: Annotated[Rate, Meta(description="the highest of the schedule")]
    momentum: Annotated[Fraction, Meta(description="of sgd and muon")] = 0.0
    nesterov: Annotated[bool, Meta(description="look ahead by the momentum; of sgd and muon")] = False
    weight_decay: Annotated[Fraction, Meta(description="pulls weights towards 0")] = 0.0
    decay_vectors: Annotated[
        bool,
        Meta(description="decay parameters of one dimension too: biases, and the scales of normalisation"),
    ] = True
    vector_factor: Annotated[
        Factor,
        Meta(description="of muon: the factor of the learning rate for what is no matrix; a kernel is one"),
    ] = 1.0

    def __post_init__(self) -> None:
        if self.name not in ("muon", "sgd") and (self.momentum or self.nesterov):
            raise ValueError(f"momentum and nesterov belong to sgd and muon, and the optimizer is {self.name}")
        if self.name != "muon" and self.vector_factor != 1.0:
            raise ValueError(f"vector_factor belongs to muon, and the optimizer is {self.name}")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the learning rate moves."""

    kind: Annotated[
        Literal["constant", "one-cycle"], Meta(description="one-cycle: straight up to the peak and straight down to 0")
    ] = "constant"
    warm_up: Annotated[Fraction, Meta(description="of one-cycle: the part of all steps that goes up")] = 0.2


class Selection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which images an epoch shows."""

    fraction: Annotated[
        float, Meta(gt=0, le=1, description="of the training images: those whose loss was highest when last seen")
    ] = 1.0
    least: Annotated[
        Count, Meta(description="so many images are shown at any rate: little data makes too few steps as it is")
    ] = 2
    from_epoch: Annotated[int, Meta(ge=2, le=1_000_000, description="the epochs before it show all images")] = 2


class Augmentation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One random affine per image; each amount is drawn uniformly from its range."""

    degrees: Annotated[Angle, Meta(description="the largest rotation, either way")] = 0.0
    shift: Annotated[
        Fraction, Meta(description="the largest shift along each axis, either way, as a fraction of the side")
    ] = 0.0
    zoom: Annotated[tuple[Factor, Factor], Meta(description="the least and the greatest factor")] = (1.0, 1.0)
    zoom_alike: Annotated[bool, Meta(description="one factor for both axes, not one for each")] = False
    shear_degrees: Annotated[float, Meta(ge=0, le=80, description="the largest shear, either way")] = 0.0
    interpolation: Annotated[
        Literal["nearest", "bilinear"], Meta(description="how a place between pixels gets its value")
    ] = "bilinear"
    fill: Annotated[
        Annotated[float, Meta(ge=0, le=255)] | Literal["nearest"],
        Meta(description="what comes in from outside: a grey value, or the nearest pixel"),
    ] = 0.0

    def __post_init__(self) -> None:
        if self.zoom[0] > self.zoom[1]:
            raise ValueError(f"zoom is [smallest, largest], and {self.zoom[0]} is above {self.zoom[1]}")


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that decides a training besides the model, the data and the seed.

    ``name`` is no key of the file: a preset's name, or the file's for one of the user's own.
    """

    name: str
    epochs: Annotated[Count, Meta(description="how often the training set is gone through; --epochs overrules it")]
    batch_size: Annotated[int, Meta(ge=2, le=1_000_000, description="images in a step")]
    optimizer: OptimizerOptions
    schedule: Schedule = Schedule()
    selection: Selection = Selection()
    augmentation: Augmentation = Augmentation()
    normalize: Annotated[bool, Meta(description="subtract the data set's mean and divide by its deviation")] = True
    precise_bn: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="so many training images, augmented, are shown once more at the end, with fixed weights and "
            "without dropout, and batch norm's running statistics are those of these images; 0: as training left them",
        ),
    ] = 0
    channels_last: Annotated[bool, Meta(description="the memory format in which convolutions are fast")] = False
    precision: Annotated[
        Precision, Meta(description="what is computed in; auto is bfloat16 where the hardware has instructions for it")
    ] = "float32"
    clip_norm: Annotated[
        float, Meta(ge=0, le=1_000_000, description="the largest norm of all gradients together; 0: no limit")
    ] = 0.0


def recipe_names() -> tuple[str, ...]:
    """Names of the presets, sorted."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.toml")))


def preset_text(name: str) -> str:
    """The preset's file.

    Raises:
        UsageError: no preset has that name.
    """
    if name not in recipe_names():
        raise UsageError(unknown_name("recipe", name, recipe_names()))
    return (PRESETS / f"{name}.toml").read_text(encoding="utf-8")


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
        raise no_such_toml(path, "recipe", recipe_names()) from error
    return from_table(table, Recipe, path, name=name)
