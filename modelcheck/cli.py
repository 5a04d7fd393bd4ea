"""The command: reads arguments, calls the API, prints a format, exits."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import modelcheck
from modelcheck.errors import ModelcheckError, UsageError

app = typer.Typer(
    name="modelcheck",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Check PyTorch models by the graph that runs: parameters, batch norm, dropout, global average pooling, "
    "shapes, MACs, receptive field. Train and score them on MNIST, without network.",
    epilog="Exit status: 0 passed · 1 a constraint is violated · 2 the command or the policy is wrong · "
    "3 the model could not be loaded, captured or run · 4 modelcheck itself failed.",
)

_MODEL = "Model"
_RULES = "Rules"
_OUTPUT = "Output"
_TRAINING = "Training"

TargetArgument = Annotated[
    str,
    typer.Argument(
        help="A model: `pkg.mod:Net`, `pkg.mod:factory`, `path/net.py:Net` or a capture `net.mcz`. Without a name the "
        "only model in the file is taken.",
        show_default=False,
    ),
]
PolicyOption = Annotated[
    str | None,
    typer.Option(
        "--policy",
        "-p",
        metavar="NAME|FILE",
        help="What is required: a preset (`modelcheck policy` lists them) or a TOML file. Without it the nearest "
        "`modelcheck.toml` or `[tool.modelcheck]`, else nothing is required.",
        rich_help_panel=_RULES,
        show_default=False,
    ),
]
InputOption = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="CxHxW",
        help="Shape of one sample, such as 3x224x224; else the policy's, else 1x28x28.",
        rich_help_panel=_MODEL,
        show_default=False,
    ),
]
ArgOption = Annotated[
    list[str] | None,
    typer.Option(
        "--arg",
        metavar="NAME=VALUE",
        help="Argument for the constructor, a Python literal; may be repeated.",
        rich_help_panel=_MODEL,
        show_default=False,
    ),
]
FormatOption = Annotated[
    str, typer.Option("--format", "-f", metavar="FORMAT", help="table or json.", rich_help_panel=_OUTPUT)
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        metavar="FILE",
        help="Write there instead of to stdout.",
        rich_help_panel=_OUTPUT,
        show_default=False,
    ),
]
SelectOption = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        metavar="CODES",
        help="Run only these rules: codes, names or prefixes, separated by commas (MC1,dropout).",
        rich_help_panel=_RULES,
        show_default=False,
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="CODES",
        help="Do not run these rules.",
        rich_help_panel=_RULES,
        show_default=False,
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Advice counts too.", rich_help_panel=_RULES)]
DatasetOption = Annotated[
    str, typer.Option("--dataset", metavar="NAME", help="The data set.", rich_help_panel=_TRAINING)
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Read the data from there, in torchvision's layout (DIR/MNIST/raw), not from the package.",
        rich_help_panel=_TRAINING,
        show_default=False,
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option("--device", metavar="auto|cpu|cuda", help="Where to compute.", rich_help_panel=_TRAINING),
]
MinAccuracyOption = Annotated[
    float | None,
    typer.Option(
        "--min-accuracy",
        metavar="FRACTION",
        min=0.0,
        max=1.0,
        help="Least accuracy on the test set, as a fraction of one, in place of the policy's.",
        rich_help_panel=_RULES,
        show_default=False,
    ),
]


def main() -> None:
    """Run the command; errors become one message and an exit status, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # a Windows code page has no ✔, and a report must not fail on that
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        app()
    except ModelcheckError as error:
        _say(f"modelcheck: {error}")
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        _say("modelcheck: interrupted; nothing was saved")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # whatever it is, it is ours: the author's errors are results
        _say(f"modelcheck: internal error: {type(error).__name__}: {error}")
        _say("This is a fault of modelcheck's, not of your model's. MODELCHECK_DEBUG=1 shows where; please report it.")
        if os.environ.get("MODELCHECK_DEBUG"):
            raise
        sys.exit(4)


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
    format_: FormatOption = "table",
    output: OutputOption = None,
) -> None:
    """Describe a model and check it against a policy.

    **Examples**

    `modelcheck inspect net.py:Net`

    `modelcheck inspect reference_model:Net --policy mnist-20k`

    `modelcheck inspect torchvision.models:resnet18 --input 3x224x224 --format json`
    """
    _check_format(format_)
    options = _shared(policy, input_, arg, select, ignore, strict)
    _finish(modelcheck.inspect(target, **options), format_, output)


