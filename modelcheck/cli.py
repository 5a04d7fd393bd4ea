"""The command: reads arguments, calls the API, prints a format, exits."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import typer

import modelcheck
from modelcheck import completion
from modelcheck.cli_grade import add_grade
from modelcheck.cli_init import add_init
from modelcheck.cli_options import (
    OUTPUT,
    TRAINING,
    AlsoOption,
    ArgOption,
    DataDirOption,
    DatasetOption,
    DeviceOption,
    DownloadOption,
    FormatOption,
    IgnoreOption,
    InputOption,
    IsolatedOption,
    MinAccuracyOption,
    OutputOption,
    PickOption,
    PlotOption,
    PolicyOption,
    RecipeOption,
    SeedOption,
    SelectOption,
    StrictOption,
    TargetArgument,
)
from modelcheck.errors import ModelcheckError, UsageError
from modelcheck.files import check_writable, write_beside
from modelcheck.inputs import input_specs
from modelcheck.names import unknown_name
from modelcheck.words import SPARKS


class _Quick:
    """Takes flags and words as they are: to make sure of them, typer would import pydantic, which takes 0.1 s."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options and arguments, those of typer's own among them."""
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for one in found:
            if getattr(one, "is_flag", False) and one.default is None:
                one.default = False
            if getattr(getattr(one, "type_descriptor", None), "annotation", None) in (str, str | None):
                one.get_runtime_param = _Words  # an older typer has none, and imports no pydantic
        return found


class _Words:
    """What typer asks of a parameter whose value is a word or none."""

    def coerce(self, value: Any, **_: Any) -> Any:
        """The value, which the command line can only give as a word."""
        return value


class _Command(_Quick, typer.core.TyperCommand):
    """A command that answers at once."""


class _Group(_Quick, typer.core.TyperGroup):
    """A model in the place of a command is told what to do with it."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command, and what stands after it."""
        if not (ctx.resilient_parsing or args[0].startswith("-")) and any(mark in args[0] for mark in ".:/"):
            raise UsageError(f"{args[0]} is no command; did you mean: modelcheck inspect {args[0]}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="modelcheck",
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Check PyTorch models by the graph that runs: parameters, batch norm, dropout, global average pooling, "
    "shapes, MACs, receptive field. Train and score them on MNIST, without network.\n\n"
    "**To begin with**\n\n"
    "`modelcheck inspect net.py:Net`  what a model of yours is\n\n"
    "`modelcheck inspect reference_model:Net --policy mnist-20k`  what a policy says of one that passes it\n\n"
    "`modelcheck init`  a policy of your own, found from here on",
    epilog="Exit status: 0 passed · 1 a constraint is violated · 2 the command or the policy is wrong · "
    "3 the model could not be loaded, captured or run · 4 modelcheck itself failed.",
)

# what a page of characters without them (a Windows console, LANG=C) shows in their place
_PLAIN = str.maketrans(
    {"✔": "+", "✘": "x", "●": "*", "–": "-", "─": "-", "→": ">", "×": "x", "…": "~", "·": "-"}
    | dict(zip(SPARKS, ".:-=+*#@", strict=True))
)
# formats that a page of other characters may change; programs, which read the others, expect UTF-8
_FOR_PEOPLE = ("table", "concise")
_HINT = (
    "modelcheck: `modelcheck policy` lists the presets for --policy\n"
    "modelcheck: `modelcheck init` writes a policy of your own to start from"
)


class _Output(NamedTuple):
    """A format, and the file that it goes to; None is stdout."""

    format: str
    file: Path | None


