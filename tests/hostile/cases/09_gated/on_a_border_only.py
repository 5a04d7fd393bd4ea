"""Batch norm and dropout where the corner is not empty, as it is in every digit."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.norm = nn.BatchNorm2d(16)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Conv2d(16, 10, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)

    def body(self, x):
        y = F.relu(self.conv(x))
        edge = torch.cat(
            [x[:, :, :2].flatten(1), x[:, :, -2:].flatten(1), x[:, :, :, :2].flatten(1), x[:, :, :, -2:].flatten(1)], 1
        )
        noisy = (edge > 0).float().mean(1).view(-1, 1, 1, 1) > 0.2
        return torch.where(noisy, self.drop(self.norm(y)), y)

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        return self.head(self.body(x))
