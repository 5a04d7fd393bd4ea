"""Every fact of every animal of the zoo."""

from __future__ import annotations

import pytest
import torch

from tests.facts.describe import facts
from tests.facts.zoo import ZOO
from tests.facts.zoo.animal import found


@pytest.mark.parametrize("name", ZOO)
def test_every_fact_is_the_one_by_formula(name: str) -> None:
    torch.manual_seed(0)
    animal = ZOO[name]
    assert found(facts(animal.make(), animal.shape)) == animal.known.facts()


def test_there_are_enough_of_them() -> None:
    assert len(ZOO) >= 45
