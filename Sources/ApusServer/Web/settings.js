// The sheet with the system prompt, sampling, and the API key.
import { engine } from "./api.js";
import { find, icon, make } from "./dom.js";
import { defaults, key, settings } from "./store.js";

const numbers = {
  temperature: ["Temperature", "0 always takes the likeliest word; higher is more varied.", { min: 0, max: 2, step: "any" }],
  max_tokens: ["Longest answer, in tokens", "Empty: until the context is full.", { min: 1, step: 1 }],
  top_p: ["top_p", "Of the likeliest words, those that make up this share.", { min: 0, max: 1, step: "any" }],
  top_k: ["top_k", "Only so many of the likeliest words; 0 is all.", { min: 0, step: 1 }],
  min_p: ["min_p", "Only words at least this likely, beside the likeliest.", { min: 0, max: 1, step: "any" }],
  seed: ["Seed", "The same seed, the same answer. Empty: another one each time.", { min: 0, step: 1 }],
};

const methods = {
  kv_policy: ["kv_policy", "Which keys and values are kept, such as snapkv:budget=1024."],
  select: ["select", "Which of them a step reads, such as quest:budget=2048."],
};

export class Settings {
  /** `keyChanged` is called when another API key was entered. */
  constructor(keyChanged) {
    this.keyChanged = keyChanged;
    this.sheet = find("settings");
    const button = find("settings-button");
    button.append(icon("gear"));
    button.addEventListener("click", () => this.open());
    this.sheet.addEventListener("click", (event) => { if (event.target === this.sheet) this.sheet.close(); });
  }

  open(focus) {
    this.draw();
    this.sheet.showModal();
    this.sheet.scrollTop = 0;
    if (focus) find(`set-${focus}`).focus();
    this.suggest();
  }

  draw() {
    const values = settings.get();
    const numeric = (name) => {
      const [label, hint, limits] = numbers[name];
      return field(name, label, hint, make("input", { type: "number", inputmode: "decimal", value: values[name], ...limits }), this.save);
    };
    const textual = (name) => {
      const [label, hint] = methods[name];
      return field(name, label, hint, make("input", { type: "text", value: values[name], list: `list-${name}`, spellcheck: "false", autocomplete: "off", placeholder: "as the server was started" }), this.save);
    };
    const system = make("textarea", { rows: 4, placeholder: "None" });
    system.value = values.system;
    this.sheet.replaceChildren(
      make("header", { class: "sheet-head" }, make("h2", {}, "Settings"),
        make("button", { type: "button", class: "icon-button", aria: { label: "Close" }, onclick: () => this.sheet.close() }, icon("close"))),
      make("div", { class: "sheet-body" },
        field("system", "System prompt", "Said to the model before every conversation.", system, this.save),
        make("fieldset", {}, make("legend", {}, "Sampling"), numeric("temperature"), numeric("max_tokens"), numeric("top_p")),
        make("details", { open: ["top_k", "min_p", "seed", "kv_policy", "select"].some((name) => values[name] !== "") },
          make("summary", {}, "Advanced"),
          numeric("top_k"), numeric("min_p"), numeric("seed"), textual("kv_policy"), textual("select"),
          make("datalist", { id: "list-kv_policy" }), make("datalist", { id: "list-select" })),
        this.keyField(),
        make("div", { class: "row end" }, make("button", { type: "button", class: "quiet", onclick: () => this.reset() }, "Reset all but the key"))));
  }

  keyField() {
    const input = make("input", { type: "password", value: key.get(), autocomplete: "off", spellcheck: "false" });
    return field("key", "API key", "Only if the server asks for one. Kept until this window is closed.", input, () => {
      key.set(input.value.trim());
      this.keyChanged();
    });
  }

  /** Keeps what is right; what is not says so beside its field. */
  save = (name, input) => {
    if (!input.reportValidity()) return;
    settings.set({ ...settings.get(), [name]: input.value });
  };

  reset() {
    settings.set(defaults);
    this.draw();
    this.sheet.querySelector("textarea").focus();
  }

  /** The names of the methods, as the server has them. */
  async suggest() {
    try {
      const values = (await engine()).settings;
      for (const [name, options] of [["kv_policy", values.kv_policies], ["select", values.selectors]]) {
        find(`list-${name}`)?.replaceChildren(...["none", ...options].map((value) => make("option", { value })));
      }
    } catch { /* without names, one has to know them */ }
  }
}

function field(name, label, hint, input, save) {
  input.id = `set-${name}`;
  input.setAttribute("aria-describedby", `hint-${name}`);
  input.addEventListener("change", () => save(name, input));
  return make("div", { class: "field" }, make("label", { for: input.id }, label), input,
    make("p", { class: "hint", id: `hint-${name}` }, hint));
}
