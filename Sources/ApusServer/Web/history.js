// The list of conversations that the browser keeps.
import { announce, confirm, find, icon, make, plural } from "./dom.js";
import { conversations, newConversation } from "./store.js";

const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const time = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hour12: false });

export class History {
  /** `open` is given the conversation to go on with. */
  constructor(chat, open) {
    this.chat = chat;
    this.open = open;
    find("new-button").addEventListener("click", () => open(newConversation()));
    find("export-button").addEventListener("click", () => this.export());
    const input = find("import-file");
    find("import-button").addEventListener("click", () => input.click());
    input.addEventListener("change", () => this.import(input));
    find("clear-button").addEventListener("click", () => this.clear());
    addEventListener("storage", () => this.draw());
  }

  draw() {
    const all = conversations.all();
    const focused = document.activeElement?.closest("#history li");
    const [id, isBin] = [focused?.dataset.id, document.activeElement?.classList.contains("icon-button")];
    find("history").replaceChildren(...all.map((conversation) => this.entry(conversation)));
    for (const name of ["export-button", "clear-button"]) find(name).disabled = all.length === 0;
    const same = id && [...find("history").children].find((entry) => entry.dataset.id === id);
    same?.querySelector(isBin ? ".icon-button" : ".conversation").focus();
  }

  entry(conversation) {
    const updated = new Date(conversation.updated);
    const isToday = updated.toDateString() === new Date().toDateString();
    const title = conversation.title || "Without a title";
    const isCurrent = conversation.id === this.chat.conversation?.id;
    return make("li", { class: isCurrent ? "current" : null, data: { id: conversation.id } },
      make("button", {
        type: "button", class: "conversation", aria: isCurrent ? { current: "true" } : {},
        onclick: () => this.open(conversations.get(conversation.id) ?? newConversation()),
      }, make("span", { class: "title" }, title),
        make("span", { class: "when" }, isToday ? time.format(updated) : day.format(updated))),
      make("button", {
        type: "button", class: "icon-button small", aria: { label: `Delete “${title}”` },
        onclick: () => this.remove(conversation, title),
      }, icon("bin")));
  }

  async remove(conversation, title) {
    if (!await confirm(`Delete “${title}”?`, "Delete")) return;
    conversations.remove(conversation.id);
    if (conversation.id === this.chat.conversation.id) this.open(newConversation());
    this.draw();
    find("new-button").focus();
  }

  async clear() {
    const number = conversations.all().length;
    if (!await confirm(`Delete ${plural(number, "conversation")}? This cannot be undone.`, "Delete all")) return;
    conversations.clear();
    this.open(newConversation());
    this.draw();
  }

  export() {
    const address = URL.createObjectURL(new Blob([conversations.export()], { type: "application/json" }));
    make("a", { href: address, download: "apus-conversations.json" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  async import(input) {
    const [file] = input.files;
    if (!file) return;
    const added = conversations.import(await file.text());
    input.value = "";
    const said = added === null ? `${file.name} is no export of this page.` : `${plural(added, "conversation")} added.`;
    find("history-note").textContent = said;
    announce(said);
    this.draw();
  }
}
