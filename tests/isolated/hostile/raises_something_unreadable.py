import torch.nn as nn


class Odd(BaseException):
    def __str__(self):
        raise self


class Net(nn.Module):
    def __init__(self):
        raise Odd
