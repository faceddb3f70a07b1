"""What is known about the kernel that is chosen, and how it is arranged; no widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorpeek.tui.background import Job
from tensorpeek.tui.kernels import jobs
from tensorpeek.tui.kernels.arrangement import MOST_ZOOM, Arrangement, KernelSubject, modes
from tensorpeek.tui.kernels.messages import FilterRead
from tensorpeek.tui.selection import Selection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tensorpeek.analysis.kernels import Filters, Kernel, KernelLayout, Similarity
    from tensorpeek.loaders import Model, Tensor
    from tensorpeek.tui.kernels.tile_maps import TileMaps


MOST_COPIED = 1 << 16
"""Values of one filter that are copied, at most."""


class KnownKernel:
    """The kernel of a choice: what was read of it, and what the keys have set."""

    def __init__(self, choice: Selection) -> None:
        self._choice = choice
        self.arrangement = Arrangement()
        self.subject: KernelSubject | None = None
        self.filters: Filters | None = None
        self.maps: TileMaps | None = None
        self.similarity: Similarity | None = None
        self.one: FilterRead | None = None
        self.center = 0.0
        self.reason = ""
        self.is_failed = False
        self._kernel: Kernel | None = None
        self._read_as: tuple[Tensor, KernelLayout] | None = None
        self._convolutions: tuple[Model, list[Tensor]] | None = None

    def enter(self) -> None:
        """Begin with the tensor that is chosen now; what is set stays where it has a meaning."""
        from tensorpeek.analysis.kernels import Kernel

        self.filters = self.maps = self.similarity = self.one = None
        self.subject = self._kernel = None
        self.center, self.reason, self.is_failed = 0.0, "", False
        tensor, subject, layout = self._choice.tensor, self._choice.subject, self.layout
        if tensor is None or subject is None or layout is None:
            return
        self.subject = KernelSubject(subject, layout.name)
        self._kernel = Kernel(tensor, self._choice.view, layout)
        sides = layout.sides(tensor.shape)
        shown, offered = self.arrangement, modes(is_pointwise=sides == (1, 1, 1))
        if shown.mode not in offered or (shown.mode == "mean" and "each" in offered):
            shown.mode = offered[0]
        shown.depth = min(shown.depth, sides[0] - 1)
        shown.input = min(shown.input, self._inputs_of(tensor, layout) - 1)

    @property
    def layout(self) -> KernelLayout | None:
        """The order of the chosen tensor's axes, None if it is no kernel."""
        from tensorpeek.analysis.kernels import kernel_layout

        tensor, model = self._choice.tensor, self._choice.model
        if tensor is None or model is None:
            return None
        if self._read_as is not None and self._read_as[0] is tensor:
            return self._read_as[1]
        return kernel_layout(tensor, model)

    def next_layout(self) -> bool:
        """Read the axes in the next order there is; tell whether there is one."""
        from tensorpeek.analysis.kernels import possible_layouts

        tensor, layout = self._choice.tensor, self.layout
        if tensor is None or tensor.error is not None or not tensor.params:
            return False
        known = possible_layouts(tensor.shape)
        if not known:
            return False
        at = known.index(layout) + 1 if layout in known else 0
        self._read_as = (tensor, known[at % len(known)])
        return True

    @property
    def is_waiting(self) -> bool:
        """Whether nothing of the kernel can be shown yet."""
        return self.maps is None and not self.is_failed

    @property
    def depths(self) -> int:
        """Slices of a filter, 0 while nothing is known."""
        return self.filters.sides[0] if self.filters is not None else 0

    @property
    def inputs(self) -> int:
        """Inputs of a filter, 0 while nothing is known."""
        return self.filters.inputs if self.filters is not None else 0

    def step(self, step: int) -> Tensor | None:
        """Return the convolution kernel before or after the chosen tensor, around the end."""
        from tensorpeek.analysis.kernels import kernel_layout

        model, tensor = self._choice.model, self._choice.tensor
        if model is None or tensor is None:
            return None
        if self._convolutions is None or self._convolutions[0] is not model:
            found = [one for one in model.tensors if kernel_layout(one, model) is not None]
            self._convolutions = (model, found)
        kernels = self._convolutions[1]
        if not kernels:
            return None
        if tensor in kernels:
            return kernels[(kernels.index(tensor) + step) % len(kernels)]
        places = {id(one): place for place, one in enumerate(model.tensors)}
        at = places[id(tensor)]
        later = [one for one in kernels if places[id(one)] > at]
        if step > 0:
            return later[0] if later else kernels[0]
        return kernels[-len(later) - 1]

    # Jobs

    def reading(self) -> Job:
        """Return the job that reads the kernel."""
        if self.subject is None or self._kernel is None:
            raise ValueError("no kernel is chosen")
        shown = self.arrangement
        return jobs.read_kernel(self.subject, self._kernel, shown.mode, shown.input)

    def mapping(self) -> Job | None:
        """Return the job that makes the tiles again, None before the kernel was read."""
        if self.subject is None or self._kernel is None or self.filters is None:
            return None
        shown = self.arrangement
        return jobs.make_maps(self.subject, self._kernel, self.filters, shown.mode, shown.input)

    def fetching(self, index: int) -> Job | None:
        """Return the job that fetches one filter, None before the kernel was read."""
        if self.subject is None or self._kernel is None or self.filters is None:
            return None
        return jobs.read_one(self.subject, self._kernel, self.filters, index)

    # What the keys set

    def next_mode(self) -> None:
        """Go on to what else tiles can show."""
        if self.filters is None:
            return
        offered = modes(is_pointwise=self._is_pointwise)
        at = offered.index(self.arrangement.mode) if self.arrangement.mode in offered else -1
        self.arrangement.mode = offered[(at + 1) % len(offered)]

    def step_input(self, step: int) -> None:
        """Go to an input, the current one if none was shown."""
        if self.filters is None:
            return
        if self.arrangement.mode == "input":
            self.arrangement.input = (self.arrangement.input + step) % self.inputs
        self.arrangement.mode = "input"

    def zoom(self, now: int | None, step: int) -> None:
        """Draw a value on more or fewer columns than ``now``."""
        if now is not None:
            self.arrangement.zoom = min(max(now + step, 1), MOST_ZOOM)

    @property
    def _is_pointwise(self) -> bool:
        if self.filters is None or self.filters.values is None:
            return False
        return self.filters.sides == (1, 1, 1)

    @staticmethod
    def _inputs_of(tensor: Tensor, layout: KernelLayout) -> int:
        if not layout.has_input:
            return 1
        return tensor.shape[layout.axes[len(layout.outputs)]]

    # Words

    def order(self) -> NDArray[np.intp]:
        """Return the filters in the order in which they are shown."""
        import numpy as np

        if self.filters is None:
            return np.empty(0, np.intp)
        if self.arrangement.order == "norm":
            return np.argsort(-self.filters.norms, kind="stable")
        if self.arrangement.order == "similarity" and self.similarity is not None:
            return self.similarity.chain
        return np.arange(self.filters.count)

    def title(self) -> str:
        """Return what stands over the tiles."""
        from tensorpeek.tui.kernels.kernel_words import kernel_title

        if self.filters is None:
            return ""
        return kernel_title(self.filters, self.arrangement, self.similarity, self.reason)

    def subtitle(self, sight: str, *, is_page: bool) -> str:
        """Return what stands under the tiles."""
        from tensorpeek.tui.kernels.kernel_words import ORDER_WORDS

        shown = self.arrangement
        if is_page:
            parts = ["all values of one filter, a scale of its own", "Esc: all filters"]
        else:
            order = ORDER_WORDS[shown.order]
            if shown.order == "similarity" and self.similarity is None:
                order = f"by similarity: {self.reason or 'comparing …'}"
            scale = "a scale for each tile" if shown.per_tile else "one scale for all"
            inputs = self.filters.inputs if self.filters is not None else 1
            parts = [shown.mode_words(inputs), order, scale]
        return " · ".join([*parts, sight] if sight else parts)

    def values_text(self, name: str) -> str:
        """Return the values of the filter that is enlarged, a line for each row."""
        from tensorpeek.tui.number_text import number

        if self.one is None:
            return ""
        one = self.one.values
        copied = one[: max(1, MOST_COPIED * len(one) // one.size)]
        part = "" if len(copied) == len(one) else f"  first {len(copied)} of {len(one)} inputs"
        lines = [f"{name}  filter {self.one.index}{part}"]
        for place, values in enumerate(copied):
            for depth, picture in enumerate(values):
                deep = f"  slice {depth}" if len(values) > 1 else ""
                lines.append(f"input {place}{deep}")
                lines += ["\t".join(number(value) for value in row) for row in picture.tolist()]
        return "\n".join(lines) + "\n"
