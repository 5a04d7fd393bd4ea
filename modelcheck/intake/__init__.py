"""What is handed in, before any of it is run: archives are unpacked, folders searched, and sources read as text.

No code of the author's runs here, and no torch is imported.
"""

from __future__ import annotations

from modelcheck.intake.archives import is_archive, unpacked
from modelcheck.intake.folders import sources
from modelcheck.intake.limits import LIMITS, Limits

__all__ = ["LIMITS", "Limits", "is_archive", "sources", "unpacked"]
