"""``python -m modelcheck``."""

import sys

# Python puts the current directory first, and a file called torch.py or random.py in it is not to be taken for torch
if not sys.flags.safe_path:
    del sys.path[0]

from modelcheck.cli import main

main()
