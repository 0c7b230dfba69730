// The conversation: what is asked, what comes back, and what the log shows of it.
import { Failure, answer } from "./api.js";
import { announce, find } from "./dom.js";
import { withDocuments } from "./documents.js";
import { AnswerView, question } from "./message.js";
import { conversations, newConversation, settings } from "./store.js";

export class Chat {
  /** `changed` is told when the list of conversations or the state of an answer is another. */
  constructor({ changed, openSettings }) {
    this.changed = changed;
    this.openSettings = openSettings;
    this.log = find("log");
    this.scroller = find("scroller");
    this.followsEnd = true;
    this.model = "";
    this.scroller.addEventListener("scroll", () => {
      const { scrollTop, scrollHeight, clientHeight } = this.scroller;
      this.followsEnd = scrollHeight - scrollTop - clientHeight < 60;
    }, { passive: true });
    this.open(newConversation());
  }

  get isRunning() { return this.abort !== undefined; }
  get isEmpty() { return this.conversation.messages.length === 0; }

  /** Tokens that the conversation had at its last answer. */
  get tokens() {
    const stats = this.conversation.messages.at(-1)?.stats;
    return stats?.read ? stats.read + (stats.tokens ?? 0) : 0;
  }

  open(conversation) {
    this.stop();
    this.conversation = conversation;
    this.followsEnd = true;
    this.redraw();
    this.changed();
  }

  redraw() {
    const { messages } = this.conversation;
    this.log.replaceChildren(...messages.map((message, index) => {
      if (message.role === "user") return this.questionView(message, index);
      const view = this.answerView(message);
      view.finish(index === messages.length - 1);
      return view.element;
    }));
    this.toEnd();
  }

  toEnd() {
    if (this.followsEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  questionView(message, index) {
    return question(message, (text) => {
      this.stop();
      this.conversation.messages.length = index;
      this.ask(text, message.documents ?? []);
    });
  }

  answerView(message) {
    return new AnswerView(message, {
      again: () => this.again(), settings: this.openSettings, drawn: () => this.toEnd(),
    });
  }

  ask(text, documents) {
    const { conversation } = this;
    if (!conversation.title) conversation.title = text.replace(/\s+/g, " ").slice(0, 80);
    conversation.messages.push({ role: "user", content: text, documents });
    return this.run();
  }

  /** Answers the last question anew. */
  again() {
    if (this.isRunning || this.conversation.messages.at(-1)?.role !== "assistant") return;
    const last = this.conversation.messages.pop();
    const note = !last.error && !last.stopped && Number(settings.get().temperature) === 0
      ? "At temperature 0 the same question has the same answer. Raise it in the settings for others." : undefined;
    this.run(note);
  }

  stop() { this.abort?.abort(); }

  async run(note) {
    this.stop();
    const { conversation } = this;
    const abort = new AbortController();
    const message = { role: "assistant", content: "", note };
    const body = this.body();
    conversation.messages.push(message);
    this.abort = abort;
    this.followsEnd = true;
    this.redraw();
    const view = this.answerView(message);
    view.wait();
    this.log.lastElementChild.replaceWith(view.element);
    this.toEnd();
    this.changed();
    announce("Waiting for the answer");
    try {
      await this.receive(body, message, view, abort.signal);
    } catch (error) {
      if (abort.signal.aborted) {
        message.stopped = true;
      } else {
        if (!(error instanceof Failure)) console.error(error);
        message.error = {
          kind: error.kind ?? "page", message: error instanceof Failure ? error.message : "This page failed to show the answer.",
        };
      }
    }
    conversation.updated = Date.now();
    this.save(conversation, message);
    // Another answer may have begun, or another conversation been opened.
    const isCurrent = this.abort === abort;
    if (isCurrent) this.abort = undefined;
    view.finish(this.conversation === conversation && conversation.messages.at(-1) === message);
    if (isCurrent) {
      this.toEnd();
      const said = view.body.textContent.slice(0, 1000);
      announce(message.error ? message.error.message : message.stopped ? "Stopped" : `Answer: ${said}`);
    }
    this.changed();
  }

  async receive(body, message, view, signal) {
    const began = performance.now();
    let isReading = false;
    const stats = {};
    message.stats = stats;
    for await (const part of answer(body, signal)) {
      if (part.progress) {
        view.progress(part.progress);
        if (!isReading && part.progress.total > 1000) announce(`Reading ${part.progress.total} tokens`);
        isReading = true;
      }
      if (part.text ?? part.thought) {
        stats.first ??= (performance.now() - began) / 1000;
        stats.tokens = (stats.tokens ?? 0) + 1;
        message.content += part.text ?? "";
        if (part.thought) message.thought = (message.thought ?? "") + part.thought;
        view.show();
      }
      if (part.finish) end(part, message, body);
    }
  }

  /** What is sent: questions that got no answer are left out, and their documents go with the next one. */
  body() {
    const values = settings.get();
    const messages = values.system.trim() ? [{ role: "system", content: values.system.trim() }] : [];
    let carried = [];
    const all = this.conversation.messages;
    all.forEach((message, index) => {
      if (message.role === "user") {
        const documents = [...carried, ...(message.documents ?? [])];
        carried = [];
        const next = all[index + 1];
        if (next && !next.content) carried = documents;
        else messages.push({ role: "user", content: withDocuments(documents, message.content) });
      } else if (message.content) {
        messages.push({ role: "assistant", content: message.content });
      }
    });
    return { ...(this.model && { model: this.model }), messages, stream: true, return_progress: true, ...fields(values) };
  }

  save(conversation, message) {
    if (conversations.save(conversation)) return;
    message.note = "This browser has no room to keep the conversation. Export what matters, and delete old ones.";
  }
}

/** The sampling fields of a request. */
function fields(values) {
  const body = {};
  for (const name of ["temperature", "top_p", "top_k", "min_p", "max_tokens", "seed"]) {
    if (values[name] !== "") body[name] = Number(values[name]);
  }
  const extensions = {};
  for (const name of ["kv_policy", "select"]) if (values[name].trim()) extensions[name] = values[name].trim();
  if (Object.keys(extensions).length > 0) body.apus = extensions;
  return body;
}

function end({ finish, timings, apus }, message, body) {
  const { stats } = message;
  if (timings) {
    stats.tokens = timings.predicted_n;
    stats.rate = timings.predicted_per_second;
    stats.known = timings.cache_n;
    stats.read = timings.prompt_n + timings.cache_n;
  }
  if (apus?.exact === false) stats.methods = apus.methods;
  if (finish === "length") {
    message.note = body.max_tokens && stats.tokens >= body.max_tokens
      ? `The answer was cut at ${body.max_tokens} tokens, the limit in the settings.`
      : "The answer was cut: the context is full.";
  }
}
