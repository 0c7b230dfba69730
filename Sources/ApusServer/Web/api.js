// Talks to the server that the page came from.
import { key } from "./store.js";

/** What went wrong: `message` in plain words, `kind` for what can be done about it. */
export class Failure extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

async function request(path, body, signal) {
  const headers = {};
  if (key.get()) headers.authorization = `Bearer ${key.get()}`;
  if (body) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method: body ? "POST" : "GET", headers, signal, cache: "no-store",
      body: body && JSON.stringify(body),
    });
  } catch (error) {
    throw signal?.aborted ? error : lost();
  }
  if (response.ok) return response;
  const answer = await response.json().catch(() => ({}));
  throw failure(response.status, answer.error ?? {}, response.headers.get("retry-after"));
}

const lost = () => new Failure(
  "lost", "The server cannot be reached. It may have been stopped, or the network is down.");

function failure(status, error, wait) {
  const detail = error.message ? ` The server says: ${error.message}.` : "";
  switch (error.type) {
    case "authentication_error":
    case "permission_error":
      return new Failure("key", key.get()
        ? "The server does not accept this API key."
        : "This server asks for an API key. Enter yours in the settings.");
    case "exceed_context_size_error": {
      const sizes = error.n_prompt_tokens
        ? `${error.n_prompt_tokens} tokens, where the model reads at most ${error.n_ctx}` : "more than the model reads";
      return new Failure("length",
        `This is too long: ${sizes}. Remove a document, or begin a new conversation.`);
    }
    case "overloaded_error":
      return new Failure("busy",
        `Too many people are asking at once. Try again${wait ? ` in ${wait} s` : " soon"}.`);
    case "unavailable_error":
      return new Failure("unavailable", /load/.test(error.message ?? "")
        ? "The model is still being loaded. It will be ready soon."
        : `The server takes no requests now.${detail}`);
    case "not_supported_error":
      return new Failure("refused", `The server cannot do this.${detail}`);
    case "invalid_request_error":
      return new Failure("refused", error.param
        ? `The server did not accept “${error.param}”.${detail}` : `The server did not accept this.${detail}`);
    default:
      return new Failure("server", `Something went wrong in the server (status ${status}).${detail}`);
  }
}

const json = async (path, body, signal) => (await request(path, body, signal)).json();

/** The settings of the server: its model, the length of the context. */
export const props = () => json("props");
/** The live figures of the engine. */
export const engine = (signal) => json("apus/engine", undefined, signal);
/** How many tokens a text is. */
export const tokenCount = async (text) => {
  const answer = await json("tokenize", { content: text });
  return answer.count ?? answer.tokens.length;
};
/** A file that came with the page. */
export const asset = async (name) => (await request(`web/${name}`)).text();

/**
 * Asks for an answer and yields what comes: `{progress}`, `{text}`, `{thought}`, and at the end `{finish, timings, apus}`.
 */
export async function* answer(body, signal) {
  const response = await request("v1/chat/completions", body, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw lost();
      rest += value;
      const events = rest.split("\n\n");
      rest = events.pop();
      for (const event of events) {
        if (!event.startsWith("data: ")) continue;
        const data = event.slice(6);
        if (data === "[DONE]") return;
        yield* parts(JSON.parse(data));
      }
    }
  } catch (error) {
    throw error instanceof Failure || signal?.aborted ? error : lost();
  } finally {
    reader.cancel().catch(() => {});
  }
}

function* parts(chunk) {
  if (chunk.error) throw failure(chunk.error.code ?? 500, chunk.error);
  if (chunk.prompt_progress) yield { progress: chunk.prompt_progress };
  const choice = chunk.choices?.[0];
  const thought = choice?.delta?.reasoning_content;
  if (thought) yield { thought };
  if (choice?.delta?.content) yield { text: choice.delta.content };
  if (choice?.finish_reason) {
    yield { finish: choice.finish_reason, timings: chunk.timings, apus: chunk.apus };
  }
}