def main() -> None:
    """Run the command; errors become one message and an exit status, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # a report must not fail on a character that the terminal does not have
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        completion.answer(app) if completion.SHELL in os.environ else app()
    except ModelcheckError as error:
        _say(f"modelcheck: {error}")
        sys.exit(error.exit_status)
    except BrokenPipeError:
        _drop_output()
        sys.exit(1)
    except Exception as error:  # whatever it is, it is ours: the author's errors are results
        _say(f"modelcheck: internal error: {type(error).__name__}: {error}")
        _say("This is a fault of modelcheck's, not of your model's. MODELCHECK_DEBUG=1 shows where; please report it.")
        if os.environ.get("MODELCHECK_DEBUG"):
            raise
        sys.exit(4)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """A Ctrl-C ends the command with one line; typer alone would say nothing."""
    try:
        yield
    except KeyboardInterrupt:
        _say("modelcheck: interrupted; nothing was saved")
        sys.exit(130)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"modelcheck {modelcheck.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Hold the options that belong to no command."""


@app.command()
def inspect(
    target: TargetArgument,
    policy: PolicyOption = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    strict: StrictOption = False,
    input_: InputOption = None,
    arg: ArgOption = None,
    pick: PickOption = None,
    isolated: IsolatedOption = False,
    format_: FormatOption = "table",
    output: OutputOption = None,
    also: AlsoOption = None,
) -> None:
    """Describe a model and check it against a policy.

    **Examples**

    `modelcheck inspect net.py:Net`

    `modelcheck inspect reference_model:Net --policy mnist-20k`

    `modelcheck inspect theirs.py:Net --isolated`

    `modelcheck inspect torchvision.models:resnet18 --input 3x224x224 --format json`
    """
    outputs = _outputs(format_, output, also, several=pick == "all")
    options = _shared(policy, input_, arg, select, ignore, strict, isolated)
    with _interruptible():
        if pick == "all" and isolated:
            raise UsageError("--pick all reads the files in this process: with --isolated name the models one by one")
        targets = _picked(target, pick)
        one = None if pick == "all" else cast(Any, pick)  # checked by _picked
        reports = [modelcheck.inspect(each, **options, pick=one) for each in targets]
    _finish(reports, outputs, several=pick == "all")


