"""A headless Chromium for tests, driven by the WebDriver protocol (https://www.w3.org/TR/webdriver2)."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
KEYS = {"tab": "\ue004", "left": "\ue012", "right": "\ue014", "home": "\ue011", "end": "\ue010"}
_REFERENCE = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's word for an element
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Browser:
    """One window of a browser."""

    def __init__(self, port: int, chromium: str, profile: Path) -> None:
        self._address = f"http://127.0.0.1:{port}/session"
        capabilities = {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": chromium, "args": [*FLAGS, f"--user-data-dir={profile}"]},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        session = self._ask("POST", "", capabilities={"alwaysMatch": capabilities})
        self._address += "/" + session["sessionId"]

    def _ask(self, method: str, command: str, **body: object) -> Any:
        request = urllib.request.Request(
            self._address + command,
            json.dumps(body).encode() if method == "POST" else None,
            {"Content-Type": "application/json"},
            method=method,
        )
        try:
            with _direct.open(request, timeout=30) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(json.load(error)["value"]["message"]) from None

    def open(self, page: Path) -> None:
        self._ask("POST", "/url", url=page.as_uri())

    def run(self, script: str, *arguments: object) -> Any:
        """Run the body of a JavaScript function on the page, and return what it returns."""
        return self._ask("POST", "/execute/sync", script=script, args=list(arguments))

    def enter(self, frame: int | None) -> None:
        """Turn to a frame of the page, or from it back to the page."""
        self._ask("POST", "/frame", id=frame)

    def press(self, *keys: str) -> None:
        """Press keys one after the other: characters, or names in `KEYS`."""
        strokes = [
            {"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")
        ]
        self._ask("POST", "/actions", actions=[{"type": "key", "id": "keyboard", "actions": strokes}])

    def click(self, selector: str) -> None:
        self._ask("POST", f"/element/{self._find(selector)}/click")

    def fill(self, selector: str, text: str) -> None:
        """Type text into a field, in the place of what is there."""
        field = self._find(selector)
        self._ask("POST", f"/element/{field}/clear")
        self._ask("POST", f"/element/{field}/value", text=text)

    def text(self, selector: str) -> str:
        """What is to be read in an element."""
        return str(self._ask("GET", f"/element/{self._find(selector)}/text"))

    def announced(self, selector: str) -> tuple[str, str]:
        """The role and the name of an element, as assistive technology is told of it."""
        element = self._find(selector)
        role, name = (self._ask("GET", f"/element/{element}/computed{what}") for what in ("role", "label"))
        return role, name

    def resize(self, width: int, height: int) -> None:
        self._ask("POST", "/window/rect", width=width, height=height)

    def complaints(self) -> list[str]:
        """What the console has said since it was last asked."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", type="browser")]

    def requests(self) -> list[str]:
        """The addresses that have been asked for since this was last called."""
        entries = self._ask("POST", "/se/log", type="performance")
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [message["request"]["url"] for message in sent]

    def close(self) -> None:
        self._ask("DELETE", "")

    def _find(self, selector: str) -> str:
        element = self._ask("POST", "/element", using="css selector", value=selector)
        return str(element[_REFERENCE])


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """A Chromium with a profile of its own; the test is skipped where none is installed."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("there is no browser to show the page: apt install chromium chromium-driver")
    with subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "started successfully on port" in line)
            window = Browser(int(line.rstrip(".\n").split()[-1]), program, profile)
            try:
                yield window
            finally:
                window.close()
        finally:
            process.terminate()
