"""The ``plot`` command: figures of tensors and models as files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tensorpeek.loaders import LoadError
from tensorpeek.tui.command.console import complain, progress_line
from tensorpeek.tui.command.exit_codes import ExitCode
from tensorpeek.tui.command.model_files import OpenedFiles, open_files
from tensorpeek.tui.command.plot_subjects import Task, tasks_for
from tensorpeek.tui.command.scan_progress import ScanBar
from tensorpeek.tui.command.selection import Selection
from tensorpeek.tui.figures import (
    FigureError,
    FigureOptions,
    Kind,
    Subject,
    path_problem,
    save_figure,
)
from tensorpeek.tui.figures.drawing import require_matplotlib
from tensorpeek.tui.figures.figure_options import PANELS
from tensorpeek.tui.figures.file_names import safe_names

if TYPE_CHECKING:
    from tensorpeek.tui.figures.health_point import HealthPoint


@dataclass(frozen=True, kw_only=True)
class PlotRequest:
    """What to draw and where to: a file, or a folder with the ending of its files."""

    kind: Kind
    output: str
    options: FigureOptions
    ending: str = ".png"
    force: bool = False
    everything: bool = False
    jobs: int = 1
    no_cache: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether the output is a folder: it exists as one, or ends in a slash."""
        return self.output.endswith(("/", "\\")) or Path(self.output).is_dir()


def plot_tensors(words: Sequence[str], matches: Sequence[str], request: PlotRequest) -> ExitCode:
    """Draw what ``words`` and ``matches`` select. What cannot be written is said before reading."""
    try:
        require_matplotlib()
    except FigureError as error:
        complain("plot", error.reason)
        return ExitCode.USAGE
    path = Path(request.output)
    problem = None if request.is_folder else path_problem(path, force=request.force)
    if problem is not None:
        complain(path, problem)
        return ExitCode.USAGE
    selection = Selection.of(words, matches)
    opened = open_files(selection.paths)
    tasks = tasks_for(opened.models, selection, request)
    if not tasks:
        return _nothing(opened, selection)
    problem = _place(tasks, request)
    if problem is not None:
        complain(request.output, problem)
        return ExitCode.USAGE
    return _Drawing(request, opened, selection).run(tasks)


def _nothing(opened: OpenedFiles, selection: Selection) -> ExitCode:
    code = opened.exit_code(selection, 0)
    if code == ExitCode.OK:
        complain("plot", "there is nothing to draw")
        return ExitCode.USAGE
    return code


def _place(tasks: Sequence[Task], request: PlotRequest) -> str | None:
    """Give each task its file; return in one clause why that cannot be."""
    if not request.is_folder:
        if len(tasks) > 1:
            what = "models" if tasks[0].is_of_model else "tensors"
            hint = " or --overview" if request.kind == "hist" else ""
            return f"these are {len(tasks):,} {what}: select one, name a folder (DIR/){hint}"
        tasks[0].path = Path(request.output)
        return None
    folder = Path(request.output)
    folder.mkdir(parents=True, exist_ok=True)
    names = safe_names([task.name for task in tasks], request.ending)
    for task, name in zip(tasks, names, strict=True):
        task.path = folder / name
        problem = path_problem(task.path, force=request.force)
        if problem is not None:
            return f"{name} {problem}"
    return None


class _Drawing:
    """Draws one figure after the other, and remembers what went wrong."""

    def __init__(self, request: PlotRequest, opened: OpenedFiles, selection: Selection) -> None:
        self._request = request
        self._selection = selection
        self._opened = opened
        self._written = 0

    def run(self, tasks: Sequence[Task]) -> ExitCode:
        """Draw all; what cannot be drawn is said and left out."""
        if len(tasks) == 1:
            with progress_line() as line:
                self._draw(tasks[0], line.begin(tasks[0].name))
        else:
            self._draw_many(tasks)
        code = self._opened.exit_code(self._selection, len(tasks))
        return ExitCode.USAGE if code == ExitCode.OK and not self._written else code

    def _draw_many(self, tasks: Sequence[Task]) -> None:
        bar = ScanBar(len(tasks), sum(task.cost for task in tasks))
        try:
            for task in tasks:
                bar.show(task.name)
                self._draw(task, lambda _: None, wipe=bar.wipe)
                bar.advance(task.cost, task.name)
        finally:
            bar.wipe()

    def _draw(
        self, task: Task, progress: Callable[[float], None], wipe: Callable[[], None] = lambda: None
    ) -> None:
        """Draw one figure; ``wipe`` takes the bar away before something is said."""
        request = self._request
        subject = Subject(task.tensors, task.model, self._points(task))
        try:
            save_figure(request.kind, subject, task.path, request.options, progress=progress)
            self._written += 1
        except FigureError as error:
            wipe()
            complain(task.name, error.reason)
        except LoadError as error:
            wipe()
            complain(task.model.path, f"{task.name}: {error.reason}")
            self._opened.unreadable_tensors += 1
        else:
            wipe()
            self._tell_page(task)

    def _points(self, task: Task) -> list[HealthPoint] | None:
        """Measure what a dashboard shows, as a scan does."""
        if task.kind != "dashboard":
            return None
        from tensorpeek.tui.command.plot_health import scanned_points

        points = scanned_points(task.model, self._selection, self._request)
        self._opened.unreadable_tensors += sum(point.error is not None for point in points)
        return points

    def _tell_page(self, task: Task) -> None:
        """Say what an overview does not show."""
        if task.kind == "overview" and len(task.tensors) > PANELS:
            from tensorpeek.tui.figures.overview_figure import page_words

            page = self._request.options.page
            complain(task.name, page_words(len(task.tensors), page))
