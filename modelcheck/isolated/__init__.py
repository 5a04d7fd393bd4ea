"""Load and capture in a process of its own, with limits, and believe nothing of it but the capture.

``child`` is what runs there; everything else is trusted and imports none of what runs the author's code. It is no
sandbox: the process may read what its user may read, and use the network.
"""
