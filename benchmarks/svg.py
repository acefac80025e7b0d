"""Line plots on logarithmic axes, side by side, as one SVG; nothing but strings."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import count
from typing import NamedTuple

_WIDTH, _HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 16, 40, 48
_COLUMNS = 2
_COLOURS = ("#0b6e99", "#b3541e", "#5a7d2a")
_STYLE = (
    "text{font:12px sans-serif;fill:#222}.title{font-weight:bold;font-size:13px}"
    ".grid{stroke:#ddd}.line{fill:none;stroke-width:2}"
)


class Dot(NamedTuple):
    """A median with the least and the most beside it. All above 0."""

    x: float
    y: float
    low: float
    high: float


class Panel(NamedTuple):
    """One plot; ``lines`` by the name that the legend shows."""

    title: str
    x_axis: str
    y_axis: str
    lines: Mapping[str, Sequence[Dot]]


class _Scale(NamedTuple):
    """From values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        low, high = math.log10(self.low), math.log10(self.high)
        share = (math.log10(value) - low) / (high - low or 1)
        return round(self.start + share * (self.end - self.start), 1)

    def decades(self) -> Iterable[float]:
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        return (10.0**power for power in range(first, last + 1))


def render(panels: Sequence[Panel]) -> str:
    """The whole document."""
    rows = math.ceil(len(panels) / _COLUMNS)
    width, height = _COLUMNS * _WIDTH, rows * _HEIGHT
    body = "".join(
        f'<g transform="translate({n % _COLUMNS * _WIDTH},{n // _COLUMNS * _HEIGHT})">'
        f"{_panel(panel)}</g>\n"
        for n, panel in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>\n{body}</svg>\n'
    )


def _panel(panel: Panel) -> str:
    dots = [dot for line in panel.lines.values() for dot in line]
    x = _Scale(min(d.x for d in dots), max(d.x for d in dots), _LEFT, _WIDTH - _RIGHT)
    y = _whole_decades(dots)
    middle, bottom = (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - _BOTTOM
    drawn = zip(count(), panel.lines.items(), _COLOURS, strict=False)
    return (
        _text(middle, 16, panel.title, 'class="title" text-anchor="middle"')
        + _text(middle, _HEIGHT - 10, panel.x_axis, 'text-anchor="middle"')
        + _text(4, _TOP - 10, panel.y_axis)
        + "".join(_row(y(value), value) for value in y.decades())
        + "".join(_mark(x(value), bottom, value) for value in sorted({d.x for d in dots}))
        + "".join(_line(n, name, line, colour, x, y) for n, (name, line), colour in drawn)
    )


def _whole_decades(dots: Sequence[Dot]) -> _Scale:
    low = 10.0 ** math.floor(math.log10(min(dot.low for dot in dots)))
    high = 10.0 ** math.ceil(math.log10(max(dot.high for dot in dots)))
    return _Scale(low, high, _HEIGHT - _BOTTOM, _TOP)


def _row(y: float, value: float) -> str:
    label = _text(_LEFT - 6, y + 4, f"{value:,.0f}", 'text-anchor="end"')
    return f'<path class="grid" d="M{_LEFT} {y}H{_WIDTH - _RIGHT}"/>{label}'


def _mark(x: float, y: float, value: float) -> str:
    return _text(x, y + 16, f"{value:g}", 'text-anchor="middle"')


def _line(n: int, name: str, dots: Sequence[Dot], colour: str, x: _Scale, y: _Scale) -> str:
    path = " ".join(f"{x(dot.x)},{y(dot.y)}" for dot in dots)
    bars = "".join(f"M{x(d.x)} {y(d.low)}V{y(d.high)}" for d in dots)
    points = "".join(f'<circle cx="{x(d.x)}" cy="{y(d.y)}" r="3" fill="{colour}"/>' for d in dots)
    legend = _text(
        _WIDTH - _RIGHT, _TOP + 14 * n - 8, name, f'text-anchor="end" style="fill:{colour}"'
    )
    return (
        f'<polyline class="line" stroke="{colour}" points="{path}"/>'
        f'<path d="{bars}" stroke="{colour}"/>{points}{legend}'
    )


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    return f'<text x="{x}" y="{y}" {attributes}>{escape(text)}</text>'
