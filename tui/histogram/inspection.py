"""What was asked about the current tensor and what is known of it; no widget, no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorpeek.tui.histogram.range_text import default_range
from tensorpeek.tui.question import BINS_STEP, DEFAULT_BINS, MAX_BINS, MIN_BINS, Question, Subject
from tensorpeek.tui.statistics_table import Section, statistics_sections

if TYPE_CHECKING:
    from tensorpeek.analysis import Distribution, Histogram, QuantizationFacts, RangeCount, Summary
    from tensorpeek.loaders import Tensor


class Inspection:
    """Answers about one subject; a new subject forgets them, bins and scale stay."""

    def __init__(self, bins: int = DEFAULT_BINS) -> None:
        self.bins = bins
        self.log = False
        self.asked: Question | None = None
        self.range: tuple[float, float] | None = None
        self.is_range_chosen = False
        self.earlier: Summary | None = None
        self._version = 0
        self.distribution: Distribution | None = None
        self.facts: QuantizationFacts | None = None
        self.histogram: Histogram | None = None
        self.in_range: RangeCount | None = None
        self._has_failed = False

    def start(self, subject: Subject, version: int = 0) -> Question:
        """Forget the last subject and return the first question about the next one.

        The same subject in another ``version`` of its file keeps a range that was chosen, and what
        its values were before is known as ``earlier``.
        """
        is_same = self.asked is not None and self.asked.subject == subject
        is_newer = is_same and version != self._version
        if is_newer and self.distribution is not None:
            self.earlier = self.distribution.summary
        elif not is_newer:
            self.earlier = None
        if not (is_newer and self.is_range_chosen):
            self.range, self.is_range_chosen = None, False
        self.distribution = self.facts = self.histogram = self.in_range = None
        self._version, self._has_failed = version, False
        self.asked = Question(subject, self.bins, self.range)
        return self.asked

    def ask_again(self) -> Question | None:
        """Return the question with the bins and the range of now, None before measuring."""
        if self.asked is None or self.distribution is None:
            return None
        self.asked = Question(self.asked.subject, self.bins, self.range)
        return self.asked

    def measured(self, distribution: Distribution, facts: QuantizationFacts | None) -> None:
        """Take in what was measured."""
        self.distribution, self.facts = distribution, facts

    def has_changed(self) -> bool:
        """Whether bins or range were entered since the question that is being answered."""
        asked = self.asked
        return asked is not None and (asked.bins, asked.selection) != (self.bins, self.range)

    def counted(self, histogram: Histogram, in_range: RangeCount | None) -> None:
        """Take in what was counted."""
        self.histogram, self.in_range = histogram, in_range

    def failed(self) -> None:
        """Take in that there will be no answer."""
        self._has_failed = True

    @property
    def is_waiting(self) -> bool:
        """Whether the first bars are still to come."""
        return self.histogram is None and not self._has_failed

    def use_default_range(self) -> tuple[str, str]:
        """Select mean - std to mean + std; return the texts for the fields, empty without values.

        The texts are what is counted, to the digit.
        """
        self.is_range_chosen = False
        texts = None if self.distribution is None else default_range(self.distribution.summary)
        self.range = None if texts is None else (float(texts[0]), float(texts[1]))
        return texts or ("", "")

    def bins_after(self, step: int) -> int:
        """Return the number of bins ``step`` steps on, within the limits."""
        return min(max(self.bins + step * BINS_STEP, MIN_BINS), MAX_BINS)

    @property
    def is_empty(self) -> bool:
        """Whether the tensor is measured and has no finite value."""
        return self.distribution is not None and not self.distribution.summary.finite

    def sections(self, tensor: Tensor | None) -> list[Section]:
        """Return what is known of ``tensor`` as groups of rows."""
        if tensor is None:
            return []
        summary = None if self.distribution is None else self.distribution.summary
        return statistics_sections(tensor, summary, self.facts, self.in_range, self.earlier)

    def plot_title(self) -> str:
        """Return what the bars mean."""
        title = "percent of parameters"
        if self.histogram is not None and self.histogram.edges.levels is not None:
            levels = self.histogram.edges.levels
            noun = "level" if levels == 1 else "levels"
            title += f", {self.histogram.counts.size} bins of {levels} {noun}"
        return f"{title}, log scale" if self.log else title

    def bins_note(self, tensor: Tensor | None) -> str:
        """Return a remark about bins over the levels of several scales, or nothing."""
        quantization = None if tensor is None else tensor.quantization
        raw = self.asked is not None and self.asked.subject.view == "raw"
        if quantization is None or raw or quantization.scheme == "per-tensor":
            return ""
        return "levels differ by scale: equal bins may hold unequal numbers of levels"
