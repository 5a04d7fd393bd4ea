"""The command that marks a course."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import modelcheck
from modelcheck.cli_options import PolicyOption, SeedOption

if TYPE_CHECKING:
    from modelcheck.grading.marking import Marked

_MOST_NAMED = 10
_RUN, _AUTHORS = "How it runs", "The authors' code"


def add_grade(app: typer.Typer, say: Callable[[str], None]) -> None:
    """Add the command; ``say`` tells a person on stderr."""

    @app.command()
    def grade(
        paths: Annotated[
            list[Path] | None,
            typer.Argument(
                metavar="PATH…",
                help="A folder of submissions, as a course platform hands it out or one entry each: a sub-folder, .py, "
                ".ipynb, .zip or .tar.gz. A file is one submission.",
                show_default=False,
            ),
        ] = None,
        policy: PolicyOption = None,
        out: Annotated[
            Path, typer.Option("--out", "-o", metavar="DIR", help="Where the results go; a second run goes on there.")
        ] = Path("results"),
        train: Annotated[
            bool | None,
            typer.Option(
                "--train/--no-train",
                help="Train each model, or score its weights. By default where the policy asks for an accuracy.",
                show_default=False,
            ),
        ] = None,
        roster: Annotated[
            Path | None,
            typer.Option(
                "--roster",
                metavar="FILE.csv",
                help="Columns id, name, submitted, due: what is late, and who handed in nothing.",
                show_default=False,
            ),
        ] = None,
        regrade: Annotated[
            list[str] | None,
            typer.Option(
                "--regrade",
                metavar="all|failed|ID",
                help="Mark anew what has not changed. An ID may be repeated.",
                rich_help_panel=_RUN,
                show_default=False,
            ),
        ] = None,
        jobs: Annotated[
            int | None,
            typer.Option(
                "--jobs",
                "-j",
                min=1,
                help="How many at a time. By default one a core where there are many.",
                rich_help_panel=_RUN,
                show_default=False,
            ),
        ] = None,
        scheduler: Annotated[
            str | None,
            typer.Option(
                metavar="tcp://HOST:PORT",
                help="A Dask scheduler, whose workers do the work (docs/cluster.md).",
                rich_help_panel=_RUN,
                show_default=False,
            ),
        ] = None,
        sandbox: Annotated[
            str,
            typer.Option(
                metavar="auto|bubblewrap|process|none",
                help="What keeps the authors' code in. Without any it may do what you may do, and must be asked for.",
                rich_help_panel=_AUTHORS,
            ),
        ] = "auto",
        time_limit: Annotated[
            float, typer.Option(metavar="S", min=1, help="Seconds on the clock.", rich_help_panel=_AUTHORS)
        ] = 60.0,
        memory_limit: Annotated[
            int, typer.Option(metavar="MIB", min=256, help="Memory beyond torch's own.", rich_help_panel=_AUTHORS)
        ] = 4096,
        check_sandbox: Annotated[
            bool,
            typer.Option(
                "--check-sandbox",
                help="Show what the sandbox holds back on this machine, and exit: 0 where that is everything, else 1.",
                rich_help_panel=_AUTHORS,
            ),
        ] = False,
        seed: SeedOption = 0,
    ) -> None:
        """Mark a course: every submission in a folder, in a sandbox, into a gradebook that an interruption cannot hurt.

        The results are DIR/index.html and a page for each submission, DIR/grades.csv and DIR/gradebook.db; of what came
        from Canvas or Moodle also canvas.csv or moodle.csv, which those import. The same command again marks what is
        new or has changed. Submissions that are alike are told, less what grading.templates names in the policy;
        there grading.score = "weights" scores the weights that were handed in. The exit status is 0 when everything
        was marked, whatever the marks.

        **Examples**

        `modelcheck grade submissions/ --policy mnist-20k --out results`

        `modelcheck grade monday/ tuesday/ --policy policy.toml --roster roster.csv --out results --regrade failed`
        """
        if check_sandbox:
            sys.exit(_checked(sandbox))
        if not paths:
            raise modelcheck.UsageError("grade needs a PATH: a folder of submissions (modelcheck grade --help)")
        from rich.console import Console

        from modelcheck.marking_progress import MarkingProgress
        from modelcheck.policy import load_policy

        if load_policy(policy).name is None:
            say("modelcheck: no policy, so nothing is required and whatever runs passes; --policy NAME|FILE names one")
        try:
            with MarkingProgress(Console(stderr=True)) as progress:
                marked = modelcheck.grade(
                    paths,
                    policy=policy,
                    out=out,
                    train=train,
                    roster=roster,
                    regrade=cast(Any, regrade[0] if regrade in (["all"], ["failed"]) else regrade or ()),
                    jobs=jobs,
                    scheduler=scheduler,
                    sandbox=cast(Any, sandbox),
                    time_limit_s=time_limit,
                    memory_limit_mib=memory_limit,
                    seed=seed,
                    watcher=progress,
                )
        except KeyboardInterrupt:
            say(f"modelcheck: interrupted; what was marked is in {out}, and the same command goes on")
            sys.exit(130)
        for text in _told(marked):
            say(f"modelcheck: {text}")
        say(f"modelcheck: {progress.summary()}; see {marked.out / 'index.html'}")


def _told(marked: Marked) -> Iterator[str]:
    """What the table of grades does not show."""
    from modelcheck.author_trace import printable
    from modelcheck.words import counted, listed

    if marked.gone:
        kept = counted(marked.gone, "more grade")
        yield f"the gradebook keeps {kept}, of what was not named now; the tables and index.html leave them out"
    if marked.missing:
        names = [printable(one.name or one.id, 60) for one in marked.missing[:_MOST_NAMED]]
        more = [f"{len(marked.missing) - _MOST_NAMED:,} more"] if len(marked.missing) > _MOST_NAMED else []
        yield f"{len(marked.missing):,} on the roster handed in nothing: {listed([*names, *more])}"


def _checked(sandbox: str) -> int:
    """Print what holds; 0 where all does."""
    from rich.console import Console
    from rich.table import Table

    from modelcheck.grading.sandbox import check, choose

    chosen = choose(cast(Any, sandbox))
    found = check(chosen)
    console = Console()
    table = Table("", "holds", "evidence", title=f"sandbox {chosen.name}", title_justify="left")
    for one in found:
        table.add_row(one.name, "yes" if one.holds else "NO", one.evidence)
    console.print(table)
    for text in chosen.weaker:
        console.print(f"weaker: {text}", highlight=False, markup=False)
    return int(not all(one.holds for one in found))