@app.command("train-eval")
def train_eval(
    target: TargetArgument,
    recipe: RecipeOption = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            metavar="N",
            min=1,
            help="Else the policy's, else the recipe's.",
            rich_help_panel=TRAINING,
            show_default=False,
        ),
    ] = None,
    seed: SeedOption = 0,
    runs: Annotated[
        int,
        typer.Option(
            "--runs",
            metavar="N",
            min=1,
            help="Build and train the model N times, under seeds that follow each other; mean ± standard deviation is "
            "reported.",
            rich_help_panel=TRAINING,
        ),
    ] = 1,
    dataset: DatasetOption = "mnist",
    data_dir: DataDirOption = None,
    download: DownloadOption = False,
    device: DeviceOption = "auto",
    threads: Annotated[
        str | None,
        typer.Option(
            "--threads",
            metavar="N|auto",
            help="How many compute: by default as many as there are cores; auto: as many as are fastest here and now.",
            rich_help_panel=TRAINING,
            show_default=False,
        ),
    ] = None,
    exact_dropout: Annotated[
        bool,
        typer.Option(
            "--exact-dropout",
            help="Draw dropout masks as torch does, not from a pool: much slower on a CPU.",
            rich_help_panel=TRAINING,
        ),
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="Start from these weights.",
            rich_help_panel=TRAINING,
            show_default=False,
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="FILE",
            help="Write the trained weights there, as safetensors, and a checkpoint beside them after each epoch.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from the checkpoint beside --save, where there is one.",
            rich_help_panel=TRAINING,
        ),
    ] = False,
    log: Annotated[
        Path | None,
        typer.Option(
            "--log",
            metavar="FILE.jsonl",
            help="Write a line of JSON there for the start and for each epoch as it is completed; with --resume, after "
            "what is there.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    plot: PlotOption = None,
    min_accuracy: MinAccuracyOption = None,
    policy: PolicyOption = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    strict: StrictOption = False,
    input_: InputOption = None,
    arg: ArgOption = None,
    isolated: IsolatedOption = False,
    format_: FormatOption = "table",
    output: OutputOption = None,
    also: AlsoOption = None,
) -> None:
    """Train a model, on MNIST by default, score it, and check both against a policy.

    **Examples**

    `modelcheck train-eval net.py:Net --epochs 1`

    `modelcheck train-eval net.py:Net --policy era-s6 --save net.safetensors`

    `modelcheck train-eval net.py:Net --recipe seed --min-accuracy 0.994`

    `modelcheck train-eval net.py:Net --plot curves.png --log epochs.jsonl`

    `modelcheck train-eval net.py:Net --dataset cifar10 --data-dir data --download`
    """
    from rich.console import Console

    from modelcheck.progress import TrainingProgress

    outputs = _outputs(format_, output, also)
    options = _shared(policy, input_, arg, select, ignore, strict, isolated)
    with _interruptible(), TrainingProgress(Console(stderr=True)) as observer:
        report = modelcheck.train_eval(
            target,
            **options,
            recipe=recipe,
            dataset=dataset,
            data_dir=data_dir,
            download=download,
            epochs=epochs,
            seed=seed,
            runs=runs,
            device=cast(Any, device),  # the API says which there are
            threads=_threads(threads),
            exact_dropout=exact_dropout,
            weights=weights,
            save=save,
            resume=resume,
            min_accuracy=min_accuracy,
            plot=plot,
            log=log,
            observer=observer,
        )
    _say_drawn(report, plot)
    interrupted = report.metrics is not None and report.metrics.interrupted
    if interrupted and report.metrics:
        where = f"its weights are in {save}" if save else "no weights were saved (--save FILE does)"
        _say(f"modelcheck: interrupted; what follows is after epoch {len(report.metrics.epochs)}, and {where}")
    _finish([report], outputs, interrupted=interrupted)


@app.command()
def evaluate(
    target: TargetArgument,
    weights: Annotated[
        Path,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="Safetensors, or a state dict. Pictures are normalised, unless the file says that its training did "
            "not do so (`--save` writes that).",
            show_default=False,
        ),
    ],
    dataset: DatasetOption = "mnist",
    data_dir: DataDirOption = None,
    download: DownloadOption = False,
    device: DeviceOption = "auto",
    plot: PlotOption = None,
    min_accuracy: MinAccuracyOption = None,
    policy: PolicyOption = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    strict: StrictOption = False,
    input_: InputOption = None,
    arg: ArgOption = None,
    isolated: IsolatedOption = False,
    format_: FormatOption = "table",
    output: OutputOption = None,
    also: AlsoOption = None,
) -> None:
    """Score weights that somebody trained.

    **Example**

    `modelcheck evaluate net.py:Net --weights net.safetensors --min-accuracy 0.994`
    """
    outputs = _outputs(format_, output, also)
    options = _shared(policy, input_, arg, select, ignore, strict, isolated)
    with _interruptible():
        report = modelcheck.evaluate(
            target,
            **options,
            weights=weights,
            dataset=dataset,
            data_dir=data_dir,
            download=download,
            device=cast(Any, device),  # the API says which there are
            min_accuracy=min_accuracy,
            plot=plot,
        )
    _say_drawn(report, plot)
    _finish([report], outputs)


@app.command()
def augment(
    preview: Annotated[
        Path,
        typer.Option(
            "--preview",
            metavar="FILE",
            help="Draw ten training images there, and what augmentation makes of each, ten times: .png, .svg or .pdf.",
            show_default=False,
        ),
    ],
    recipe: RecipeOption = None,
    seed: SeedOption = 0,
    dataset: DatasetOption = "mnist",
    data_dir: DataDirOption = None,
    download: DownloadOption = False,
) -> None:
    """Show what a recipe's augmentation makes of training images.

    **Example**

    `modelcheck augment --recipe seed-aug --preview grid.png`
    """
    from modelcheck.plots import check_figure

    check_figure(preview, "--preview")
    with _interruptible():
        from modelcheck.plots.augmented import augmented_figure
        from modelcheck.plots.style import write_figure
        from modelcheck.policy import load_policy
        from modelcheck.training.datasets import load_dataset
        from modelcheck.training.preview import augmented_images
        from modelcheck.training.recipe import DEFAULT_RECIPE, load_recipe

        taken = load_recipe(recipe or load_policy().training.recipe or DEFAULT_RECIPE)
        data = load_dataset(dataset, data_dir, download=download)
        images, augmented = augmented_images(data, taken.augmentation, seed)
        write_figure(augmented_figure(taken, images.numpy(), augmented.numpy()), preview)
    _say(f"modelcheck: wrote {preview}")


