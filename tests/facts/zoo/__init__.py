"""Small odd models, each with every scalar fact that is known of it, computed by formula beside it."""

from __future__ import annotations

from tests.facts.zoo import attention, convolutions, maps, recurrent, sharing, structure, weights
from tests.facts.zoo.animal import ZOO, Animal

__all__ = ["ZOO", "Animal", "attention", "convolutions", "maps", "recurrent", "sharing", "structure", "weights"]
