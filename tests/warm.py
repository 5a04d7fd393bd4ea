"""A process that has imported torch and captured once, and forks for each command: a hundred imports take minutes.

``python warm.py SOCKET`` serves, and ``python warm.py SOCKET COMMAND …`` is what the tests call ``modelcheck``.
Trainings get few images, and an accuracy that these cannot reach fails nothing; all else is as it always is.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TRAIN_IMAGES, TEST_IMAGES = 500, 250
_MOST = 2**20


def ask(path: str, arguments: Sequence[str]) -> int:
    """The exit status of the command, run with this process's folder, environment and streams."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(path)
        asked = json.dumps({"arguments": list(arguments), "folder": str(Path.cwd()), "environment": dict(os.environ)})
        socket.send_fds(channel, [asked.encode()], [0, 1, 2])
        return int(channel.recv(16) or b"70")


def serve(path: str) -> None:
    """Answer commands, several at a time as in a pipe, until nobody is left to stop this process."""
    import modelcheck

    # and not inspect, whose gradients start threads: these do not survive a fork
    modelcheck.capture("reference_model:Net")
    _shorten()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        print("ready", flush=True)
        while True:
            channel, _ = server.accept()
            if os.fork() == 0:
                server.close()
                _answer(channel)
            channel.close()


def _answer(channel: socket.socket) -> None:
    from modelcheck.grading.sandbox.server import renew_pool

    asked, streams, _, _ = socket.recv_fds(channel, _MOST, 3)
    given = json.loads(asked)
    for wanted, stream in enumerate(streams):
        os.dup2(stream, wanted)
        os.close(stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(given["folder"])
    os.environ.clear()
    os.environ.update(given["environment"])
    renew_pool()
    channel.sendall(str(_run(given["arguments"])).encode())
    os._exit(0)


def _run(arguments: list[str]) -> int:
    from modelcheck.cli import main

    sys.argv = ["modelcheck", *arguments]
    status: Any = 0
    try:
        main()
    except SystemExit as left:
        status = left.code
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    return int(status or 0)


def _shorten() -> None:
    """Few images, and an accuracy that they cannot reach fails nothing."""
    from dataclasses import replace

    from modelcheck import cli
    from modelcheck.training import datasets

    load, finish = datasets.load_dataset, cli._finish

    def few(*given: Any, **options: Any) -> datasets.Dataset:
        data = load(*given, **options)
        return replace(
            data,
            train_images=data.train_images[:TRAIN_IMAGES],
            train_labels=data.train_labels[:TRAIN_IMAGES],
            test_images=data.test_images[:TEST_IMAGES],
            test_labels=data.test_labels[:TEST_IMAGES],
            official=False,
        )

    def finished(reports: Sequence[Any], *given: Any, **options: Any) -> None:
        try:
            finish(reports, *given, **options)
        except SystemExit as left:
            failed = {rule.code for one in reports for rule in one.rules if rule.outcome == "fail"}
            wrong = {finding.code for one in reports for finding in one.findings if finding.severity == "error"}
            raise SystemExit(0 if left.code == 1 and failed & wrong <= {"MC501", "MC502"} else left.code) from None

    datasets.load_dataset, cli._finish = few, finished


if __name__ == "__main__":
    if sys.argv[2:]:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
    serve(sys.argv[1])
