"""What an object is, whatever it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from torch import nn


# type(value) cannot be deceived; isinstance asks value.__class__, which an object answers as it likes
def is_class(value: object) -> TypeGuard[type]:
    """Whether it is a class."""
    return issubclass(type(value), type)


def is_model(value: object) -> TypeGuard[nn.Module]:
    """Whether it is an ``nn.Module``."""
    return is_model_class(type(value))


def is_model_class(value: object) -> TypeGuard[type[nn.Module]]:
    """Whether it is a class of ``nn.Module``."""
    from torch import nn

    return is_class(value) and issubclass(value, nn.Module)
