from __future__ import annotations

collect_ignore = ["cases"]  # one of them has a conftest.py of its own
