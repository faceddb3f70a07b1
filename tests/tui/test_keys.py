"""Every key of the histogram screen does what its help says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from driven_app import NARROW, driven
from onnx import numpy_helper
from textual.binding import Binding

from tensorpeek.tui.histogram.keys import HISTOGRAM_KEYS
from tensorpeek.tui.histogram.plot import HistogramPlot

LAYERS = [*(f"conv2d_{number}" for number in range(1, 10)), "dense"]

MODELS = [
    "resnet8.onnx",
    "resnet8.pt",
    "resnet8_int8.pt",
    "resnet8_int8_qdq.onnx",
    "resnet8_uint8_qoperator.onnx",
]


def weights(samples: Path, name: str = "resnet8.onnx") -> dict[str, np.ndarray]:
    """The arrays of an ONNX file as the onnx library reads them."""
    graph = onnx.load(samples / name).graph
    return {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}


async def test_layer_keys_go_forth_and_back_and_around_the_ends(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        assert app.chosen() == ("resnet8.onnx", "conv2d_1", "weight")
        for key, layer in (("n", 1), ("j", 2), ("p", 1), ("k", 0), ("k", -1), ("n", 0)):
            await app.press(key)
            assert app.menu("layer") == LAYERS[layer]
        assert app.subject() == "conv2d_1.weight"


async def test_keys_that_arrive_in_one_batch_are_all_followed(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.press("n", "n", "t", "n")
        assert app.chosen()[1:] == ("conv2d_4", "bias")
        values = weights(samples)["conv2d_4.bias"].astype(np.float64)
        assert float(app.statistics()["mean"]) == float(f"{values.mean():.6g}")


async def test_tensor_keys_stay_in_the_layer_and_the_label_follows_to_others(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        for key, label in (("t", "bias"), ("t", "weight"), ("T", "bias")):
            await app.press(key)
            assert app.chosen()[1:] == ("conv2d_1", label)
        await app.press("n")
        assert app.chosen()[1:] == ("conv2d_2", "bias")


async def test_model_keys_keep_the_layer_and_go_around(samples: Path) -> None:
    async with driven(samples) as app:
        await app.press("n", "n")
        for name in [*MODELS[1:], MODELS[0]]:
            await app.press("]")
            assert app.chosen() == (name, "conv2d_3", "weight")
            assert f"tensorpeek  {name}  " in app.line("#title")
        await app.press("[")
        assert app.chosen() == (MODELS[-1], "conv2d_3", "weight")


async def test_view_key_changes_between_stored_integers_and_floats(samples: Path) -> None:
    async with driven(samples / "resnet8_int8_qdq.onnx") as app:
        assert app.line("#view") == "( ) int8 raw (•) dequantized"
        await app.press("v")
        assert app.line("#view") == "(•) int8 raw ( ) dequantized"
        codes = weights(samples, "resnet8_int8_qdq.onnx")["conv2d_1.weight_quantized"]
        assert app.statistics()["min"] == str(codes.min())
        await app.press("n")
        assert app.line("#view") == "(•) int8 raw ( ) dequantized"
        await app.press("v", "p")
        assert app.line("#view") == "( ) int8 raw (•) dequantized"


async def test_float_tensors_have_no_view_to_toggle(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        before = app.text()
        assert not app.main.query_one("#view").display
        assert "view" not in app.line("#keys")
        await app.press("v")
        assert app.text() == before


async def test_view_toggle_follows_a_click_and_its_own_keys(samples: Path) -> None:
    async with driven(samples / "resnet8_int8.pt") as app:
        await app.pilot.click("#view")
        await app.settle()
        assert app.line("#view").startswith("(•) int8 raw")
        for key in ("enter", " ", "left", "right"):
            app.main.set_focus(app.main.query_one("#view"))
            before = app.line("#view")
            await app.press(key)
            assert app.line("#view") != before


async def test_bins_keys_step_by_five_within_the_limits(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        for key, bins in (("+", 55), ("=", 60), ("-", 55), ("_", 50)):
            await app.press(key)
            assert app.field("bins") == str(bins)
            assert app.histogram.counts.size == bins
        await app.press(*["-"] * 10)
        assert app.field("bins") == "10"
        await app.press(*["+"] * 40)
        assert app.field("bins") == "200"
        assert app.histogram.counts.size == 200


async def test_bins_and_scale_stay_for_the_next_tensor(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        await app.press("+", "g", "n")
        assert app.histogram.counts.size == 55
        assert "log scale" in app.text()


async def test_log_key_changes_the_axis_and_back(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        linear = app.text()
        await app.press("g")
        assert "percent of parameters, log scale" in app.text()
        assert app.region("#plot") != linear
        await app.press("g")
        assert app.text() == linear


async def test_range_keys_enter_a_range_and_restore_the_default(samples: Path) -> None:
    values = weights(samples)["conv2d_1.weight"].astype(np.float64)
    async with driven(samples / "resnet8.onnx") as app:
        default = app.field("low"), app.field("high")
        await app.press("r")
        assert app.main.focused is app.main.query_one("#low")
        await app.write("low", "-0.25,0.25")
        await app.press("enter")
        inside = int(((values >= -0.25) & (values <= 0.25)).sum())
        assert app.statistics()["in range"] == f"{inside} / 432"
        await app.press("d")
        assert (app.field("low"), app.field("high")) == default
        inside = int(((values >= float(default[0])) & (values <= float(default[1]))).sum())
        assert app.statistics()["in range"] == f"{inside} / 432"


async def test_a_key_turns_to_the_statistics_on_a_narrow_screen(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx", size=NARROW) as app:
        for page in (2, 1, 2, 1):
            await app.press("s")
            assert app.main.query_one("#plot").region.area > 0 if page == 1 else True
            assert app.main.query_one("#statistics").display is (page == 2)
            assert app.main.query_one("#plot").display is (page == 1)
        await app.press("s")
        assert app.statistics()["params"] == "432"


async def test_both_pages_stand_beside_each_other_on_a_wide_screen(samples: Path) -> None:
    async with driven(samples / "resnet8.onnx") as app:
        for key in ("s", "s", "1"):
            await app.press(key)
            assert app.main.query_one("#plot").display
            assert app.main.query_one("#statistics").display


async def test_quit_keys_end_the_app_well(samples: Path) -> None:
    for key in ("q", "ctrl+c"):
        async with driven(samples / "resnet8.onnx") as app:
            await app.ended_by(key)
        assert not app.app.return_code


async def test_ctrl_c_ends_the_app_while_a_field_a_menu_or_a_dialog_has_the_keys(
    samples: Path,
) -> None:
    for keys in (("r",), ("/",), ("?",), ("ctrl+p",)):
        async with driven(samples / "resnet8.onnx") as app:
            await app.press(*keys)
            await app.ended_by("ctrl+c")


def test_every_key_is_bound_once_and_says_what_it_does() -> None:
    bindings = [*HISTOGRAM_KEYS, *HistogramPlot.BINDINGS]
    assert all(isinstance(binding, Binding) and binding.tooltip for binding in bindings)
    keys = [key for binding in bindings for key in binding.key.split(",")]  # type: ignore[union-attr]
    assert len(keys) == len(set(keys))
    names = [binding.id for binding in bindings]  # type: ignore[union-attr]
    assert len(names) == len(set(names))
