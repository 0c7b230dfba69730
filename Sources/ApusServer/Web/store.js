// What the browser keeps: conversations and settings for good, the API key until the window is closed.

const prefix = "apus.conversation.";

function read(storage, name) {
  try { return storage.getItem(name); } catch { return null; }
}

/** False when the browser keeps nothing, or no more. */
function write(storage, name, value) {
  try {
    if (value === null) storage.removeItem(name);
    else storage.setItem(name, value);
    return true;
  } catch { return false; }
}

function parse(text) {
  try { return JSON.parse(text); } catch { return null; }
}

export const key = {
  get: () => read(sessionStorage, "apus.key") ?? "",
  set: (value) => write(sessionStorage, "apus.key", value || null),
};

export const theme = {
  get: () => read(localStorage, "apus.theme"),
  set: (value) => write(localStorage, "apus.theme", value),
};

/** An empty text means that the server's own value is used. */
export const defaults = {
  system: "", temperature: "0", top_p: "", top_k: "", min_p: "", max_tokens: "1024", seed: "",
  kv_policy: "", select: "",
};

export const settings = {
  get() {
    const kept = parse(read(localStorage, "apus.settings")) ?? {};
    const values = { ...defaults };
    for (const name of Object.keys(defaults)) {
      if (typeof kept[name] === "string") values[name] = kept[name];
    }
    return values;
  },
  set: (values) => write(localStorage, "apus.settings", JSON.stringify(values)),
};

const isText = (value) => typeof value === "string";

function isDocument(value) {
  return isText(value?.name) && isText(value?.text);
}

function isMessage(value) {
  return (value?.role === "user" || value?.role === "assistant") && isText(value.content)
    && (value.thought === undefined || isText(value.thought))
    && (value.error === undefined || isText(value.error?.message))
    && (value.documents === undefined
      || (Array.isArray(value.documents) && value.documents.every(isDocument)));
}

function isConversation(value) {
  return isText(value?.id) && isText(value.title) && Number.isFinite(value.updated)
    && Array.isArray(value.messages) && value.messages.every(isMessage);
}

export const newConversation = () => (
  { id: identifier(), title: "", updated: Date.now(), messages: [] });

/** `crypto.randomUUID` is there in secure contexts only, and this page is also served over plain HTTP. */
function identifier() {
  return [...crypto.getRandomValues(new Uint8Array(12))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const conversations = {
  /** The latest first. */
  all() {
    const found = [];
    try {
      for (let index = 0; index < localStorage.length; index += 1) {
        const name = localStorage.key(index);
        if (!name.startsWith(prefix)) continue;
        const value = parse(localStorage.getItem(name));
        if (isConversation(value)) found.push(value);
      }
    } catch { /* the browser keeps nothing */ }
    return found.sort((a, b) => b.updated - a.updated);
  },
  get(id) {
    const value = parse(read(localStorage, prefix + id));
    return isConversation(value) ? value : null;
  },
  save: (value) => write(localStorage, prefix + value.id, JSON.stringify(value)),
  remove: (id) => write(localStorage, prefix + id, null),
  clear() { for (const { id } of this.all()) this.remove(id); },
  export() {
    return JSON.stringify({ format: "apus-conversations", version: 1, conversations: this.all() }, null, 1);
  },
  /** Adds what an export holds; returns how many, or null if it is none. */
  import(text) {
    const value = parse(text);
    if (value?.format !== "apus-conversations" || !Array.isArray(value.conversations)
      || !value.conversations.every(isConversation)) return null;
    let added = 0;
    for (const conversation of value.conversations) if (this.save(conversation)) added += 1;
    return added;
  },
};
