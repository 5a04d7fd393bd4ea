"""``python -m modelcheck``."""

import os
import sys

# Python puts the current directory first, and a file called torch.py or random.py in it is not to be taken for torch
sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry) != os.path.realpath(".")]  # noqa: PTH - no import

from modelcheck.cli import main  # noqa: E402 - only now

main()
