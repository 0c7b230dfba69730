// A small Markdown reader that makes DOM nodes. Text stays text: there is no way from here to markup.
import { icon, make } from "./dom.js";

const fence = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const heading = /^ {0,3}(#{1,6})\s+(.*)$/;
const rule = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const item = /^(\s*)([-*+]|\d{1,9}[.)])(\s+|$)(.*)$/;
const quote = /^ {0,3}>\s?(.*)$/;
const divider = /^\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?$/;
const deepest = 8;

/** The blocks of a text. */
export function render(text) {
  return blocks(text.replaceAll("\r\n", "\n").replaceAll("\t", "    ").split("\n"), 0);
}

function blocks(lines, depth) {
  const nodes = [];
  let at = 0;
  const starts = (line) => fence.test(line) || heading.test(line) || rule.test(line)
    || quote.test(line) || item.test(line);
  while (at < lines.length) {
    const line = lines[at];
    let match;
    if (!line.trim()) {
      at += 1;
    } else if ((match = fence.exec(line))) {
      const code = [];
      at += 1;
      while (at < lines.length && !closes(lines[at], match[1])) code.push(lines[at++]);
      at += 1;
      nodes.push(codeBlock(code.join("\n"), match[2].trim().split(/\s/)[0]));
    } else if ((match = heading.exec(line))) {
      // The page's own headings are larger.
      nodes.push(make(`h${Math.min(match[1].length + 2, 6)}`, {}, inline(match[2].trimEnd().replace(/(^|\s)#+$/, ""))));
      at += 1;
    } else if (rule.test(line)) {
      nodes.push(make("hr"));
      at += 1;
    } else if (depth < deepest && quote.test(line)) {
      const inner = [];
      while (at < lines.length && (match = quote.exec(lines[at]))) { inner.push(match[1]); at += 1; }
      nodes.push(make("blockquote", {}, blocks(inner, depth + 1)));
    } else if (depth < deepest && item.test(line)) {
      const [list, next] = readList(lines, at, depth);
      nodes.push(list);
      at = next;
    } else if (line.includes("|") && divider.test((lines[at + 1] ?? "").trim())) {
      const rows = [line];
      at += 2;
      const alignments = cells(lines[at - 1]).map(alignment);
      while (at < lines.length && lines[at].includes("|") && lines[at].trim()) rows.push(lines[at++]);
      nodes.push(table(rows.map(cells), alignments));
    } else {
      const words = [line];
      at += 1;
      while (at < lines.length && lines[at].trim() && !starts(lines[at])) words.push(lines[at++]);
      nodes.push(make("p", {}, inline(words.join("\n"))));
    }
  }
  return nodes;
}

function closes(line, mark) {
  const text = line.trim();
  return text.length >= mark.length && [...text].every((character) => character === mark[0]);
}

function readList(lines, from, depth) {
  const first = item.exec(lines[from]);
  const indent = first[1].length;
  const ordered = /\d/.test(first[2]);
  const start = ordered ? Number.parseInt(first[2], 10) : 1;
  const list = make(ordered ? "ol" : "ul", { start: ordered && start !== 1 ? start : null });
  let at = from;
  while (at < lines.length) {
    const match = item.exec(lines[at]);
    if (!match || match[1].length > indent + 3 || match[1].length < indent
      || /\d/.test(match[2]) !== ordered || rule.test(lines[at])) break;
    const inner = [match[4]];
    const margin = match[1].length + match[2].length + 1;
    at += 1;
    while (at < lines.length) {
      const line = lines[at];
      const space = line.length - line.trimStart().length;
      const blank = !line.trim();
      if (blank && !(lines[at + 1] ?? "").startsWith(" ".repeat(indent + 2))) break;
      if (!blank && space <= indent && (item.test(line) || fence.test(line) || heading.test(line))) break;
      if (!blank && space < margin && item.test(line) && space <= indent) break;
      inner.push(line.slice(Math.min(space, margin)));
      at += 1;
    }
    const content = blocks(inner, depth + 1);
    // A short item needs no paragraph of its own.
    if (content[0]?.tagName === "P") content.splice(0, 1, ...content[0].childNodes);
    list.append(make("li", {}, content));
    let next = at;
    while (next < lines.length && !lines[next].trim()) next += 1;
    if (item.test(lines[next] ?? "")) at = next;
  }
  return [list, at];
}

function cells(line) {
  let text = line.trim();
  if (text.startsWith("|")) text = text.slice(1);
  if (text.endsWith("|") && !text.endsWith("\\|")) text = text.slice(0, -1);
  return text.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function alignment(text) {
  if (text.startsWith(":") && text.endsWith(":")) return "center";
  return text.endsWith(":") ? "right" : null;
}

function table(rows, alignments) {
  const [head, ...body] = rows;
  const row = (tag, values) => make("tr", {}, head.map((_, index) => make(tag,
    { data: alignments[index] ? { align: alignments[index] } : {}, scope: tag === "th" ? "col" : null },
    inline(values[index] ?? ""))));
  return make("div", { class: "table", tabindex: 0, role: "region", aria: { label: "Table" } },
    make("table", {}, make("thead", {}, row("th", head)),
      make("tbody", {}, body.map((values) => row("td", values)))));
}

function codeBlock(code, language) {
  const copy = make("button", { type: "button", class: "quiet small" }, icon("copy"), make("span", {}, "Copy"));
  copy.addEventListener("click", () => copyText(code, copy));
  return make("div", { class: "code" },
    make("div", { class: "code-head" }, make("span", {}, language || "text"), copy),
    make("pre", { tabindex: 0, aria: { label: "Code" }, role: "region" }, make("code", {}, code)));
}

/** Copies a text and says so on the button. */
export async function copyText(text, button) {
  const label = button.querySelector("span");
  const before = label.textContent;
  label.textContent = await toClipboard(text) ? "Copied" : "Not allowed";
  setTimeout(() => { label.textContent = before; }, 1500);
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain HTTP there is no clipboard but this one.
    const area = make("textarea", { class: "hidden", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}

const marks = [
  { open: "***", tag: "strong", inner: "*" }, { open: "**", tag: "strong" }, { open: "__", tag: "strong" }, { open: "~~", tag: "del" },
  { open: "*", tag: "em" }, { open: "_", tag: "em" },
];
const link = /\[([^\[\]\n]{1,500})\]\(<?([^\s()<>]{1,2000})>?(?:\s+"[^"\n]{0,300}")?\)/y;
const bare = /https?:\/\/[^\s<>"'`]{1,2000}/y;
const ticks = /`+/y;

/** The parts of a line. */
function inline(text, depth = 0) {
  const nodes = [];
  let plain = "";
  let at = 0;
  const push = (node) => {
    if (plain) nodes.push(plain);
    plain = "";
    nodes.push(node);
  };
  const matches = (expression) => {
    expression.lastIndex = at;
    return expression.exec(text);
  };
  while (at < text.length) {
    const character = text[at];
    let match;
    if (character === "\\" && /[\\`*_{}[\]()#+\-.!|~>]/.test(text[at + 1] ?? "")) {
      plain += text[at + 1];
      at += 2;
    } else if (character === "`" && (match = matches(ticks))) {
      const end = closing(text, match[0], at + match[0].length);
      if (end < 0) { plain += match[0]; at += match[0].length; continue; }
      push(make("code", {}, text.slice(at + match[0].length, end).trim()));
      at = end + match[0].length;
    } else if (character === "[" && (match = matches(link))) {
      push(anchor(match[2], inline(match[1], depth + 1)) ?? match[0]);
      at += match[0].length;
    } else if (character === "h" && !/\w/.test(text[at - 1] ?? "") && (match = matches(bare))) {
      const address = match[0].replace(/[.,;:!?)\]}*_]+$/, "");
      push(anchor(address, [address]) ?? address);
      at += address.length;
    } else if ((match = depth < deepest && emphasis(text, at))) {
      push(make(match.tag, {}, inline(match.inner, depth + 1)));
      at = match.end;
    } else if (character === "\n") {
      push(make("br"));
      at += 1;
    } else {
      plain += character;
      at += 1;
    }
  }
  if (plain) nodes.push(plain);
  return nodes;
}

/** Where a run of exactly these ticks begins, or -1. */
function closing(text, mark, from) {
  let at = text.indexOf(mark, from);
  while (at >= 0 && text[at + mark.length] === "`") {
    while (text[at] === "`") at += 1;
    at = text.indexOf(mark, at);
  }
  return at;
}

function emphasis(text, at) {
  for (const { open, tag, inner = "" } of marks) {
    if (!text.startsWith(open, at)) continue;
    const from = at + open.length;
    if (/\s/.test(text[from] ?? " ")) return null;
    // Inside a word, an underscore is a letter.
    if (open[0] === "_" && /\w/.test(text[at - 1] ?? "")) return null;
    const end = text.indexOf(open, from);
    if (end <= from || /\s/.test(text[end - 1])) continue;
    if (open[0] === "_" && /\w/.test(text[end + open.length] ?? "")) continue;
    return { tag, inner: inner + text.slice(from, end) + inner, end: end + open.length };
  }
  return null;
}

/** A link to the web; null for every other kind of address. */
function anchor(address, children) {
  let url;
  try { url = new URL(address); } catch { return null; }
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  return make("a", { href: url.href, rel: "noopener noreferrer nofollow", target: "_blank" }, children);
}
