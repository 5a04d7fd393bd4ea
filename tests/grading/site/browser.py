"""A headless chromium, driven over the pipe of its DevTools protocol."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.parts import missing

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_S = 60
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # root cannot have one, and the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-pipe",
)


class Browser:
    """One page of a browser; ``messages`` are what it logged, refusals by the Content-Security-Policy included."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._read, self._calls, self._session = b"", 0, None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    @property
    def messages(self) -> list[str]:
        told = [one["params"] for one in self.events if one["method"] == "Log.entryAdded"]
        thrown = [one["params"] for one in self.events if one["method"] == "Runtime.exceptionThrown"]
        return [one["entry"]["text"] for one in told] + [str(one["exceptionDetails"]) for one in thrown]

    @property
    def requests(self) -> list[str]:
        sent = [one["params"] for one in self.events if one["method"] == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent]

    def open(self, path: Path, *, width: int = 1280, dark: bool = False, script: bool = True) -> None:
        """Load the file, at that width in CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.events.clear()
        self.call("Page.navigate", url=path.absolute().as_uri())
        while not any(one["method"] == "Page.loadEventFired" for one in self.events):
            self._receive()

    def run(self, script: str) -> Any:
        """What the expression, or the promise that it is, evaluates to in the page."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key and let go of it."""
        names = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **names, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **names)

    def picture(self) -> bytes:
        """The whole page as a PNG."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(found["data"])

    def printed(self) -> bytes:
        """The page as a PDF on A4."""
        found = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True)
        return base64.b64decode(found["data"])

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """The answer to one call of the protocol."""
        self._calls += 1
        number = self._calls
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            assert select.select([self._from], [], [], PATIENCE_S)[0], "the browser does not answer"
            piece = os.read(self._from, 1 << 20)
            assert piece, "the browser has gone"
            self._read += piece
        line, _, self._read = self._read.partition(b"\0")
        message = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with that folder as its profile; where there is none, the test says what helps."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        missing("the pages are looked at in a browser, and there is none: apt-get install chromium")
    ours, theirs = os.pipe(), os.pipe()
    high = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 10) for one in (ours[0], theirs[1])]
    actions = [
        (os.POSIX_SPAWN_DUP2, high[0], 3),
        (os.POSIX_SPAWN_DUP2, high[1], 4),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    arguments = [program, *OPTIONS, f"--user-data-dir={profile}"]
    pid = os.posix_spawn(program, arguments, os.environ, file_actions=actions, setpgroup=0)
    for one in (ours[0], theirs[1], *high):
        os.close(one)
    try:
        yield Browser(ours[1], theirs[0])
    finally:
        os.close(ours[1])
        os.close(theirs[0])
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
