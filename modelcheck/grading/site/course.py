"""What the pages tell of a course beside its grades."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from modelcheck.grading.records import Grade
from modelcheck.policy import Policy
from modelcheck.rules.base import RangeOptions
from modelcheck.rules.mc501_accuracy import AccuracyOptions


@dataclass(frozen=True)
class Course:
    """What all submissions share: the policy that they are judged by."""

    policy: Policy = field(default_factory=Policy)

    @property
    def title(self) -> str:
        """The policy's title, else its name."""
        return self.policy.title or self.policy_name or "Grades"

    @property
    def policy_name(self) -> str | None:
        """The policy's name; of a file without its folders, which are nobody's business."""
        return Path(self.policy.name).name if self.policy.name else None

    @property
    def budget(self) -> int | None:
        """The most parameters that the policy allows."""
        options = self.policy.settings.get("parameter-budget")
        return options.max if isinstance(options, RangeOptions) else None

    @property
    def threshold(self) -> float | None:
        """The accuracy that the policy asks for."""
        options = self.policy.settings.get("accuracy")
        return options.min if isinstance(options, AccuracyOptions) and options.min else None


def who(grade: Grade) -> str | None:
    """Whose the submission is, as the roster or the platform names them; None where neither does."""
    members = [one.name or one.student for one in grade.group]
    return ", ".join(filter(None, members)) or grade.name or grade.student
