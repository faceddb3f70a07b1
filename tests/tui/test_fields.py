"""What is typed into the fields is used if it is right, else marked with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from driven_app import NARROW, WIDE, DrivenApp, driven

BINS = "10 to 200 in steps of 5"

WRONG_BINS = {
    "": f"Bins: empty: {BINS}",
    "ten": f"Bins: not a whole number: {BINS}",
    "-5": f"Bins: not a whole number: {BINS}",
    "1.5": f"Bins: not a whole number: {BINS}",
    "²": f"Bins: not a whole number: {BINS}",
    "0": f"Bins: only {BINS}",
    "7": f"Bins: only {BINS}",
    "12": f"Bins: only {BINS}",
    "205": f"Bins: only {BINS}",
}

WRONG_RANGES = {
    ("", "1"): ("low", "Min: empty: enter a number"),
    ("0", ""): ("high", "Max: empty: enter a number"),
    ("zero", "1"): ("low", "Min: not a number"),
    ("0", "1,5"): ("high", "Max: not a number"),
    ("1_0", "2x"): ("high", "Max: not a number"),
    ("nan", "1"): ("low", "Min: NaN is not a limit"),
    ("0", "NaN"): ("high", "Max: NaN is not a limit"),
    ("2", "1"): ("low", "Min: greater than Max"),
    ("inf", "-inf"): ("low", "Min: greater than Max"),
    (",", ""): ("low", "Min: empty: enter a number"),
    ("1,2,3", ""): ("high", "Max: not a number"),
}


def is_marked(app: DrivenApp, field: str) -> bool:
    marked = [each.id for each in app.main.query("#fields Input") if each.has_class("-wrong")]
    assert len(marked) <= 1
    return marked == [field]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide screen", "narrow screen"])
async def test_a_wrong_number_of_bins_is_marked_and_changes_nothing(
    samples: Path, size: tuple[int, int]
) -> None:
    async with driven(samples / "resnet8.onnx", size=size) as app:
        assert app.error() == ""
        for entry, reason in WRONG_BINS.items():
            await app.write("bins", entry)
            await app.press("enter")
            assert app.error() == reason
            assert is_marked(app, "bins")
            assert app.main.focused is app.main.query_one("#bins")
            assert app.histogram.counts.size == 50
        await app.write("bins", "15")
        await app.press("enter")
        assert app.error() == ""
        assert not is_marked(app, "bins")
        assert app.main.focused is app.plot
        assert app.histogram.counts.size == 15


async def test_the_limits_of_the_bins_are_allowed(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        for entry, bins in (("10", 10), ("200", 200), (" 25", 25), ("050", 50)):
            await app.write("bins", entry)
            await app.press("enter")
            assert app.error() == ""
            assert app.field("bins") == str(bins)
            assert app.histogram.counts.size == bins


async def test_an_entry_that_is_left_is_forgotten(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.write("bins", "7")
        await app.press("escape")
        assert app.field("bins") == "50"
        assert app.main.focused is app.plot
        await app.write("bins", "7")
        await app.press("enter")
        assert app.error()
        await app.press("escape")
        assert app.field("bins") == "50"
        assert app.error() == ""


async def test_a_wrong_range_is_marked_at_its_field_and_changes_nothing(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        before = app.histogram.selection
        for (low, high), (field, reason) in WRONG_RANGES.items():
            await app.write("low", low)
            await app.write("high", high)
            await app.press("enter")
            assert app.error() == reason
            assert is_marked(app, field)
            assert app.main.focused is app.main.query_one(f"#{field}")
            assert app.histogram.selection == before
        await app.write("low", "-1")
        await app.write("high", "1")
        await app.press("enter")
        assert app.error() == ""
        assert app.histogram.selection == (-1, 1)


async def test_the_error_stands_under_the_field_it_is_about(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.write("high", "x")
        await app.press("enter")
        text, field = app.main.query_one("#field-error"), app.main.query_one("#high")
        assert text.region.x == field.region.x
        assert text.region.y == field.region.y + 1
        assert text.region.right <= app.app.size.width


async def test_an_error_goes_when_another_tensor_or_the_default_range_is_chosen(
    samples: Path,
) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        for key in ("d", "n", "+"):
            await app.write("low", "x")
            await app.press("enter")
            assert app.error()
            app.main.set_focus(app.plot)
            await app.press(key)
            assert app.error() == "", key


async def test_the_button_applies_the_range_as_enter_does(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.write("low", "-0.5")
        await app.write("high", "0.5")
        await app.pilot.click("#apply")
        await app.settle()
        assert app.histogram.selection == (-0.5, 0.5)
        assert app.main.focused is app.plot
        await app.write("high", "-1")
        await app.press("tab", "enter")
        assert app.error() == "Min: greater than Max"


async def test_two_limits_may_stand_in_one_field(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        for entry in ("-1,0.5", " -1 , 0.5 ", "-1e0,+5e-1"):
            await app.press("d")
            await app.write("low", entry)
            await app.press("enter")
            assert app.histogram.selection == (-1, 0.5)
            assert (float(app.field("low")), float(app.field("high"))) == (-1, 0.5)


async def test_keys_sent_ahead_reach_the_field_and_then_the_plot(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.press("n", "r", *"-0.25,0.25", "enter", "g")
        assert app.menu("layer") == "conv2d_2"
        assert app.histogram.selection == (-0.25, 0.25)
        assert (app.field("low"), app.field("high")) == ("-0.25", "0.25")
        assert "log scale" in app.text()
        await app.press("r", *"1,2", "escape", "n")
        assert app.menu("layer") == "conv2d_3"


async def test_letters_in_a_field_are_text_and_no_keys(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.write("low", "q/?rnv+")
        assert app.app.is_running
        assert len(app.app.screen_stack) == 1
        assert app.menu("layer") == "conv2d_1"
