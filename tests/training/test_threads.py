from __future__ import annotations

import time

import pytest
import torch

from modelcheck.training.threads import computing_with


def test_the_number_asked_for_computes_and_the_one_before_comes_back() -> None:
    before = torch.get_num_threads()
    with computing_with(1, lambda: None):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    with computing_with(None, lambda: None):
        assert torch.get_num_threads() == before


def test_auto_takes_what_is_fastest() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    tried = []

    def slow_but_for_two() -> None:
        tried.append(torch.get_num_threads())
        time.sleep(0.001 if torch.get_num_threads() == 2 else 0.02)

    try:
        with computing_with("auto", slow_but_for_two):
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)
    assert set(tried) == {1, 2, 4}


def test_the_number_comes_back_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="broken"), computing_with(before + 1, lambda: None):
        raise ValueError("broken")
    assert torch.get_num_threads() == before
