"""Whether the default recipe serves networks that it was not chosen for: eight, beside 20 epochs of the seed's.

Run by hand, for about an hour: python benchmarks/students.py [--seed 0] [--write]. Each network is trained from the
same initialisation with `fast` and with `seed`; the first one also with the assignment's own loop (torchvision's MNIST
through PIL, a DataLoader, batches of 64, SGD), which `seed` stands for. --write writes docs/students.md. With
--results FILE each training is kept in FILE as soon as it is done, and not done again.
"""

from __future__ import annotations

import sys

sys.path.append(sys.path.pop(0))  # this folder last: it has an inspect.py, and everybody imports Python's

import argparse
import json
import multiprocessing
import os
import tempfile
from pathlib import Path

import torch
from assignment import loaders, train_once, unpacked
from student_models import NETWORKS

import modelcheck

PAGE = Path(__file__).parent.parent / "docs" / "students.md"
LARGEST_LOSS = 0.0015  # of accuracy, against the longer training
PROCESSES = 2

Job = tuple[str, str, int]  # network, how it is trained, seed


def main() -> None:
    """Measure, print, and write the page where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="write docs/students.md")
    parser.add_argument("--results", type=Path, default=Path(os.devnull), help="a file to go on from")
    given = parser.parse_args()
    jobs = [(NETWORKS[0].__name__, "their loop", given.seed)]
    jobs += [(network.__name__, recipe, given.seed) for network in NETWORKS[::-1] for recipe in ("seed", "fast")]
    found = {}
    if given.results.is_file():
        found = {tuple(job): accuracies for job, accuracies in map(json.loads, given.results.open())}
    left = [job for job in jobs if job not in found]
    with (
        given.results.open("a") as results,
        multiprocessing.get_context("spawn").Pool(PROCESSES, torch.set_num_threads, (1,), 1) as pool,
    ):
        for job, accuracies in pool.imap_unordered(measured, left):
            found[job] = accuracies
            print(json.dumps([job, accuracies]), file=results, flush=True)
    text = page(found, given.seed)
    print(text)
    if given.write:
        PAGE.write_text(text, encoding="utf-8")


def measured(job: Job) -> tuple[Job, list[float]]:
    """The job with the test accuracy after each epoch."""
    name, how, seed = job
    torch.manual_seed(seed)
    model = next(network for network in NETWORKS if network.__name__ == name)()
    accuracies = their_accuracies(model) if how == "their loop" else our_accuracies(model, how, seed)
    print(f"{name}, {how}: {accuracies[-1]:.2%}", file=sys.stderr, flush=True)
    return job, accuracies


def our_accuracies(model: torch.nn.Module, recipe: str, seed: int) -> list[float]:
    """The same of modelcheck's."""
    report = modelcheck.train_eval(model, recipe=recipe, seed=seed)
    assert report.metrics is not None, report.findings
    return [epoch.test_accuracy for epoch in report.metrics.epochs]


def their_accuracies(model: torch.nn.Module) -> list[float]:
    """The assignment's own loop, for as many epochs as it has; the model gives logits."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    accuracies = []
    with tempfile.TemporaryDirectory() as folder:
        training, test = loaders(unpacked(Path(folder)))
        for _ in range(20):
            model.train()
            for images, labels in training:
                train_once(model, optimizer, images, labels)
            model.eval()
            with torch.no_grad():
                right = sum(int((model(images).argmax(1) == labels).sum()) for images, labels in test)
            accuracies.append(right / 10_000)
    return accuracies


def page(found: dict[Job, list[float]], seed: int) -> str:
    """The tables."""
    rows, close = [], 0
    for network in NETWORKS:
        name, model = network.__name__, network()
        fast, longer = found[name, "fast", seed], found[name, "seed", seed]
        difference = fast[-1] - longer[-1]
        close += difference >= -LARGEST_LOSS
        facts = modelcheck.inspect(model).facts
        about = (network.__doc__ or "").rstrip(".")
        rows.append(
            f"| {name}: {about} | {facts.parameters.total:,} | {facts.output_kind} | {fast[-1]:.2%} | {longer[-1]:.2%} "
            f"| {100 * difference:+.2f} |"
        )
    first = NETWORKS[0].__name__
    pairs = zip(found[first, "their loop", seed], found[first, "seed", seed], strict=True)
    loops = [f"| {epoch} | {theirs:.2%} | {ours:.2%} |" for epoch, (theirs, ours) in enumerate(pairs, start=1)]
    last = [sum(found[first, how, seed][-5:]) / 5 for how in ("their loop", "seed")]
    return f"""# The default recipe on other networks

`python benchmarks/students.py --seed {seed} --write`, with modelcheck {modelcheck.__version__}, torch
{torch.__version__}, one thread a training. `fast` is the default recipe; `seed` is 20 epochs of the assignment's
hyper-parameters. Test accuracy after the last epoch, one seed; on 10,000 images the sampling error of one run is about
0.08 points, and more for what scores less.

| network | parameters | gives | fast | seed | points |
| --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}

`fast` is at most {100 * LARGEST_LOSS:.2f} points below on {close} of {len(NETWORKS)}.

## That `seed` is what the assignment's loop does

{first} with the assignment's own loop and with the recipe, from the same initialisation; the order of the images and
their rotations are drawn differently. Mean of the last five epochs: {last[0]:.2%} and {last[1]:.2%}.

| epoch | the assignment's loop | `seed` |
| --- | --- | --- |
{chr(10).join(loops)}
"""


if __name__ == "__main__":
    main()
