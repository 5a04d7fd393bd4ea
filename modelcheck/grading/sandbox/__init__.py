"""Where the author's code is loaded and captured: without data, labels, network or rights, and within limits.

Each sandbox is a file: ``bubblewrap``, ``process`` and ``none``. The modules ``server``, ``namespaces`` and
``confinement`` run in the sandbox; everything else is trusted, and imports none of what runs the author's code.
"""

from __future__ import annotations

from modelcheck.grading.sandbox.checking import Check, check
from modelcheck.grading.sandbox.choosing import Capturer, Sandbox, SandboxName, choose

__all__ = ["Capturer", "Check", "Sandbox", "SandboxName", "check", "choose"]
