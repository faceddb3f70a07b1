"""The overlay of marked tensors, pushed over the table, as it stands on the screen."""

from __future__ import annotations

from driven_app import DrivenApp

from tensorpeek.tui.overlay.chart import OverlayChart
from tensorpeek.tui.overlay.screen import OverlayScreen


def overlay(app: DrivenApp) -> OverlayScreen:
    screen = app.app.screen
    assert isinstance(screen, OverlayScreen), app.text()
    return screen


def chart(app: DrivenApp) -> OverlayChart:
    return overlay(app).query_one(OverlayChart)


async def follow(app: DrivenApp, *keys: str) -> None:
    """Press keys on the table or on the overlay, which is counted after that."""
    await app.press(*keys)
    await app.until(lambda: overlay(app).is_settled)
    await app.settle()


def region(app: DrivenApp, selector: str) -> list[str]:
    """The lines of one widget of the overlay, without its border."""
    x, y, width, height = overlay(app).query_one(selector).scrollable_content_region
    return [line[x : x + width].rstrip() for line in app.lines()[y : y + height]]


def legend(app: DrivenApp) -> dict[str, list[str]]:
    """The cells of each tensor, by its name: sign, type, values, ..., in bin, share."""
    rows = [line.split() for line in region(app, "#overlay-legend")[2:]]
    return {row[1]: [row[0], *row[2:]] for row in rows}


def cursor_bin(app: DrivenApp) -> tuple[int, int]:
    """The bin at the cursor, from 1, and how many there are."""
    number, count = region(app, "#overlay-legend")[0].split()[1].split("/")
    return int(number), int(count)
