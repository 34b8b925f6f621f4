"""A small picture of a score over time, as numbers for an inline SVG. The figures themselves stand in a table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 560, 160
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 12, 28


@dataclass
class Chart:
    """Coordinates in pixels of a WIDTH × HEIGHT box. Neighbouring points are joined; over a gap there is no line."""

    points: list[tuple[float, float]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    ticks: list[tuple[float, str]] = field(default_factory=list)
    labels: list[tuple[float, str]] = field(default_factory=list)
    target_y: float | None = None
    target_label: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def drawn(values: Sequence[float | None], labels: Sequence[str], *, least: float, most: float, target: float | None = None) -> Chart:
    """The values left to right at even steps, None for a gap, on a scale from `least` to `most`."""
    chart = Chart(target_label="" if target is None else f"{target:g}")
    span = (most - least) or 1.0

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - least) / span * (HEIGHT - TOP - BOTTOM), 1)

    step = (WIDTH - LEFT - RIGHT - 24) / max(len(values) - 1, 1)
    xs = [round(LEFT + 12 + number * step, 1) for number in range(len(values))]
    run: list[str] = []
    for x, value in zip(xs, values, strict=True):
        if value is not None:
            chart.points.append((x, y(value)))
            run.append(f"{x},{y(value)}")
            continue
        if len(run) > 1:
            chart.lines.append(" ".join(run))
        run = []
    if len(run) > 1:
        chart.lines.append(" ".join(run))
    chart.ticks = [(y(least), f"{least:g}"), (y(most), f"{most:g}")]
    each = max(1, -(-len(labels) // 6))
    chart.labels = [(x, label) for number, (x, label) in enumerate(zip(xs, labels, strict=True)) if number % each == 0]
    chart.target_y = None if target is None else y(target)
    return chart
