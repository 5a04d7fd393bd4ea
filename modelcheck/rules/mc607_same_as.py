from __future__ import annotations

from modelcheck.report import Alike
from modelcheck.rules.base import Decision, NotRun, Options, Problem, Rule, Subject
from modelcheck.words import counted, listed

_SAID = {
    "graph": "the same graph, up to names and order",
    "weights": "the same weights",
    "source": "nearly the same source",
}


class SameAs(Rule):
    """Other submissions have the same graph, the same weights or nearly the same source.

    ## What it checks

    Where a course is graded, each submission is compared with all others, in three ways:

    - The **graph** that runs, in training and in evaluation: operators, their numbers, and the shapes of the weights.
      Names, order of registration, layers that are never used, lines and files do not count.
    - The **weights**, tensor by tensor and to the bit, without their names: at least half of the smaller model's. What
      is constant, or spread evenly as torch draws it before any training, does not count.
    - The **source** of all Python files and notebooks, with names, comments, text and layout taken out: at least 75 %
      of what is the smaller one's own. Order does not count, and nor does what stands between.

    Templates of the course are subtracted, and so is what the course has in common: a graph that a third of it hands
    in, and weights and source that more than half of it share. Up to three submissions that are alike are always told.
    The finding says how many are alike. Which ones they are is in the course's overview, which students do not get.

    ## Why it matters

    It shows a reader where to look. It is no accusation: a book, a tutorial, work in a group, or one small assignment
    with one good answer explain likeness too. So it is advice whatever the policy says, and costs no points.

    ## Bad

    Two submissions: the names and the order of the layers differ, and the graphs do not.

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 8, 3)
            self.norm = nn.BatchNorm2d(8)
            self.head = nn.Linear(8, 10)

        def forward(self, x):
            x = self.norm(self.conv(x)).relu()
            return self.head(x.mean((2, 3)))

    class MyModel(nn.Module):
        def __init__(self):
            super().__init__()
            self.classifier = nn.Linear(8, 10)
            self.features = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU())

        def forward(self, images):
            maps = self.features(images)
            return self.classifier(maps.mean((2, 3)))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 8, 3)
            self.norm = nn.BatchNorm2d(8)
            self.head = nn.Linear(8, 10)

        def forward(self, x):
            x = self.norm(self.conv(x)).relu()
            return self.head(x.mean((2, 3)))

    class MyModel(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(1, 12, 5), nn.BatchNorm2d(12), nn.ReLU())
            self.classifier = nn.Linear(12, 10)

        def forward(self, images):
            maps = self.features(images)
            return self.classifier(maps.mean((2, 3)))
    ```

    ## Options

    ```toml
    [rules]
    same-as = "error"    # "error" is taken for "advice": nobody fails for being like others; "off" compares nothing
    ```

    ## Known limits

    Another operator for the same result (`AvgPool2d(6)` for a mean, `view` for `flatten`) makes another graph. Models
    that draw their weights from a normal distribution under one seed have equal weights where they are built alike. Of
    source, 1 MiB a submission are compared. Graphs of fewer than five operators and source of fewer than about four
    lines are anybody's, and are not compared.
    """

    code = "MC607"
    name = "same-as"
    kind = "advice"
    needs_course = True

    def check(self, subject: Subject, options: Options) -> Decision:
        """One problem for each way in which others are alike; none of them decides anything."""
        compared = subject.compared
        if compared is None:
            raise NotRun("submissions are compared where a course is graded")
        others = counted(compared.submissions - 1, "other submission")
        told = [_told(one) for one in compared.alike]
        if not told:
            return Decision("like no other submission")  # whose number is left out: one more changes no such report
        evidence = f"of {others}, {listed(told)}"
        return Decision(evidence, tuple(_problem(one, others) for one in compared.alike))


def _told(one: Alike) -> str:
    part = f" ({_percent(one)})" if one.share < 1 else ""
    return f"{one.others:,} with {_SAID[one.likeness]}{part}"


def _problem(one: Alike, others: str) -> Problem:
    have = "has" if one.others == 1 else "have"
    part = f" (at least {_percent(one)} of the smaller)" if one.share < 1 else ""
    message = f"{one.others:,} of {others} {have} {_SAID[one.likeness]}{part}; this tells what is alike and not why"
    return Problem(message, severity="advice")


def _percent(one: Alike) -> str:
    return f"{int(one.share * 100)} %"
