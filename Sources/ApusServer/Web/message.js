// Draws questions and answers.
import { action, count, icon, make, number, plural, seconds } from "./dom.js";
import { copyText, render } from "./markdown.js";

/** A question with its documents; `onEdit` is given the new text. */
export function question(message, onEdit) {
  const body = make("div", { class: "question-text" }, message.content);
  const edit = action("edit", "Edit", () => openEditor(article, message, onEdit));
  const article = make("article", { class: "question", aria: { label: "Your message" } },
    documentList(message.documents ?? []), make("div", { class: "tools" }, edit), body);
  return make("li", {}, article);
}

function documentList(documents) {
  if (documents.length === 0) return null;
  return make("ul", { class: "documents", aria: { label: "Documents of this message" } },
    documents.map((document) => make("li", {}, make("details", { class: "document" },
      make("summary", {}, icon("page"), make("span", { class: "name" }, document.name),
        make("span", { class: "size" }, Number.isFinite(document.tokens) ? plural(document.tokens, "token") : "")),
      make("pre", { tabindex: 0 }, document.text.slice(0, 20000))))));
}

function openEditor(article, message, onEdit) {
  if (article.querySelector("form")) return;
  const hidden = [...article.querySelectorAll(".question-text, .tools")];
  const area = make("textarea", { aria: { label: "Your message, changed" }, rows: 3 });
  area.value = message.content;
  const close = () => {
    form.remove();
    for (const element of hidden) element.hidden = false;
    article.querySelector(".tools button").focus();
  };
  const form = make("form", { class: "editor" }, area,
    make("div", { class: "row end" },
      make("button", { type: "button", class: "quiet", onclick: close }, "Cancel"),
      make("button", { class: "button" }, "Send again")));
  const send = () => { if (area.value.trim()) onEdit(area.value.trim()); };
  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.stopPropagation(); close(); }
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
  });
  for (const element of hidden) element.hidden = true;
  article.append(form);
  area.focus();
}

/** An answer that can still grow: `show` draws what there is, `progress` how much of the prompt has been read. */
export class AnswerView {
  constructor(message, actions) {
    this.message = message;
    this.body = make("div", { class: "prose" });
    this.reading = make("div", { class: "reading" });
    this.foot = make("div", { class: "foot" });
    this.article = make("article", { class: "answer", aria: { label: "Answer" } },
      this.reading, this.body, this.foot);
    this.element = make("li", {}, this.article);
    this.actions = actions;
    this.pending = false;
  }

  progress({ total, processed, cache }) {
    if (!this.bar) {
      this.bar = make("progress", { max: total, aria: { label: "Reading" } });
      this.note = make("span");
      this.reading.replaceChildren(this.bar, this.note);
    }
    this.bar.max = total;
    this.bar.value = processed;
    const known = cache > 0 ? `, ${count(cache)} from the cache` : "";
    this.note.textContent = `Reading ${count(processed)} of ${plural(total, "token")}${known}`;
  }

  wait() {
    this.article.setAttribute("aria-busy", "true");
    this.reading.replaceChildren(make("span", { class: "waiting" }, "Waiting for the first word"));
  }

  /** Draws at most once a frame, and long answers less often: each time draws all of it. */
  show() {
    if (this.pending) return;
    this.pending = true;
    const pause = this.message.content.length > 20000 ? 300 : 0;
    setTimeout(() => requestAnimationFrame(() => {
      this.pending = false;
      if (!this.isDone) this.draw();
    }), pause);
  }

  draw() {
    const { content, thought } = this.message;
    if (content || thought) this.reading.replaceChildren();
    if (thought) {
      if (!this.thought) {
        this.thought = make("div");
        this.body.before(make("details", { class: "thought" }, make("summary", {}, "Thinking"), this.thought));
      }
      update(this.thought, render(thought));
    }
    update(this.body, render(content));
    this.actions.drawn?.();
  }

  /** Draws a complete answer with what it cost and what can be done with it. */
  finish(isLast) {
    this.isDone = true;
    this.article.removeAttribute("aria-busy");
    this.draw();
    this.reading.replaceChildren();
    const { content, error, stopped, note } = this.message;
    const copy = action("copy", "Copy", () => copyText(content, copy));
    const tools = [
      content ? copy : null,
      isLast && this.actions.again ? action("again", error ? "Try again" : "Again", this.actions.again,
        { title: "Ask for another answer" }) : null,
    ];
    this.foot.replaceChildren(
      ...(stopped ? [make("p", { class: "notice" }, "Stopped.")] : []),
      ...(note ? [make("p", { class: "notice" }, note)] : []),
      ...(error ? [this.alarm(error)] : []),
      make("div", { class: "tools" }, tools, make("span", { class: "stats" }, statistics(this.message.stats))));
    if (!content && !error && !stopped) {
      this.body.replaceChildren(make("p", { class: "notice" }, "The answer is empty."));
    }
  }

  alarm(error) {
    const settings = error.kind === "key"
      ? make("button", { type: "button", class: "button", onclick: this.actions.settings }, "Enter the key") : null;
    return make("div", { class: "error" }, make("p", {}, error.message), settings);
  }
}

/** Shows these nodes and leaves alone what is the same, with its selection and its focus. */
function update(parent, nodes) {
  const old = [...parent.childNodes];
  nodes.forEach((node, index) => {
    if (!old[index]) parent.append(node);
    else if (!old[index].isEqualNode(node)) old[index].replaceWith(node);
  });
  for (const node of old.slice(nodes.length)) node.remove();
}

/** `12 tokens · 80 tokens/s · first after 0.21 s · prompt 3,000 tokens, 2,976 from the cache` */
function statistics(stats) {
  if (!stats) return "";
  const parts = [];
  const has = (name) => Number.isFinite(stats[name]);
  if (has("tokens")) parts.push(plural(stats.tokens, "token"));
  if (has("rate") && stats.rate > 0) parts.push(`${number(stats.rate)} tokens/s`);
  if (has("first")) parts.push(`first after ${seconds(stats.first)}`);
  if (has("read")) {
    const known = stats.known > 0 ? `, ${count(stats.known)} from the cache` : "";
    parts.push(`prompt ${plural(stats.read, "token")}${known}`);
  }
  if (Array.isArray(stats.methods) && stats.methods.length > 0) {
    parts.push(`approximate: ${stats.methods.map(String).join(", ")}`);
  }
  return parts.join(" · ");
}
