// Where questions are written and documents are added.
import { announce, count, find, icon, make, plural } from "./dom.js";
import { measure, readDocument } from "./documents.js";

export class Composer {
  /** `send` is given a question and its documents; `stop` ends the answer. */
  constructor({ send, stop }) {
    this.documents = [];
    this.contextLength = 0;
    this.used = 0;
    this.area = find("question");
    this.send = send;
    find("attach-button").append(icon("clip"));
    find("send-button").append(icon("send"));
    find("stop-button").append(icon("stop"));
    find("stop-button").addEventListener("click", stop);
    find("composer").addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    this.area.addEventListener("input", () => this.fit());
    this.area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    const input = find("attach-file");
    find("attach-button").addEventListener("click", () => input.click());
    input.addEventListener("change", () => { this.add([...input.files]); input.value = ""; });
    this.acceptDrops();
  }

  set isRunning(value) {
    this.running = value;
    const hadFocus = document.activeElement === find(value ? "send-button" : "stop-button");
    find("send-button").hidden = value;
    find("stop-button").hidden = !value;
    if (hadFocus) this.area.focus();
  }

  submit() {
    const text = this.area.value.trim();
    if (this.running) return;
    if (!text) {
      if (this.documents.length > 0) this.say("Now write a question about it.");
      this.area.focus();
      return;
    }
    const documents = this.documents.filter((document) => !document.failure);
    if (documents.some(({ text }) => text === undefined)) return;
    this.clear();
    this.send(text, documents.map(({ name, text, tokens }) => ({ name, text, tokens })));
  }

  clear() {
    this.documents = [];
    this.area.value = "";
    this.fit();
    this.draw();
  }

  fit() {
    this.area.style.height = "auto";
    this.area.style.height = `${this.area.scrollHeight}px`;
  }

  say(text) {
    const note = find("context");
    note.hidden = false;
    note.textContent = text;
    announce(text);
  }

  /** Adds files; those that cannot be read stay in the list with the reason. */
  async add(files) {
    await Promise.all(files.map(async (file) => {
      const entry = { name: file.name };
      this.documents.push(entry);
      this.draw();
      try {
        Object.assign(entry, await readDocument(file));
        await measure(entry);
      } catch (error) {
        // A document of unknown length can be asked about all the same.
        if (entry.text === undefined) entry.failure = error.message;
      }
      this.draw();
    }));
    const added = this.documents.filter(({ failure }) => !failure).length;
    if (added > 0) announce(`${plural(added, "document")} ready to be asked about`);
    this.area.focus();
  }

  draw() {
    find("documents").replaceChildren(...this.documents.map((entry) => this.chip(entry)));
    const [first, ...others] = this.documents.filter(({ failure }) => !failure);
    this.area.placeholder = !first ? "Ask something"
      : others.length > 0 ? `Ask about ${others.length + 1} documents` : `Ask about ${first.name}`;
    this.drawContext();
  }

  chip(entry) {
    const remove = () => {
      this.documents = this.documents.filter((other) => other !== entry);
      this.draw();
      this.area.focus();
    };
    const size = entry.failure ?? (entry.tokens !== undefined ? plural(entry.tokens, "token")
      : entry.text === undefined ? "reading …" : "");
    return make("li", {}, make("div", { class: entry.failure ? "document failed" : "document" },
      icon("page"), make("span", { class: "name" }, entry.name), make("span", { class: "size" }, size),
      make("button", { type: "button", class: "icon-button small", aria: { label: `Remove ${entry.name}` }, onclick: remove },
        icon("close"))));
  }

  /** How much of the context the conversation and the new documents take. */
  drawContext() {
    const box = find("context");
    const added = this.documents.reduce((sum, { tokens }) => sum + (tokens ?? 0), 0);
    const total = this.used + added;
    box.hidden = !this.contextLength || (added === 0 && total < this.contextLength / 2);
    if (box.hidden) return;
    const isTooMuch = total > this.contextLength;
    box.classList.toggle("too-much", isTooMuch);
    const text = `${count(total)} of ${plural(this.contextLength, "token")}`;
    box.replaceChildren(
      make("meter", { min: 0, max: this.contextLength, high: this.contextLength * 0.9, value: Math.min(total, this.contextLength), aria: { label: "Context" } }),
      make("span", {}, isTooMuch ? `${text}: more than the model reads. Remove a document.` : text));
  }

  acceptDrops() {
    const overlay = find("drop");
    const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    let depth = 0;
    const show = (change) => {
      depth = Math.max(0, change === 0 ? 0 : depth + change);
      overlay.hidden = depth === 0;
    };
    addEventListener("dragenter", (event) => { if (hasFiles(event)) { event.preventDefault(); show(1); } });
    addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
    addEventListener("dragleave", (event) => { if (hasFiles(event)) show(-1); });
    addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      show(0);
      location.hash = "#chat";
      this.add([...event.dataTransfer.files]);
    });
  }
}
