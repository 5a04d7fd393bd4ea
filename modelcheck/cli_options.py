"""Options and arguments that several commands share; panels group them in the help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelcheck import completion
from modelcheck.training.datasets import dataset_names

MODEL = "Model"
RULES = "Rules"
OUTPUT = "Output"
TRAINING = "Training"

TargetArgument = Annotated[
    str,
    typer.Argument(
        help="A model: `path/net.py:Net`, `path/book.ipynb:Net`, `folder:Net`, `sub.zip:Net`, `pkg.mod:Net`, "
        "`pkg.mod:factory` or a capture `net.mcz`. `Net@120` or `Net@cell7` is the definition there. Without a name "
        "the model that is clearly meant is taken.",
        autocompletion=completion.targets,
        show_default=False,
    ),
]
PickOption = Annotated[
    str | None,
    typer.Option(
        "--pick",
        metavar="primary|all|largest",
        help="Where no name is given and several models could be meant: take the likeliest, report on all of them, or "
        "take the one with most parameters.",
        rich_help_panel=MODEL,
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
        autocompletion=completion.policies,
        rich_help_panel=RULES,
        show_default=False,
    ),
]
InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="[NAME:]SHAPE[:TYPE]",
        help="Shape of one sample, without the batch: 3x224x224, or 128:int64 for tokens. May be repeated, with the "
        "names of forward's arguments: mask:128:bool. Else the policy's, else what the first layer suggests.",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
ArgOption = Annotated[
    list[str] | None,
    typer.Option(
        "--arg",
        metavar="NAME=VALUE",
        help="Argument for the constructor, a Python literal; may be repeated.",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
IsolatedOption = Annotated[
    bool,
    typer.Option(
        "--isolated",
        help="Run the model's code in a process of its own, with limits on time and memory. No sandbox: it can read "
        "your files and use the network.",
        rich_help_panel=MODEL,
    ),
]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        help="table, concise, json, markdown, html, sarif, junit, github (annotations of a workflow) or gradescope.",
        autocompletion=completion.formats,
        rich_help_panel=OUTPUT,
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        metavar="FILE",
        help="Write there instead of to stdout.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
AlsoOption = Annotated[
    list[str] | None,
    typer.Option(
        "--also",
        metavar="FORMAT=FILE",
        help="Write the report there too, in another format: sarif=report.sarif. May be repeated.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
SelectOption = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        metavar="CODES",
        help="Run only these rules: codes, names or prefixes, separated by commas (MC1,dropout).",
        autocompletion=completion.several_rules,
        rich_help_panel=RULES,
        show_default=False,
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="CODES",
        help="Do not run these rules.",
        autocompletion=completion.several_rules,
        rich_help_panel=RULES,
        show_default=False,
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Advice counts too.", rich_help_panel=RULES)]
RecipeOption = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="NAME|FILE",
        help="How to train: a preset (`modelcheck recipe` lists them) or a TOML file. Else the policy's, else fast.",
        autocompletion=completion.recipes,
        rich_help_panel=TRAINING,
        show_default=False,
    ),
]
SeedOption = Annotated[
    int,
    typer.Option("--seed", metavar="N", min=0, max=2**63 - 1, help="Of everything random.", rich_help_panel=TRAINING),
]
PlotOption = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Draw the curves of a training, the confusion matrix and the worst mistakes there: .png, .svg or .pdf.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
DatasetOption = Annotated[
    str,
    typer.Option(
        "--dataset",
        metavar="NAME",
        help=f"The data set: {', '.join(dataset_names())}.",
        autocompletion=completion.datasets,
        rich_help_panel=TRAINING,
    ),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Read the data from there, in torchvision's layout (DIR/MNIST/raw; folder, your own images: "
        "DIR/train/CLASS/1.png, DIR/test/CLASS/2.png). Only MNIST is in the package.",
        rich_help_panel=TRAINING,
        show_default=False,
    ),
]
DownloadOption = Annotated[
    bool,
    typer.Option(
        "--download",
        help="Download the data set into --data-dir, unless it is there. Without this nothing is downloaded.",
        rich_help_panel=TRAINING,
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option("--device", metavar="auto|cpu|cuda", help="Where to compute.", rich_help_panel=TRAINING),
]
MinAccuracyOption = Annotated[
    float | None,
    typer.Option(
        "--min-accuracy",
        metavar="FRACTION",
        help="Least accuracy on the test set, as a fraction of one, in place of the policy's.",
        rich_help_panel=RULES,
        show_default=False,
    ),
]
