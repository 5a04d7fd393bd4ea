import os
import signal

import torch.nn as nn


class Net(nn.Module):
    os.kill(os.getpid(), signal.SIGSTOP)
