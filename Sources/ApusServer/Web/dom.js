// Makes elements; nothing here reads text as markup.

export const find = (id) => document.getElementById(id);

/** An element with properties (`on…` are listeners, `data` and `aria` are objects) and children. */
export function make(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function draw(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "aria") {
      for (const [key, text] of Object.entries(value)) element.setAttribute(`aria-${key}`, text);
    } else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const paths = {
  menu: "M3 5h14M3 10h14M3 15h14",
  gear: "M3 6h7m4 0h3M3 14h3m4 0h7M12 4v4M8 12v4",
  sun: "M10 3V1.5M10 18.5V17M3 10H1.5M18.5 10H17M5 5 4 4M16 16l-1-1M15 5l1-1M4 16l1-1M10 6a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
  moon: "M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5z",
  clip: "M15 9.5 9.5 15a3.5 3.5 0 0 1-5-5L11 3.500a2.3 2.3 0 0 1 3.3 3.300L8 13.2",
  send: "M10 16V4M5 9l5-5 5 5",
  stop: "M6 6h8v8H6z",
  close: "M5 5l10 10M15 5 5 15",
  copy: "M7 7V3.500h9.500V13H13M3.5 7H13v9.500H3.500z",
  check: "M4 10.5 8 14.5 16 6",
  again: "M16 10a6 6 0 1 1-1.8-4.300M16 2.500V6h-3.5",
  edit: "M4 16l1-4 8.5-8.5 3 3L8 15z",
  page: "M5 2.500h6.500L15.5 6.500v11H5zM11 2.500V7h4.5",
  bin: "M4 5.500h12M8 5.500V3.500h4v2M5.5 5.500l.7 11h7.600l.7-11",
};

/** A drawn sign; what it means is said by its button. */
export function icon(name) {
  const filled = name === "stop" ? "currentColor" : "none";
  return draw("svg", { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" },
    draw("path", {
      d: paths[name], fill: filled, stroke: "currentColor", "stroke-width": 1.6,
      "stroke-linecap": "round", "stroke-linejoin": "round",
    }));
}

/** A button with a sign and, if `text` is shown, its name beside it. */
export function action(name, text, onclick, properties = {}) {
  return make("button", { type: "button", class: "quiet", onclick, ...properties },
    icon(name), make("span", {}, text));
}

let statusTimer;

/** Says something to screen readers, once they have nothing else to say. */
export function announce(text) {
  const status = find("status");
  clearTimeout(statusTimer);
  status.textContent = "";
  // A change in two steps is heard even if the text is the same.
  statusTimer = setTimeout(() => { status.textContent = text; }, 50);
}

/** A swift, which is what Apus means. */
export const mark = () => draw("svg", { viewBox: "0 0 64 24", class: "mark", "aria-hidden": "true" },
  draw("path", { d: "M2 3c12-2 22 1 30 11C40 4 50 1 62 3 49 5 41 10 36 18l-4 6-4-6C23 10 15 5 2 3z", fill: "currentColor" }));

/** Asks before something is lost; resolves to whether to go on. */
export function confirm(question, yes) {
  const dialog = find("confirm");
  return new Promise((resolve) => {
    dialog.replaceChildren(
      make("p", {}, question),
      make("form", { method: "dialog", class: "row end" },
        make("button", { class: "quiet", value: "no" }, "Cancel"),
        make("button", { class: "button danger", value: "yes" }, yes)));
    dialog.returnValue = "no";
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
    dialog.showModal();
  });
}

const whole = new Intl.NumberFormat("en");
const oneDigit = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const count = (number) => whole.format(Math.round(number));
export const number = (value) => value >= 100 ? count(value) : oneDigit.format(value);
export const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

export function seconds(value) {
  if (value < 0.0995) return `${value < 0.00995 ? number(value * 1000) : count(value * 1000)} ms`;
  if (value < 60) return `${value.toFixed(value < 9.95 ? 2 : 1)} s`;
  const minutes = Math.floor(value / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(value % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
  return `${number(value)} ${units[unit]}`;
}
