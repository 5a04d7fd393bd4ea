"""A small encoder of text, with two inputs."""

import torch
from torch import nn


class Bert(nn.Module):
    def __init__(self, words: int = 1000, width: int = 32, longest: int = 128) -> None:
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.places = nn.Embedding(longest, width)
        layer = nn.TransformerEncoderLayer(width, nhead=4, dim_feedforward=64, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.classes = nn.Linear(width, 2)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.words(tokens) + self.places.weight[: tokens.shape[1]]
        x = self.encoder(x, src_key_padding_mask=mask)
        return self.classes(x[:, 0])
