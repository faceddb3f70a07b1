"""The background jobs of every screen: look up paths, open a model.

The readers are imported here, inside the jobs, so that the first frame is on the screen before
anything heavy is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tensorpeek.tui.background import Job, Work
from tensorpeek.tui.messages import ModelFailed, ModelOpened, ModelsFound


def find(paths: Sequence[str]) -> Job:
    """Look up which files ``paths`` mean."""

    def job(work: Work) -> None:
        from tensorpeek.loaders import find_models

        found, problems = find_models(paths)
        work.post(ModelsFound(found, [str(problem) for problem in problems]))

    return job


def open_file(path: Path) -> Job:
    """Read the header of the model at ``path``."""

    def job(work: Work) -> None:
        from tensorpeek.loaders import LoadError, open_model

        try:
            model = open_model(path)
        except LoadError as error:
            work.post(ModelFailed(path, error.reason))
        else:
            work.post(ModelOpened(path, model))

    return job
