"""The app run without a terminal, its keys, and what stands on its screen."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from tensorpeek.analysis import Histogram
from tensorpeek.loaders import Model, Tensor, open_model
from tensorpeek.tui.app import TensorpeekApp
from tensorpeek.tui.histogram.plot import HistogramPlot
from tensorpeek.tui.known_distributions import known_distributions
from tensorpeek.tui.screens.tab_screen import TabScreen
from tensorpeek.tui.settings.last_views import LastViews
from tensorpeek.tui.settings.settings import Settings
from tensorpeek.tui.widgets.pickers import Menu

WIDE, NARROW = (120, 36), (80, 24)

LONG = 90.0
"""Seconds after which something that was waited for does not happen any more."""

LABELS = re.compile(r"(1 % … 99 %|mean \|x\||[\d,]+ scales|[^\W\d][\w ,+-]*?)\s{2,}(\S.*)")
"""A row of the statistics: what it tells, at least two spaces, the value."""


class DrivenApp:
    """An app that is running, to be driven as a person does: by keys, reading the screen."""

    def __init__(self, app: TensorpeekApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def main(self) -> TabScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, TabScreen)
        return screen

    @property
    def plot(self) -> HistogramPlot:
        return self.main.query_one(HistogramPlot)

    @property
    def histogram(self) -> Histogram:
        """What the plot draws now."""
        assert self.plot._histogram is not None, self.text()
        return self.plot._histogram

    async def settle(self) -> None:
        """Wait until the background is idle and all that it told is on the screen."""
        while True:
            before = self._work()
            await self.until(lambda: self.main.is_settled)
            await self._all_handled()
            if self.main.is_settled and before == self._work():
                return

    async def _all_handled(self) -> None:
        """Wait until no message is under way; an idle processor may be a busy machine's."""
        quiet = 0
        while quiet < 3:
            await self.pilot._wait_for_screen()
            await asyncio.sleep(0)
            screen = self.app.screen
            screen._on_timer_update()
            pumps = [self.app, *screen.walk_children(with_self=True)]
            is_quiet = not screen._callbacks and not any(pump.message_queue_size for pump in pumps)
            quiet = quiet + 1 if is_quiet else 0
            assert self.app.is_running, "the app has ended"

    def _work(self) -> dict[str, int]:
        """The newest job of each lane."""
        return dict(self.main._background._current)

    async def until(self, is_reached: Callable[[], bool]) -> None:
        """Wait until something is so; fails when the app ends before, or after a long time."""
        deadline = time.monotonic() + LONG
        while True:
            await self.pilot.pause()
            if is_reached():
                return
            assert self.app.is_running, "the app has ended"
            assert time.monotonic() < deadline, "not reached:\n" + self.text()

    async def ended_by(self, key: str) -> None:
        """Press a key that ends the app and wait for the end."""
        self.send(key)
        deadline = time.monotonic() + LONG
        while self.app.is_running:
            await asyncio.sleep(0.01)
            assert time.monotonic() < deadline, "still running:\n" + self.text()

    def send(self, *keys: str) -> None:
        """Send keys all at once, as a slow connection does: characters, or names of keys."""
        driver = self.app._driver
        assert driver is not None
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 else key
            event = events.Key(name, key if len(key) == 1 else None)
            event.set_sender(self.app)
            driver.send_message(event)

    async def press(self, *keys: str) -> None:
        """Send keys all at once, then wait for all that follows."""
        self.send(*keys)
        await self.settle()

    async def write(self, field: str, words: str) -> None:
        """Replace the text of a field, leaving the cursor in it."""
        entry = self.main.query_one(f"#{field}", Input)
        self.main.set_focus(entry)
        entry.value = ""
        self.send(*words)
        await self.until(lambda: entry.value == words)

    # What stands on the screen

    def subject(self) -> str:
        """The name over the statistics."""
        return "".join(self.region("#statistics-name"))

    def lines(self) -> list[str]:
        """The lines of the screen, dialogs and notifications included."""
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        lines = ["".join(segment.text for segment in strip) for strip in strips]
        assert len(lines) == height
        assert max(map(cell_len, lines)) <= width
        return lines

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines())

    def region(self, selector: str) -> list[str]:
        """The lines of one widget, without its border."""
        x, y, width, height = self.main.query_one(selector).scrollable_content_region
        return [line[x : x + width].rstrip() for line in self.lines()[y : y + height]]

    def line(self, selector: str) -> str:
        """The one line of a widget, without spaces around it."""
        (line,) = self.region(selector)
        return line.strip()

    def statistics(self) -> dict[str, str]:
        """The rows of the statistics, as they stand on the screen."""
        rows = (LABELS.fullmatch(line.strip()) for line in self.region("#statistics"))
        return {row[1]: row[2] for row in rows if row is not None}

    def field(self, name: str) -> str:
        return self.main.query_one(f"#{name}", Input).value

    def error(self) -> str:
        """The words under the fields, empty while that line is hidden."""
        widget = self.main.query_one("#field-error")
        return self.line("#field-error") if widget.display else ""

    def menu(self, name: str) -> str:
        """What one of the three menus shows as chosen."""
        return self.main.query_one(f"#{name} SelectCurrent #label").render().plain.strip()  # type: ignore[union-attr]

    def chosen(self) -> tuple[str, str, str]:
        """Model, layer and tensor as the menus show them."""
        return self.menu("model"), self.menu("layer"), self.menu("tensor")

    def entries(self, name: str) -> list[str]:
        """What a menu offers."""
        return list(self.main.query_one(f"#{name}", Menu)._entries.values())

    def notes(self) -> list[str]:
        """The notifications that are on the screen."""
        return [notification.message for notification in self.app._notifications]

    async def dismiss_notes(self) -> None:
        """Take the notifications from what they cover."""
        self.app.clear_notifications()
        await self.settle()

    def note(self) -> str:
        """The words that stand in the place of the bars."""
        return self.plot._note.plain if self.plot._histogram is None else ""


@asynccontextmanager
async def driven(
    *paths: Path | str,
    size: tuple[int, int] = WIDE,
    settled: bool = True,
    ascii_only: bool = False,
    theme: str | None = None,
    watch: bool = False,
    read_only: bool = False,
    no_cache: bool = False,
    settings: Settings | None = None,
    last_views: LastViews | None = None,
) -> AsyncIterator[DrivenApp]:
    """Run the app on paths, by default until the first tensor is shown."""
    app = TensorpeekApp(
        [str(path) for path in paths],
        ascii_only=ascii_only,
        theme=theme,
        watch=watch,
        read_only=read_only,
        no_cache=no_cache,
        settings=settings,
        last_views=last_views,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        driver = DrivenApp(app, pilot)
        if settled:
            await driver.settle()
        yield driver


def put_models(
    monkeypatch: pytest.MonkeyPatch, models: dict[Path, Model | Callable[[], Model]]
) -> None:
    """Let the app open models made in memory; each path is made a file."""

    def open_one(path: Path) -> Model:
        model = models.get(path)
        if model is None:
            return open_model(path)
        return model if isinstance(model, Model) else model()

    for path in models:
        path.write_bytes(b"stands for a model")
    monkeypatch.setattr("tensorpeek.loaders.open_model", open_one)
    known_distributions.cache_clear()


def model_at(path: Path, tensors: Sequence[Tensor], warnings: tuple[str, ...] = ()) -> Model:
    return Model(path=path, format="PyTorch", tensors=tuple(tensors), warnings=warnings)
