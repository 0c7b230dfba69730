"""Draws the loss curves as an SVG, by hand: no plotting package is needed."""

import json
import math
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 720, 360, 48
LOW, HIGH = 0.03, 10.0  # nats, on a logarithmic scale
CURVES = (("answer_loss", "#c33", "the reader"), ("draft", "#36c", "its draft"))


def draw(log: Path, out: Path) -> None:
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    if len(lines) < 2:
        return
    last = lines[-1]["tokens"]

    def x(tokens: float) -> float:
        return MARGIN + tokens / last * (WIDTH - 2 * MARGIN)

    def y(loss: float) -> float:
        share = math.log(max(LOW, min(HIGH, loss)) / LOW) / math.log(HIGH / LOW)
        return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)

    def label(x: float, y: float, text: str, colour: str = "#444", anchor: str = "middle") -> str:
        return f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}" text-anchor="{anchor}">{text}</text>'

    drawn = []
    for row, (key, colour, name) in enumerate(CURVES):
        points = " ".join(f"{x(line['tokens']):.1f},{y(line[key]):.1f}" for line in lines if line.get(key))
        drawn.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>')
        drawn.append(label(WIDTH - MARGIN, MARGIN + 18 * row, name, colour, "end"))
    for loss in (0.03, 0.1, 0.3, 1, 3, 10):
        drawn.append(f'<path d="M{MARGIN} {y(loss):.1f} H{WIDTH - MARGIN}" stroke="#ddd"/>')
        drawn.append(label(MARGIN - 6, y(loss) + 4, f"{loss:g}", anchor="end"))
    drawn += [label(x(last * i / 4), HEIGHT - MARGIN + 18, f"{last * i / 4e6:.0f}M") for i in range(5)]
    out.write_text("\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *drawn,
        label(WIDTH / 2, 20, "loss over the answers, in nats per token"),
        label(WIDTH / 2, HEIGHT - 8, "training tokens"), "</svg>"]) + "\n")
