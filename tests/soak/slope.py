"""Whether something grows: the slope of samples over time, robustly, and a gate on it.

Theil and Sen: the median of the slopes of all pairs of samples. Up to 29 % of the samples may
be outliers (a worker being replaced, a broker that is away) without moving it. The band is
Sen's, from the distribution of Kendall's statistic (Sen, JASA 63 (1968), 1379-1389). It takes
the samples for independent; neighbours in time are not, so it is somewhat too narrow, which
the limits must leave room for.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist, median
from typing import NamedTuple

Sample = tuple[float, float]
"""Time in seconds, value."""

LEAST_SAMPLES = 20
"""Fewer prove nothing, so they fail a gate."""
_MOST_POINTS = 600  # 180,000 pairs: a quarter of a second in Python


class Slope(NamedTuple):
    """Growth per second: the estimate and its confidence band."""

    low: float
    estimate: float
    high: float


class Limit(NamedTuple):
    """What may grow how much.

    Attributes:
        per_hour: growth that is allowed however long it is looked at.
        in_all: growth over the samples that is allowed at any rate; what lets short runs pass,
            whose noise makes any slope per hour meaningless. The longer the run, the less it
            allows per hour: where ``per_hour`` equals it, after ``in_all / per_hour`` hours.
    """

    per_hour: float
    in_all: float


class Finding(NamedTuple):
    """A gate's answer. ``words`` tell the figures, or what is missing."""

    ok: bool
    words: str


def theil_sen(samples: Sequence[Sample], confidence: float = 0.95) -> Slope:
    """The slope of samples at distinct times, in any order.

    Raises:
        ValueError: fewer than two distinct times.
    """
    slopes = sorted((b - a) / (t - s) for (s, a), (t, b) in combinations(samples, 2) if s != t)
    if not slopes:
        raise ValueError("a slope needs samples at two distinct times")
    half = _half_width(len(samples), confidence)
    last = len(slopes) - 1
    low = max(0, math.floor((len(slopes) - half) / 2) - 1)
    high = min(last, math.ceil((len(slopes) + half) / 2))
    return Slope(slopes[low], median(slopes), slopes[high])


def _half_width(n: int, confidence: float) -> float:
    """Of the band, in ranks: a quantile of Kendall's S, whose variance is n(n-1)(2n+5)/18."""
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    return quantile * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)


def thinned(samples: Sequence[Sample], most: int = _MOST_POINTS) -> list[Sample]:
    """At most so many points: the medians of equal runs of neighbours."""
    step = math.ceil(len(samples) / most) or 1
    runs = [samples[at : at + step] for at in range(0, len(samples), step)]
    return [(median(t for t, _ in run), median(v for _, v in run)) for run in runs]


def after(samples: Sequence[Sample], warm_up_seconds: float) -> list[Sample]:
    """The samples behind the warm-up, counted from the first one."""
    return [(t, value) for t, value in samples if t - samples[0][0] >= warm_up_seconds]


def gate(samples: Sequence[Sample], limit: Limit, *, least: int = LEAST_SAMPLES) -> Finding:
    """Passes when the upper end of the band is within the limit; too few samples fail.

    Args:
        least: so many samples there must be.
    """
    if len(samples) < max(2, least):
        return Finding(False, f"{len(samples)} samples, {max(2, least)} are needed")
    hours = (samples[-1][0] - samples[0][0]) / 3600
    if hours <= 0:
        return Finding(False, "all samples are of one time")
    low, estimate, high = (each * 3600 for each in theil_sen(thinned(samples)))
    allowed = max(limit.per_hour, limit.in_all / hours)
    grown = f"{estimate * hours:+.2f} [{low * hours:+.2f}, {high * hours:+.2f}] in {hours:.3g} h"
    words = f"{grown}: {high:+.3g}/h at most, {allowed:.3g}/h allowed, {len(samples)} samples"
    return Finding(high <= allowed, words)
