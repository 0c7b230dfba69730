"""Draws points as SVG, with a line through those that no other point beats."""

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 480
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 40, 52
# Each stands out from white as from black: a picture does not know the page behind it.
COLORS = {"none": "#2da44e", "format": "#d0722c", "policy": "#2f81f7", "selector": "#a371f7"}
GREY = "#808890"


@dataclass(frozen=True)
class Point:
    label: str
    kind: str
    x: float
    y: float


def pareto(points: list[Point]) -> list[Point]:
    """Those that no other point beats, by a smaller x or a larger y with the other one at least as good."""
    best: list[Point] = []
    for point in sorted(points, key=lambda point: (point.x, -point.y)):
        if not best or point.y > best[-1].y:
            best.append(point)
    return best


def ticks(high: float) -> list[float]:
    """At most eight round numbers from 0 up to the first one that is not below `high`."""
    step = 10 ** math.floor(math.log10(high / 8))
    step *= next(factor for factor in (1, 2, 5, 10) if step * factor * 7 >= high)
    return [step * index for index in range(math.ceil(high / step - 1e-9) + 1)]


Box = tuple[float, float, float, float]  # left, top, right, bottom


def overlap(a: Box, b: Box) -> float:
    """The area that two boxes have in common."""
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def is_outside(box: Box) -> bool:
    return box[0] < LEFT or box[2] > WIDTH or box[1] < TOP or box[3] > HEIGHT - BOTTOM


def place(points: list[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Where each label stands: beside its point, as near as it can without covering others."""
    taken: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y, _ in points]
    placed = []
    for x, y, label in points:
        width = 7 * len(label)
        shifts = sorted(range(-65, 66, 13), key=abs)
        corners = [(left, y + 4 + shift) for shift in shifts for left in (x + 9, x - width - 9)]
        boxes: list[Box] = [(left, base - 11, left + width, base + 2) for left, base in corners]
        box = min(boxes, key=lambda box: (is_outside(box), sum(overlap(box, other) for other in taken)))
        taken.append(box)
        placed.append((box[0], box[3] - 2, label))
    return placed


def scatter(points: list[Point], x_title: str, y_title: str) -> str:
    """An SVG picture; a smaller x and a larger y, which is between 0 and 1, are better."""
    x_ticks, y_ticks = ticks(max(point.x for point in points) * 1.15), [0, 0.2, 0.4, 0.6, 0.8, 1]

    def at(x: float, y: float) -> tuple[float, float]:
        across = x / x_ticks[-1] * (WIDTH - LEFT - RIGHT)
        return LEFT + across, HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)

    def text(x: float, y: float, content: str, anchor: str = "start", color: str = GREY, more: str = "") -> str:
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}"{more}>{escape(content)}</text>'

    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    font = 'font-family="system-ui, sans-serif" font-size="12"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {font}>']
    grid = f'stroke="{GREY}" stroke-opacity=".3"'
    parts.append(f"<title>{escape(y_title)} against {escape(x_title)}</title>")
    for value in y_ticks:
        x, y = at(0, value)
        parts.append(f'<line x1="{x}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" {grid}/>')
        parts.append(text(x - 8, y + 4, f"{value:.1f}", "end"))
    for value in x_ticks:
        x, y = at(value, 0)
        parts.append(f'<line x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{TOP}" {grid}/>')
        parts.append(text(x, y + 18, f"{value:g}", "middle"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_title, "middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(text(18, middle, y_title, "middle", more=f' transform="rotate(-90 18 {middle})"'))
    corners: list[tuple[float, float]] = []
    for point in pareto(points):
        x, y = at(point.x, point.y)
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    parts.append(f'<polyline points="{line}" fill="none" stroke="{GREY}" stroke-dasharray="4 3"/>')
    places = place([(*at(point.x, point.y), point.label) for point in points])
    for point, (left, base, label) in zip(points, places):
        x, y = at(point.x, point.y)
        color = COLORS[point.kind]
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>')
        if abs(base - 4 - y) > 13:
            end = left - 2 if left > x else left + 7 * len(label)
            parts.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{end:.1f}" y2="{base - 4:.1f}" stroke="{color}"/>')
        parts.append(text(left, base, label, color=color))
    for index, (kind, color) in enumerate(COLORS.items()):
        x = LEFT + index * 110
        parts.append(f'<circle cx="{x + 6}" cy="18" r="4" fill="{color}"/>')
        parts.append(text(x + 16, 22, "all kept" if kind == "none" else kind))
    return "\n".join([*parts, "</svg>\n"])
