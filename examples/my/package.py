from torch import nn


def make_net(width: int = 8) -> nn.Module:
    """A network of two convolutions."""
    return nn.Sequential(
        nn.Conv2d(1, width, 3, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, 10, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
