"""The terminal app: themes, palette, signals; the screens do the rest."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual.actions import ActionParseResult
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.filter import LineFilter
from textual.screen import Screen

from tensorpeek.tui.ascii_filter import AsciiFilter
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.kept_results import KeptResults
from tensorpeek.tui.key_help import key_text
from tensorpeek.tui.screens.acting_screen import ActingScreen
from tensorpeek.tui.screens.choosing_screen import ChoosingScreen
from tensorpeek.tui.session import Session
from tensorpeek.tui.settings.last_views import LastViews, state_folder
from tensorpeek.tui.settings.settings import Settings
from tensorpeek.tui.signals import SignalGuard
from tensorpeek.tui.tabs import TABS
from tensorpeek.tui.themes import THEMES, plot_variables, text_colors


class TensorpeekApp(App[int]):
    """Shows the weight files that ``paths`` (files, folders, patterns) mean.

    With ``ascii_only`` nothing but ASCII is drawn. NO_COLOR in the environment removes the colors.
    """

    TITLE = "tensorpeek"
    # The first screen's own is read here: Textual reads only those of screens that come later.
    CSS_PATH = ["app.tcss", "histogram/histogram.tcss"]  # noqa: RUF012 (Textual's)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 (Textual's)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
        Binding("escape", "stop_saving", "Stop saving", show=False, priority=True),
    ]

    def __init__(  # noqa: PLR0913 (how to run, all by keyword)
        self,
        paths: Sequence[str],
        *,
        ascii_only: bool = False,
        theme: str | None = None,
        guard: SignalGuard | None = None,
        watch: bool = False,
        read_only: bool = False,
        no_cache: bool = False,
        settings: Settings | None = None,
        last_views: LastViews | None = None,
        plugins: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._session = Session(
            paths,
            ascii_only=ascii_only,
            plain="NO_COLOR" in os.environ,
            watch=watch,
            read_only=read_only,
            settings=settings,
            last_views=last_views,
            plugins=plugins,
            results=KeptResults(is_off=no_cache or read_only, tell=self._tell_lost_results),
        )
        self._to_ascii = AsciiFilter()
        self._guard = guard
        self.animation_level = "none"
        for own in THEMES:
            self.register_theme(own)
        self.theme = theme or self._session.settings.theme or THEMES[0].name
        self.set_keymap(dict(self._session.settings.keys))

    def get_css_variables(self) -> dict[str, str]:
        """Return the theme's variables and the plot's colors."""
        variables = super().get_css_variables()
        variables.update(plot_variables(variables, dark=self.current_theme.dark))
        self.theme_variables = variables | text_colors(variables)
        return variables

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what is done to every line before it is shown."""
        filters = super().get_line_filters()
        return [*filters, self._to_ascii] if self._session.ascii_only else filters

    def get_default_screen(self) -> Screen[None]:
        """Return the first screen, which stays when another one takes its place."""
        first = TABS[0].make(self._session)
        self.install_screen(first, TABS[0].name)
        first._push_result_callback(first, None)  # noqa: SLF001 (or it cannot be switched)
        return first

    def on_mount(self) -> None:
        """Catch signals, and paint again after a suspension."""
        if self._guard is not None:
            self._guard.install(self.exit)  # its result is the exit code
        self.set_class(self._session.ascii_only, "-ascii")
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def on_unmount(self) -> None:
        """Keep for the next time what is worth it."""
        self._session.last_views.save()
        self._session.results.close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave Escape to the screens unless a file is being written."""
        if action != "stop_saving":
            return super().check_action(action, parameters)
        saving, screen = self._session.saving, self.screen
        is_free = isinstance(screen, ActingScreen) and not screen.is_typing
        return is_free and saving is not None and not saving.is_stopped

    def action_stop_saving(self) -> None:
        """Have the file that is being written given up, on whatever screen that was asked for."""
        if self._session.saving is not None and isinstance(self.screen, ActingScreen):
            self._session.saving.is_stopped = True
            self.screen.show_saving()

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run what a key means, once the model is there that it was typed for."""
        screen = self.screen
        if isinstance(action, str) and isinstance(screen, ChoosingScreen) and not screen.is_typing:
            await screen.opened_for(action.partition("(")[0])
            screen.hold_painting()
        return await super().run_action(action, default_namespace, namespaces)

    def _tell_lost_results(self, reason: str) -> None:
        """Say, from whatever thread, that results are not kept on disk."""
        self.notify(reason, title="results", severity="warning", markup=False)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every action of the screen and of its main widget, and the themes."""
        yield SystemCommand("Theme", "Change the colors", self.action_change_theme)
        if isinstance(screen, ActingScreen):
            for node, bindings in screen.key_bindings():
                yield from _commands(screen, node, bindings)


def run_app(  # noqa: PLR0913 (how to run, all by keyword)
    paths: Sequence[str],
    *,
    ascii_only: bool,
    theme: str | None,
    watch: bool,
    settings: Settings,
    no_cache: bool = False,
    plugins: Sequence[str] = (),
) -> int:
    """Run the app in the terminal on stderr until it is quit; return the exit code.

    That is 0, or 128 and the number of the signal that ended it, or that of a defect: Textual's
    own, 1, means findings here. Without UTF-8 on stderr only ASCII is drawn.
    """
    stream = sys.__stderr__
    encoding = (stream.encoding if stream is not None else "") or ""
    is_ascii = ascii_only or encoding.lower().replace("-", "") != "utf8"
    if stream is not None and sys.__stdout__ is not None and not sys.__stdout__.isatty():
        os.dup2(stream.fileno(), sys.__stdout__.fileno())  # where Textual looks for the size
    guard = SignalGuard()
    app = TensorpeekApp(
        paths,
        ascii_only=is_ascii,
        theme=theme,
        guard=guard,
        watch=watch,
        settings=settings,
        no_cache=no_cache,
        last_views=LastViews(state_folder()),
        plugins=plugins,
    )
    return app.run() or (ExitCode.DEFECT if app.return_code else ExitCode.OK)


def _commands(
    screen: ActingScreen, node: DOMNode, bindings: Iterable[Binding]
) -> Iterator[SystemCommand]:
    for binding in bindings:
        run = partial(_run, screen, node, binding.action)
        yield SystemCommand(binding.tooltip, f"key {key_text(binding)}", run)


async def _run(screen: ActingScreen, node: DOMNode, action: str) -> None:
    """Run an action that was picked from the palette: no field is being typed in any more."""
    screen.action_focus_plot()
    await screen.app.run_action(action, node)
