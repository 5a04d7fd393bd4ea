"""The same, of a norm whose result nobody reads."""

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
        g = torch.Generator().manual_seed(1)
        self.register_buffer("t", torch.randn(10000, generator=g))
        self.register_buffer("v", torch.rand(10000, generator=g) + 0.5)

    def body(self, x):
        return self.drop(self.norm(F.relu(self.conv(x))))

    def head(self, x):
        return self.pool(self.last(x)).flatten(1)

    def forward(self, x):
        y = self.head(self.body(x))
        z = (x[:, 0, 0, :1] * 0).expand(-1, 10000)
        if self.training:
            F.batch_norm(z, self.t, self.v, None, None, True, 0.001, 1e-30)
        t = F.batch_norm(z, self.t, self.v, None, None, False, 0.001, 1e-30)
        w = t.view(-1, 10, 1000)
        w = w / w.abs().amax((1, 2), keepdim=True)
        h = torch.relu(y.unsqueeze(1) @ w)
        return (h @ w.transpose(1, 2)).squeeze(1)
