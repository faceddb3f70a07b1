"""From tensors to exact numbers: tables of counts, summaries, histograms, range counts."""

from tensorpeek.analysis.cache import DistributionCache
from tensorpeek.analysis.distribution import Distribution
from tensorpeek.analysis.edges import Edges, integer_edges, level_edges, uniform_edges
from tensorpeek.analysis.histogram import Histogram
from tensorpeek.analysis.measure import default_edges, measure
from tensorpeek.analysis.quantized import QuantizationFacts, quantization_facts
from tensorpeek.analysis.range_count import RangeCount
from tensorpeek.analysis.reading import Progress
from tensorpeek.analysis.saturation import ChannelSaturation
from tensorpeek.analysis.scales import ScaleStrip, scale_strip
from tensorpeek.analysis.stopping import Stop, never
from tensorpeek.analysis.summary import QUANTILES, Summary
from tensorpeek.analysis.table import CountTable
from tensorpeek.analysis.wide import WideDistribution

__all__ = [
    "QUANTILES",
    "ChannelSaturation",
    "CountTable",
    "Distribution",
    "DistributionCache",
    "Edges",
    "Histogram",
    "Progress",
    "QuantizationFacts",
    "RangeCount",
    "ScaleStrip",
    "Stop",
    "Summary",
    "WideDistribution",
    "default_edges",
    "integer_edges",
    "level_edges",
    "measure",
    "never",
    "quantization_facts",
    "scale_strip",
    "uniform_edges",
]
