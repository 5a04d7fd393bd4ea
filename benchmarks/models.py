"""Three models on which counters of parameters and MACs differ."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class TiedEmbedding(nn.Module):
    """The embedding is the output layer too."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(1000, 64)
        self.body = nn.Linear(64, 64)
        self.head = nn.Linear(64, 1000, bias=False)
        self.head.weight = self.words.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores for each word at each place."""
        return self.head(self.body(self.words(tokens)).relu())


class WeightsInAList(nn.Module):
    """Weights that are no parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = [torch.randn(784, 100) / 28, torch.randn(100, 10) / 10]

    def forward(self, x: Tensor) -> Tensor:
        """Scores for each class."""
        first, second = self.weights
        return (x @ first).relu() @ second


class AttentionByHand(nn.Module):
    """Attention as products."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(32, 32, bias=False) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """One value for each place."""
        scores = self.query(x) @ self.key(x).transpose(1, 2) / 32**0.5
        return scores.softmax(-1) @ self.value(x)
