"""The app in a browser: who may talk to it, what it shows, and that it writes nothing."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyte
import pytest
from aiohttp import ClientResponse, ClientSession, ClientWebSocketResponse, WSServerHandshakeError
from command.in_memory import COMMAND, Run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LONG = 90.0
"""Seconds after which something that was waited for does not happen any more."""


@asynccontextmanager
async def served(*words: object) -> AsyncIterator[str]:
    """Serve on a free port; yield the address of the page."""
    process = await asyncio.create_subprocess_exec(
        COMMAND, "serve", *map(str, words), "--port", "0", stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(LONG):
            line = (await process.stderr.readline()).decode()
        yield re.findall(r"http://\S+", line)[0]
        process.terminate()
        async with asyncio.timeout(LONG):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Page:
    """What a page would show: the bytes from the socket in a terminal."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.screen = pyte.Screen(120, 36)
        self.stream = pyte.ByteStream(self.screen)

    def text(self) -> str:
        return "\n".join(self.screen.display)

    async def until(self, is_reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONG):
            while not is_reached():
                message = await self.socket.receive()
                if isinstance(message.data, bytes):
                    self.stream.feed(re.sub(rb"\x1b\[[<>]\d*u", b"", message.data))

    async def send(self, keys: str) -> None:
        await self.socket.send_json(["stdin", keys])


async def test_the_app_runs_in_a_page_and_writes_nothing(samples: Path) -> None:
    async with served(samples / "resnet8_int8.pt") as place, ClientSession() as session:
        query = {"width": "120", "height": "36"}
        async with session.ws_connect(f"{place}/ws", params=query, origin=place) as socket:
            page = Page(socket)
            await page.until(lambda: "conv2d_1.weight" in page.text() and "in range" in page.text())
            first = page.text()
            await page.send("ES")
            await page.send("v")
            await page.until(lambda: "(•) int8 raw" in page.text())
            assert "saved" not in page.text()
            assert page.text() != first


async def test_the_page_loads_nothing_from_elsewhere(samples: Path) -> None:
    async with served(samples) as place, ClientSession() as session:
        async with session.get(place) as response:
            page = await response.text()
        assert f"ws://{place.removeprefix('http://')}/ws" in page
        links = re.findall(r'(?:src="|href="|url\(")([^"]+)"', page)
        assert all(link.startswith(("/", "data:")) for link in links), links
        for path in ("/static/js/textual.js", "/static/css/xterm.css"):
            async with session.get(f"{place}{path}") as response:
                assert response.status == 200


REFUSED = {
    "a page of another site": {"Origin": "http://evil.example"},
    "a page on another port of this machine": {"Origin": "http://localhost:1"},
    "a name that was made to point here": {"Host": "evil.example:8000"},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
async def test_pages_of_others_are_refused(samples: Path, headers: dict[str, str]) -> None:
    async with served(samples) as place, ClientSession(headers=headers) as session:
        response: ClientResponse
        async with session.get(place) as response:
            assert response.status == 403
        with pytest.raises(WSServerHandshakeError) as told:
            await session.ws_connect(f"{place}/ws")
        assert told.value.status == 403


def test_what_cannot_be_served_is_said(run: Run, tmp_path: Path, samples: Path) -> None:
    missing = run("serve", tmp_path / "none.pt")
    assert (missing.exit_code, missing.stderr) == (
        3,
        f"tensorpeek: {tmp_path / 'none.pt'}: no such file\n",
    )
    elsewhere = run("serve", samples, "--host", "192.0.2.1")
    assert elsewhere.exit_code == 2
    assert elsewhere.stderr.startswith("tensorpeek: 192.0.2.1:8000: ")


def test_wrong_settings_are_said_before_a_page_is_served(
    run: Run, tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text("bins = 7")
    monkeypatch.setenv("TENSORPEEK_CONFIG", str(settings))
    refused = run("serve", samples, "--port", "0")
    assert refused.exit_code == 2
    assert "'bins' is not one of" in refused.stderr


class Browser:
    """A page in Chromium, driven through its debugging protocol."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.numbers = itertools.count(1)
        self.requests: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = json.loads((await self.socket.receive()).data)
            if message.get("method") == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    async def value(self, expression: str) -> Any:  # noqa: ANN401
        result = await self.call("Runtime.evaluate", expression=expression)
        return result["result"].get("value")

    async def picture(self) -> bytes:
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])

    async def until(self, reached: Callable[[], Any]) -> None:
        async with asyncio.timeout(LONG):
            while not await reached():
                await asyncio.sleep(0.05)


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Browser]:
    assert CHROMIUM is not None
    words = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
    words += ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
    words += ["--disable-sync", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    process = subprocess.Popen([*words, "about:blank"], stderr=subprocess.DEVNULL)
    port = folder / "DevToolsActivePort"
    try:
        async with asyncio.timeout(LONG), ClientSession() as session:
            while not (port.exists() and "\n" in port.read_text()):
                await asyncio.sleep(0.05)
            place = f"http://127.0.0.1:{port.read_text().splitlines()[0]}/json"
            async with session.get(place) as response:
                pages = await response.json()
            (address,) = [page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"]
            async with session.ws_connect(address, max_msg_size=0) as socket:
                yield Browser(socket)
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
async def test_keys_in_a_browser_reach_the_app(samples: Path, tmp_path: Path) -> None:
    async with served(samples / "resnet8_int8.pt") as place, browser(tmp_path) as page:
        await page.call("Network.enable")
        await page.call("Page.enable")
        await page.call("Page.navigate", url=place)
        await page.until(lambda: page.value("document.body.className.includes('-first-byte')"))
        before = await page.picture()

        async def has_changed() -> bool:
            return await page.picture() != before

        await page.until(has_changed)  # the histogram is drawn
        await page.value("document.querySelector('textarea').focus()")
        for kind in ("keyDown", "keyUp"):
            await page.call("Input.dispatchKeyEvent", type=kind, text="q", key="q")
        await page.until(lambda: page.value("document.body.className.includes('-closed')"))
        assert page.requests
        assert all(url.startswith((f"{place}/", "data:")) for url in page.requests), page.requests
