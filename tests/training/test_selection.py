from __future__ import annotations

import torch

from modelcheck.training.recipe import Selection
from modelcheck.training.selection import Order

CPU = torch.device("cpu")


def order(**options: float) -> Order:
    return Order(12, Selection(**options), torch.Generator().manual_seed(1), CPU)  # type: ignore[arg-type]


def test_without_a_selection_all_images_come_in_another_order_each_epoch() -> None:
    everything = order()
    first, second = everything.draw(1), everything.draw(2)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(12))
    assert not torch.equal(first, second)


def test_from_its_epoch_on_the_hardest_come_in_an_order_of_their_own() -> None:
    hardest = order(fraction=1 / 3, from_epoch=3)
    hardest.note(torch.arange(12), torch.arange(12).float())
    assert [hardest.count(epoch) for epoch in (1, 2, 3, 4)] == [12, 12, 4, 4]
    assert len(hardest.draw(2)) == 12
    drawn = [hardest.draw(3) for _ in range(8)]
    assert {tuple(sorted(one.tolist())) for one in drawn} == {(8, 9, 10, 11)}
    assert len({tuple(one.tolist()) for one in drawn}) > 1


def test_an_image_that_became_harder_than_others_comes_back() -> None:
    hardest = order(fraction=0.25)
    hardest.note(torch.arange(12), torch.arange(12).float())
    assert sorted(hardest.draw(2).tolist()) == [9, 10, 11]
    hardest.note(torch.tensor([9, 10, 11]), torch.zeros(3))
    assert sorted(hardest.draw(3).tolist()) == [6, 7, 8]


def test_what_was_never_seen_comes_first() -> None:
    hardest = order(fraction=0.25)
    hardest.note(torch.arange(2, 12), torch.full((10,), 5.0))
    assert {0, 1} < set(hardest.draw(2).tolist())


def test_two_images_at_least_are_left() -> None:
    assert order(fraction=0.01).count(2) == 2


def test_so_many_are_shown_at_any_rate() -> None:
    assert order(fraction=0.25, least=6).count(2) == 6
    assert order(fraction=0.75, least=6).count(2) == 9
    assert order(fraction=0.25, least=100).count(2) == 12