@app.command("train-eval")
def train_eval(
    target: TargetArgument,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="NAME|FILE",
            help="How to train: fast (the default), seed, seed-aug, or a TOML file.",
            rich_help_panel=_TRAINING,
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=1,
            help="Else the policy's, else the recipe's.",
            rich_help_panel=_TRAINING,
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, max=2**63 - 1, help="Of everything random.", rich_help_panel=_TRAINING),
    ] = 0,
    dataset: DatasetOption = "mnist",
    data_dir: DataDirOption = None,
    device: DeviceOption = "auto",
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="Start from these weights.",
            rich_help_panel=_TRAINING,
            show_default=False,
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="FILE",
            help="Write the trained weights there, as safetensors.",
            rich_help_panel=_OUTPUT,
            show_default=False,
        ),
    ] = None,
    min_accuracy: MinAccuracyOption = None,
    policy: PolicyOption = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    strict: StrictOption = False,
    input_: InputOption = None,
    arg: ArgOption = None,
    format_: FormatOption = "table",
    output: OutputOption = None,
) -> None:
    """Train a model on MNIST, score it, and check both against a policy.

    **Examples**

    `modelcheck train-eval net.py:Net --epochs 1`

    `modelcheck train-eval net.py:Net --policy era-s6 --save net.safetensors`

    `modelcheck train-eval net.py:Net --recipe seed --min-accuracy 0.994`
    """
    from rich.console import Console

    from modelcheck.progress import TrainingProgress

    _check_format(format_)
    options = _shared(policy, input_, arg, select, ignore, strict)
    with TrainingProgress(Console(stderr=True)) as observer:
        report = modelcheck.train_eval(
            target,
            **options,
            recipe=recipe,
            dataset=dataset,
            data_dir=data_dir,
            epochs=epochs,
            seed=seed,
            device=_device(device),
            weights=weights,
            save=save,
            min_accuracy=min_accuracy,
            observer=observer,
        )
    interrupted = report.metrics is not None and report.metrics.interrupted
    if interrupted and report.metrics:
        where = f"; its weights are in {save}" if save else ""
        _say(f"interrupted: what follows is after epoch {len(report.metrics.epochs)}{where}")
    _finish(report, format_, output, interrupted=interrupted)


@app.command()
def evaluate(
    target: TargetArgument,
    weights: Annotated[
        Path,
        typer.Option("--weights", metavar="FILE", help="Safetensors, or a state dict.", show_default=False),
    ],
    dataset: DatasetOption = "mnist",
    data_dir: DataDirOption = None,
    device: DeviceOption = "auto",
    min_accuracy: MinAccuracyOption = None,
    policy: PolicyOption = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    strict: StrictOption = False,
    input_: InputOption = None,
    arg: ArgOption = None,
    format_: FormatOption = "table",
    output: OutputOption = None,
) -> None:
    """Score weights that somebody trained.

    **Example**

    `modelcheck evaluate net.py:Net --weights net.safetensors --min-accuracy 0.994`
    """
    _check_format(format_)
    options = _shared(policy, input_, arg, select, ignore, strict)
    report = modelcheck.evaluate(
        target,
        **options,
        weights=weights,
        dataset=dataset,
        data_dir=data_dir,
        device=_device(device),
        min_accuracy=min_accuracy,
    )
    _finish(report, format_, output)


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
        raise UsageError(f"--output {output}: a capture's file ends in .mcz")
    made = modelcheck.capture(target, input=_shape(input_), arguments=_arguments(arg))
    made.save(output)
    _say(f"wrote {output} ({output.stat().st_size:,} bytes)")


@app.command()
def rule(
    key: Annotated[
        str | None, typer.Argument(metavar="[CODE|NAME]", help="A rule's code or name.", show_default=False)
    ] = None,
) -> None:
    """Show a rule's documentation; without one, list them.

    **Example**

    `modelcheck rule MC203`
    """
    from modelcheck.catalogue import print_catalogue, print_rule

    print_rule(key) if key else print_catalogue()


@app.command()
def policy(
    name: Annotated[str | None, typer.Argument(help="A preset.", show_default=False)] = None,
    schema: Annotated[bool, typer.Option("--schema", help="The JSON Schema of policy files.")] = False,
) -> None:
    """Show a policy preset; without one, list them.

    **Examples**

    `modelcheck policy mnist-20k`

    `modelcheck policy mnist-20k > modelcheck.toml`
    """
    from modelcheck.catalogue import print_policies, print_policy_schema
    from modelcheck.policy import preset_text

    if schema:
        print_policy_schema()
    elif name:
        typer.echo(preset_text(name), nl=False)
    else:
        print_policies()


def _shared(
    policy: str | None,
    input_: str | None,
    arg: list[str] | None,
    select: list[str] | None,
    ignore: list[str] | None,
    strict: bool,
) -> dict[str, Any]:
    return {
        "policy": policy,
        "input": _shape(input_),
        "arguments": _arguments(arg),
        "select": select or (),
        "ignore": ignore or (),
        "strict": strict,
    }


def _shape(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = text.lower().replace("×", "x").split("x")
    if not all(part.strip().isdecimal() and 0 < int(part) <= 100_000 for part in parts):
        raise UsageError(f"--input {text}: one sample's sizes joined by x are expected, such as 1x28x28")
    return tuple(int(part) for part in parts)


def _arguments(given: list[str] | None) -> dict[str, object]:
    from modelcheck.target import parse_arguments

    return parse_arguments(given or [])


def _device(name: str) -> Any:
    from modelcheck.names import unknown_name

    if name not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device: {unknown_name('device', name, ('auto', 'cpu', 'cuda'))}")
    return name


def _check_format(name: str) -> None:
    from modelcheck.formats import format_names
    from modelcheck.names import unknown_name

    if name not in format_names():
        raise UsageError(f"--format: {unknown_name('format', name, format_names())}")


def _finish(report: Any, format_: str, output: Path | None, *, interrupted: bool = False) -> None:
    from rich.console import Console

    from modelcheck.formats import renderer

    console = Console()
    color = output is None and console.is_terminal and not console.no_color
    text = renderer(format_)(report, width=console.width, color=color)
    if output is not None:
        from modelcheck.files import write_beside

        write_beside(output, text.encode())
        _say(f"wrote {output}: {report.verdict}")
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
    sys.exit(130 if interrupted else report.exit_status)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