@app.command()
def capture(
    target: TargetArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.mcz", help="Where to write.", show_default=False)
    ],
    input_: InputOption = None,
    arg: ArgOption = None,
) -> None:
    """Write a model's graphs and weights to a file, which can be inspected and trained without its code.

    **Example**

    `modelcheck capture net.py:Net -o net.mcz && modelcheck inspect net.mcz`
    """
    if output.suffix != ".mcz":
        raise UsageError(f"--output {output}: a capture's file ends in .mcz, as in {output.stem or 'net'}.mcz")
    check_writable(output, "--output")
    with _interruptible():
        made = modelcheck.capture(target, input=input_specs(input_), arguments=_arguments(arg))
        made.save(output)
    _say(f"wrote {output} ({output.stat().st_size:,} bytes)")


@app.command(cls=_Command)
def rule(
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="[CODE|NAME]",
            help="A rule's code or name.",
            autocompletion=completion.rules,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show a rule's documentation; without one, list them.

    **Example**

    `modelcheck rule MC203`
    """
    from modelcheck.catalogue import print_catalogue, print_rule

    print_rule(key) if key else print_catalogue()


@app.command(cls=_Command)
def recipe(
    name: Annotated[
        str | None, typer.Argument(help="A preset.", autocompletion=completion.recipes, show_default=False)
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="The JSON Schema of recipe files.")] = False,
) -> None:
    """Show a recipe preset; without one, list them.

    **Examples**

    `modelcheck recipe fast`

    `modelcheck recipe fast > mine.toml`
    """
    from modelcheck.catalogue import print_recipe_schema, print_recipes
    from modelcheck.training.recipe import preset_text

    if schema:
        print_recipe_schema()
    elif name:
        typer.echo(preset_text(name), nl=False)
    else:
        print_recipes()


@app.command(cls=_Command)
def policy(
    name: Annotated[
        str | None, typer.Argument(help="A preset.", autocompletion=completion.policies, show_default=False)
    ] = None,
    schema: Annotated[
        bool,
        typer.Option("--schema", help="The JSON Schema of policy files, by which editors complete and check them."),
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check",
            metavar="FILE",
            help="Check a policy file: what it requires, or where it is wrong (exit status 2).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show a policy preset; without one, list them.

    **Examples**

    `modelcheck policy mnist-20k`

    `modelcheck policy mnist-20k > modelcheck.toml`

    `modelcheck policy --check modelcheck.toml`

    `modelcheck policy --schema > policy.schema.json`

    A policy whose first line is `#:schema ./policy.schema.json` is completed and checked by editors that know TOML.
    """
    from modelcheck.catalogue import check_policy, print_policies, print_policy_schema
    from modelcheck.policy import preset_text

    if (name is not None) + schema + (check is not None) > 1:
        raise UsageError("policy: a preset, --schema or --check FILE, one at a time")
    if schema:
        print_policy_schema()
    elif check:
        _print(f"{check_policy(check)}\n")
    elif name and name.endswith(".toml"):
        raise UsageError(f"policy {name}: a preset's name is expected; of a file: modelcheck policy --check {name}")
    elif name:
        typer.echo(preset_text(name), nl=False)
    else:
        print_policies()


def _shared(
    policy: str | None,
    input_: list[str] | None,
    arg: list[str] | None,
    select: list[str] | None,
    ignore: list[str] | None,
    strict: bool,
    isolated: bool,
) -> dict[str, Any]:
    return {
        "policy": policy,
        "input": input_specs(input_),
        "arguments": _arguments(arg),
        "select": select or (),
        "ignore": ignore or (),
        "strict": strict,
        "isolated": isolated,
    }


def _threads(given: str | None) -> Any:
    if given is None or given == "auto":
        return given
    if not given.isdecimal():
        raise UsageError(f"--threads: a number or auto is expected, not {given}")
    return int(given)


def _arguments(given: list[str] | None) -> dict[str, object]:
    from modelcheck.target import parse_arguments

    return parse_arguments(given or [])


def _picked(target: str, pick: str | None) -> Sequence[str]:
    """The targets to inspect: the one, or all that it holds."""
    if pick not in (None, "primary", "all", "largest"):
        raise UsageError(f"--pick: {unknown_name('choice', pick, ('primary', 'all', 'largest'))}")
    if pick != "all":
        return (target,)
    try:
        return modelcheck.candidates(target) or (target,)
    except modelcheck.AuthorError:  # which its report tells
        return (target,)


def _outputs(format_: str, output: Path | None, also: list[str] | None, *, several: bool = False) -> list[_Output]:
    """The formats of the report and where each goes, the main one first.

    What could not be written after the work is refused before it.
    """
    _check_format("--format", format_, several)
    if output is not None:
        check_writable(output, "--output")
    outputs = [_Output(format_, output)]
    for given in also or ():
        name, _, file = given.partition("=")
        if not file:
            raise UsageError(f"--also {given}: a format and a file are expected, as in sarif=report.sarif")
        _check_format("--also", name, several)
        check_writable(Path(file), "--also")
        outputs.append(_Output(name, Path(file)))
    return outputs


def _check_format(option: str, name: str, several: bool) -> None:
    from modelcheck.formats import format_names, takes_several

    if name not in format_names():
        raise UsageError(f"{option}: {unknown_name('format', name, format_names())}")
    if several and not takes_several(name):
        raise UsageError(f"{option} {name} is of one model: leave --pick all out, or name the model")


def _say_drawn(report: Any, plot: Path | None) -> None:
    if plot and report.metrics:
        _say(f"modelcheck: wrote {plot}")


def _finish(
    reports: Sequence[Any], outputs: Sequence[_Output], *, interrupted: bool = False, several: bool = False
) -> None:
    from rich.console import Console

    from modelcheck.formats import render_all, renderer
    from modelcheck.telling.verdict import is_required, verdict_line

    console = Console()
    for one in outputs:
        color = one.file is None and console.is_terminal and not console.no_color
        if several:
            text = render_all(one.format, reports, width=console.width, color=color)
        else:
            text = renderer(one.format)(reports[0], width=console.width, color=color)
        if one.file is not None:
            write_beside(one.file, text.encode())
            _say(f"modelcheck: wrote {one.file} (verdict: {', '.join(report.verdict for report in reports)})")
        else:
            if one.format not in _FOR_PEOPLE and not sys.stdout.isatty():
                with contextlib.suppress(AttributeError, ValueError):
                    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
            _print(text)
            if one.format == "table" and sys.stdout.isatty() and text.count("\n") >= console.height:
                for report in reports:  # whose first lines are no longer to be seen
                    _say(f"modelcheck: {verdict_line(report)}")
    if sys.stdout.isatty() and not any(is_required(report) for report in reports):
        _say(_HINT)
    sys.exit(130 if interrupted else max(report.exit_status for report in reports))


def _print(text: str) -> None:
    """Print, in plainer characters where the terminal has not all of them; a reader who left early is no error."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = text.translate(_PLAIN)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    except OSError as error:
        _drop_output()
        raise UsageError(f"cannot write the report: {error.strerror or error}") from None


def _drop_output() -> None:
    """Nobody reads stdout any more; without this Python complains about it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    """Tell a person on stderr, whatever the author's names may hold."""
    shown = "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode("ascii") for c in text)
    print(shown, file=sys.stderr)


add_grade(app, _say)
add_init(app, _say)


if __name__ == "__main__":
    main()
