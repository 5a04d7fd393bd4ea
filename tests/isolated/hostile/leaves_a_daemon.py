import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import torch.nn as nn

SLEEP = "import time, sys; time.sleep(1000)"


def note(pid):
    with Path("daemons").open("a") as file:
        file.write(f"{pid}\n")


def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            note(os.getpid())
            time.sleep(1000)
        os._exit(0)


def child():
    process = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
    note(process.pid)


class Net(nn.Module):
    daemon()
    child()
    threading.Thread(target=time.sleep, args=(1000,)).start()

    def forward(self, x):
        return x.flatten(1)
