"""Charts as SVG, drawn by hand: bars of rows per second, lines of time by index size. Nothing to install."""

from __future__ import annotations

import math
import shutil
import subprocess
from dataclasses import dataclass
from html import escape
from pathlib import Path

INK, FAINT, GRID = "#222", "#666", "#ddd"
OURS, THEIRS, LIMIT = "#1668a8", "#b9bec4", "#8a8f96"
LINES = ("#1668a8", "#d1711c", "#4a8f3c", "#8a5aa8")
FONT = "font-family='DejaVu Sans, Verdana, Helvetica, Arial, sans-serif'"


def readable(value: float) -> str:
    """Three digits and a unit: 5.19 M, 313 k, 42."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size * 0.9995:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def text(
    x: float, y: float, words: str, anchor: str = "start", size: int = 13, fill: str = INK, weight: str = "normal"
) -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size}' font-weight='{weight}' fill='{fill}' "
        "stroke='#fff' stroke-width='3' stroke-linejoin='round' paint-order='stroke'>"
        f"{escape(words)}</text>"
    )


def line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}' stroke-width='{width}'/>"


def page(width: int, height: int, title: str, below: str, parts: list[str]) -> str:
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}' {FONT}>",
            f"<rect width='{width}' height='{height}' fill='#fff'/>",
            text(20, 30, title, size=16, weight="bold"),
            text(20, 50, below, size=12, fill=FAINT),
            *parts,
            "</svg>",
            "",
        ]
    )


@dataclass
class Axis:
    """Values to pixels, linear from zero or logarithmic, with ticks at round values."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    def at(self, value: float) -> float:
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1,) if self.high / self.low > 500 else (1, 2, 5)
            found = [step * 10.0**power for power in powers for step in steps]
        else:
            step = 10 ** math.floor(math.log10(self.high / 2))
            step *= next(by for by in (1, 2, 5, 10) if self.high / (step * by) <= 7)
            found = [step * number for number in range(int(self.high / step) + 1)]
        return [value for value in found if self.low * 0.999 <= value <= self.high * 1.001]


def axis(values: list[float], start: float, end: float, logarithmic: bool) -> Axis:
    if logarithmic:
        low = 10 ** math.floor(math.log10(min(values)) - 0.1)
        return Axis(low, max(values) * 1.05, start, end, True)
    return Axis(0, max(values) * 1.05, start, end, False)


def bars(title: str, rates: dict[str, float]) -> str:
    """Rows per second, the fastest first. Logarithmic as soon as the longest bar is 30 times the shortest."""
    names = sorted(rates, key=rates.get, reverse=True)
    left = 40 + max(len(name) for name in names) * 7.6
    width, row, top = 960, 30, 76
    bottom = top + row * len(names)
    scale = axis(list(rates.values()), left, width - 90, max(rates.values()) / min(rates.values()) > 30)
    drawn = []
    for tick in scale.ticks():
        x = scale.at(tick)
        drawn += [line(x, top - 4, x, bottom, GRID), text(x, bottom + 18, readable(tick), "middle", 12, FAINT)]
    for number, name in enumerate(names):
        y = top + row * number
        ours = name.startswith("quell")
        colour = OURS if ours else LIMIT if name.startswith("copy") else THEIRS
        end = scale.at(rates[name])
        drawn += [
            text(left - 10, y + 17, name, "end", weight="bold" if ours else "normal"),
            f"<rect x='{left:.1f}' y='{y + 3}' width='{end - left:.1f}' height='{row - 10}' fill='{colour}'/>",
            text(end + 6, y + 17, readable(rates[name])),
        ]
    below = "rows per second, median; longer is faster" + ("; logarithmic scale" if scale.logarithmic else "")
    return page(width, bottom + 34, title, below, drawn)


def lines(title: str, series: dict[str, dict[float, float]], rows: int) -> str:
    """Seconds for one batch, by the number of suppressed addresses; both axes logarithmic where the values need it."""
    width, height, left, right, top, bottom = 960, 480, 80, 190, 80, 410
    sizes = sorted({size for points in series.values() for size in points})
    seconds = [value for points in series.values() for value in points.values()]
    across = Axis(sizes[0] / 1.3, sizes[-1] * 1.3, left, width - right, True)
    logarithmic = max(seconds) / min(seconds) > 5
    up = axis(seconds, bottom, top, False)
    if logarithmic:
        up = Axis(min(seconds) / 1.5, max(seconds) * 1.5, bottom, top, True)
    drawn = []
    for tick in up.ticks():
        y = up.at(tick)
        drawn += [line(left, y, width - right, y, GRID), text(left - 10, y + 4, f"{tick:g} s", "end", 12, FAINT)]
    for size in sizes:
        x = across.at(size)
        drawn += [line(x, bottom, x, bottom + 5, FAINT), text(x, bottom + 22, readable(size), "middle", 12, FAINT)]
    drawn += [
        line(left, bottom, width - right, bottom, FAINT),
        text((left + width - right) / 2, bottom + 48, "suppressed addresses", "middle", 12, FAINT),
    ]
    used: list[float] = []
    values: dict[float, list[tuple[float, float, str, str]]] = {}
    # quell's line has the first colour in every chart.
    order = sorted(series, key=lambda name: (not name.startswith("quell"), name))
    ends = sorted(series, key=lambda name: up.at(series[name][max(series[name])]))
    for name in ends:
        colour = LINES[order.index(name) % len(LINES)]
        points = [(across.at(size), up.at(value), value) for size, value in sorted(series[name].items())]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
        drawn.append(f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2.5'/>")
        for x, y, value in points:
            drawn.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4' fill='{colour}'/>")
            values.setdefault(x, []).append((x, y, f"{value:.3g} s", colour))
        x, y, _ = points[-1]
        # Names of lines that end close to each other are moved apart.
        y = max([y + 4, *(taken + 18 for taken in used)])
        used.append(y)
        drawn.append(text(x + 46, y, name, fill=colour, weight="bold"))
    for points in values.values():
        drawn += labels(points)
    below = f"seconds for {readable(rows)} rows, median; lower is faster" + ("; logarithmic scales" if logarithmic else "")
    return page(width, height, title, below, drawn)


def labels(points: list[tuple[float, float, str, str]]) -> list[str]:
    """The values at the points of one size: above their points, or below where the next line is too close above."""
    drawn = []
    last = -100.0
    for x, y, words, colour in sorted(points, key=lambda point: point[1]):
        above = y - 10
        baseline = above if above - last >= 14 else max(y + 19, last + 14)
        last = baseline
        drawn.append(text(x, baseline, words, "middle", 12, colour))
    return drawn


def save(path: Path, svg: str, png: bool) -> None:
    """The SVG, and beside it a PNG if wanted and the machine has `rsvg-convert`."""
    path.write_text(svg)
    converter = shutil.which("rsvg-convert")
    if png and converter:
        subprocess.run([converter, "--zoom", "1.5", path, "-o", path.with_suffix(".png")], check=True)
