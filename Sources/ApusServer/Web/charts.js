// Charts in SVG; each says in its label what it shows, and stands beside a table of the same figures.
import { draw, number } from "./dom.js";

const margin = { left: 44, right: 8, top: 8, bottom: 20 };

function frame(width, height, label) {
  return draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", class: "chart", "aria-label": label });
}

/** The next of 1, 2, 5, 10, 20, … */
function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}

function text(x, y, content, anchor = "end") {
  return draw("text", { x, y, "text-anchor": anchor, class: "tick" }, content);
}

/** Lines at zero, half and all, with their values. */
function grid(svg, width, top, bottom, max, { flipped = false } = {}) {
  for (const share of [0, 0.5, 1]) {
    const y = flipped ? top + share * (bottom - top) : bottom - share * (bottom - top);
    svg.append(draw("line", { x1: margin.left, x2: width - margin.right, y1: y, y2: y, class: share === 0 ? "axis" : "grid" }));
    if (share > 0 || !flipped) svg.append(text(margin.left - 6, y + 4, number(share * max)));
  }
}

/** Values over time, the newest at the right; `series` are `{name, values, tone}`. */
export function lines(width, series, { label, slots, span }) {
  const height = 170;
  const svg = frame(width, height, label);
  const bottom = height - margin.bottom;
  const max = roundUp(Math.max(...series.flatMap(({ values }) => values), 0));
  grid(svg, width, margin.top, bottom, max);
  const step = (width - margin.left - margin.right) / (slots - 1);
  for (const { values, tone } of series) {
    if (values.length === 0) continue;
    const start = width - margin.right - (values.length - 1) * step;
    const points = values.map((value, index) =>
      [start + index * step, bottom - (value / max) * (bottom - margin.top)].map((x) => x.toFixed(1)).join(","));
    const last = (start + (values.length - 1) * step).toFixed(1);
    svg.append(
      draw("polygon", { points: `${start.toFixed(1)},${bottom} ${points.join(" ")} ${last},${bottom}`, class: `area ${tone}` }),
      draw("polyline", { points: points.join(" "), class: `line ${tone}` }));
  }
  svg.append(text(margin.left, height - 5, `${span} ago`, "start"), text(width - margin.right, height - 5, "now"));
  return svg;
}

/** What each step ran: answers that went on above, tokens of prompts below, each with its own scale. */
export function batches(width, steps, { label, slots }) {
  const height = 200;
  const svg = frame(width, height, label);
  const middle = 84;
  const bottom = height - margin.bottom;
  const decodes = roundUp(Math.max(...steps.map((step) => step.decode_tokens), 4));
  const prefill = roundUp(Math.max(...steps.map((step) => step.prefill_tokens), 8));
  grid(svg, width, margin.top, middle, decodes);
  grid(svg, width, middle, bottom, prefill, { flipped: true });
  const pitch = (width - margin.left - margin.right) / slots;
  steps.slice(-slots).forEach((step, index, shown) => {
    const x = width - margin.right - (shown.length - index) * pitch;
    const up = (step.decode_tokens / decodes) * (middle - margin.top);
    const down = (step.prefill_tokens / prefill) * (bottom - middle);
    const bar = (y, tall, tone) => tall > 0 && draw("rect", {
      x: x.toFixed(2), y: y.toFixed(1), width: Math.max(pitch - 1, 0.8).toFixed(2), height: Math.max(tall, 1).toFixed(1), class: tone,
    });
    svg.append(draw("g", {},
      draw("title", {}, `Step ${step.number}: ${step.decode_tokens} written, ${step.prefill_tokens} read, ${number(step.ms)} ms`),
      ...[bar(middle - up, up, "decode"), bar(middle, down, "prefill")].filter(Boolean)));
  });
  svg.append(text(margin.left, height - 5, `${slots} steps ago`, "start"), text(width - margin.right, height - 5, "last step"));
  return svg;
}

/** How many observations fell below each bound, those without any at both ends left out. */
export function histogram(width, { bounds, counts, format }, { label }) {
  const height = 170;
  const svg = frame(width, height, label);
  const bottom = height - margin.bottom;
  const [from, to] = occupied(counts);
  const shown = counts.slice(from, to + 1);
  const max = roundUp(Math.max(...shown, 4));
  grid(svg, width, margin.top, bottom, max);
  const pitch = (width - margin.left - margin.right) / shown.length;
  const name = (index) => index < bounds.length ? `up to ${format(bounds[index])}` : `over ${format(bounds.at(-1))}`;
  // As many labels as have room, each at the end of its bar.
  const every = Math.max(1, Math.ceil(62 / pitch));
  shown.forEach((value, index) => {
    const tall = (value / max) * (bottom - margin.top);
    const x = margin.left + index * pitch;
    svg.append(draw("g", {}, draw("title", {}, `${name(from + index)}: ${value}`),
      draw("rect", { x: (x + 1).toFixed(1), y: (bottom - tall).toFixed(1), width: Math.max(pitch - 2, 1).toFixed(1), height: tall.toFixed(1), class: "decode" })));
    const isLast = index === shown.length - 1;
    if (from + index < bounds.length && (shown.length - 1 - index) % every === 0) {
      svg.append(text(isLast ? width - margin.right : x + pitch, height - 5, format(bounds[from + index]), isLast ? "end" : "middle"));
    }
  });
  return svg;
}

/** The first and last bucket to draw: those with something, and two around them. */
export function occupied(counts) {
  const filled = counts.map((value, index) => value > 0 ? index : -1).filter((index) => index >= 0);
  if (filled.length === 0) return [0, Math.min(7, counts.length - 1)];
  return [Math.max(0, filled[0] - 2), Math.min(counts.length - 1, filled.at(-1) + 2)];
}

/** One bar of parts `{value, tone}`. */
export function shares(width, parts, { label }) {
  const height = 28;
  const svg = frame(width, height, label);
  const total = Math.max(parts.reduce((sum, { value }) => sum + value, 0), 1);
  let x = 0;
  for (const { name, value, tone } of parts) {
    const wide = (value / total) * width;
    if (value > 0) {
      svg.append(draw("rect", { x: x.toFixed(1), y: 0, width: Math.max(wide, 1.5).toFixed(1), height, class: tone },
        draw("title", {}, `${name}: ${value}`)));
    }
    x += wide;
  }
  return svg;
}

/** The value below which a share of the observations lies, from a histogram; nil without any. */
export function quantile(share, { bounds, counts }) {
  const total = counts.reduce((sum, value) => sum + value, 0);
  if (total === 0) return null;
  let below = 0;
  for (let index = 0; index < counts.length; index += 1) {
    if (below + counts[index] >= share * total) {
      if (index >= bounds.length) return bounds.at(-1);
      const start = index > 0 ? bounds[index - 1] : 0;
      return start + (bounds[index] - start) * ((share * total - below) / counts[index]);
    }
    below += counts[index];
  }
  return bounds.at(-1);
}
