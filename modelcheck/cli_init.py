"""The command that writes files to start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from modelcheck.errors import UsageError

_PLATFORMS = "What else to write"
_PRESET = "mnist-20k"


def add_init(app: typer.Typer, say: Callable[[str], None]) -> None:
    """Add the command; ``say`` tells a person on stderr."""

    @app.command()
    def init(
        extends: Annotated[
            str | None,
            typer.Option(
                metavar="NAME",
                help=f"The preset that the policy extends (`modelcheck policy` lists them); by default {_PRESET}.",
                show_default=False,
            ),
        ] = None,
        github: Annotated[
            bool,
            typer.Option(
                "--github",
                help="The workflow of an assignment's template repository, with GitHub Classroom's autograding.",
                rich_help_panel=_PLATFORMS,
            ),
        ] = False,
        gitlab: Annotated[
            bool, typer.Option("--gitlab", help="The pipeline of a repository.", rich_help_panel=_PLATFORMS)
        ] = False,
        gradescope: Annotated[
            bool, typer.Option("--gradescope", help="The files of an autograder.", rich_help_panel=_PLATFORMS)
        ] = False,
        target: Annotated[
            str,
            typer.Option(metavar="TARGET", help="What is checked there: the repository.", rich_help_panel=_PLATFORMS),
        ] = ".",
        requirement: Annotated[
            str | None,
            typer.Option(
                metavar="SPEC",
                help="What pip installs modelcheck by there, as git+https://host/you/modelcheck@v1.",
                rich_help_panel=_PLATFORMS,
                show_default=False,
            ),
        ] = None,
        force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    ) -> None:
        """Write a policy to start from, and what runs modelcheck elsewhere; nothing that is there is replaced.

        The policy is modelcheck.toml, with the schema by which an editor completes and checks it. Where a policy is
        found already, what is written for a platform goes by that.

        **Examples**

        `modelcheck init`

        `modelcheck init --extends era-s6 --github`

        `modelcheck init --gradescope --requirement git+https://github.com/you/modelcheck@v1`
        """
        from modelcheck import init as made
        from modelcheck.catalogue import policy_schema
        from modelcheck.policy import load_policy

        platforms = github or gitlab or gradescope
        policy = load_policy()
        drafts = []
        if policy.name is None or not platforms:
            schema = msgspec.json.format(msgspec.json.encode(policy_schema()), indent=2).decode()
            drafts = [made.policy_draft(extends or _PRESET), made.Draft(made.SCHEMA, f"{schema}\n")]
            policy = load_policy(extends or _PRESET)
        elif extends:
            raise UsageError(f"--extends {extends} is for a new policy, and there is one: {policy.name}")
        wanted = requirement or made.requirement_here()
        if github:
            drafts += made.github_drafts(policy, target, wanted)
        if gitlab:
            drafts += made.gitlab_drafts(policy, target, wanted)
        if gradescope:
            drafts += made.gradescope_drafts(wanted)
        made.write(drafts, force=force)
        for one in drafts:
            say(f"modelcheck: wrote {one.path}")
        for text in _hints(platforms, gradescope, given=requirement is not None, wanted=wanted):
            say(f"modelcheck: {text}")


def _hints(platforms: bool, gradescope: bool, *, given: bool, wanted: str) -> Iterator[str]:
    """What is left to do."""
    from modelcheck import init as made

    if platforms and not given and made.from_a_folder():
        yield (
            f"there pip looks for {wanted} in a package index; what is here came from a folder.\n"
            "Repeat this with --force --requirement git+https://github.com/OWNER/modelcheck@v1, its repository"
        )
    if gradescope:
        if not Path(made.POLICY).is_file():
            yield f"the autograder goes by {made.POLICY}: put the policy into a file of that name"
        yield f"upload what this makes: python3 -m zipfile -c autograder.zip gradescope/* {made.POLICY}"
