"""Draws the loss curve as an SVG, by hand: no plotting package is needed."""

import json
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 720, 360, 48


def draw(log: Path, out: Path) -> None:
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    if len(lines) < 2:
        return
    last, top = lines[-1]["tokens"], max(line["answer_loss"] for line in lines)

    def point(tokens: float, loss: float) -> str:
        return (f"{MARGIN + tokens / last * (WIDTH - 2 * MARGIN):.1f},"
                f"{HEIGHT - MARGIN - loss / top * (HEIGHT - 2 * MARGIN):.1f}")

    def label(x: float, y: float, text: str, colour: str = "#444", anchor: str = "middle") -> str:
        return f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}">{text}</text>'

    points = " ".join(point(line["tokens"], line["answer_loss"]) for line in lines)
    curve = f'<polyline fill="none" stroke="#c33" stroke-width="1.5" points="{points}"/>'
    axis = f"M{point(0, top)} L{point(0, 0)} L{point(last, 0)}"
    marks = [label(MARGIN - 6, float(point(0, top * i / 4).split(",")[1]) + 4, f"{top * i / 4:.1f}", anchor="end") for i in range(5)]
    marks += [label(float(point(last * i / 4, 0).split(",")[0]), HEIGHT - MARGIN + 18, f"{last * i / 4e6:.1f}M") for i in range(5)]
    out.write_text("\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<path d="{axis}" fill="none" stroke="#999"/>', *marks,
        curve,
        label(WIDTH - MARGIN, MARGIN, "loss over the answers, in nats per token", "#c33", "end"),
        label(WIDTH / 2, HEIGHT - 8, "training tokens"), "</svg>"]) + "\n")
