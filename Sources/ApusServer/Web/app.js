// Puts the page together.
import { Failure, props } from "./api.js";
import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { measure, sampleDocument } from "./documents.js";
import { announce, find, icon, mark } from "./dom.js";
import { EngineView } from "./engine.js";
import { History } from "./history.js";
import { Settings } from "./settings.js";
import { describeModel, drawStart } from "./start.js";
import { theme } from "./store.js";

const settings = new Settings(() => connect());
const chat = new Chat({ changed: () => update(), openSettings: () => settings.open("key") });
const composer = new Composer({
  send: (text, documents) => chat.ask(text, documents), stop: () => chat.stop(),
});
const history = new History(chat, (conversation) => {
  chat.open(conversation);
  composer.clear();
  setDrawer(false);
  location.hash = "#chat";
  find("question").focus();
});
const engineView = new EngineView(() => settings.open("key"));

function update() {
  // The chat draws itself before the rest is there.
  queueMicrotask(() => {
    find("start").hidden = !chat.isEmpty;
    find("log").hidden = chat.isEmpty;
    composer.isRunning = chat.isRunning;
    composer.used = chat.tokens;
    composer.drawContext();
    history.draw();
  });
}

async function example(file, question) {
  try {
    const document = await sampleDocument(file);
    await measure(document).catch(() => {});
    chat.ask(question, [document]);
    find("question").focus();
  } catch (error) {
    composer.say(error.message);
  }
}

let retry;

/** Asks the server what it runs, again and again until it answers. */
async function connect() {
  clearTimeout(retry);
  try {
    const server = await props();
    chat.model = server.model_alias ?? "";
    composer.contextLength = server.default_generation_settings?.n_ctx ?? 0;
    showModel("ready", chat.model);
    describeModel(server.model_path);
    composer.drawContext();
  } catch (error) {
    const kind = error instanceof Failure ? error.kind : "lost";
    const texts = { key: "API key needed", unavailable: "Model is loading …" };
    showModel(kind === "key" ? "locked" : "waiting", texts[kind] ?? "No connection");
    if (kind === "key") find("start-note").textContent = error.message;
    else retry = setTimeout(connect, kind === "unavailable" ? 1000 : 3000);
  }
}

function showModel(state, text) {
  find("model").dataset.state = state;
  find("model-name").textContent = text;
  find("model").title = text;
}

function showView() {
  const isEngine = location.hash === "#engine";
  find("engine-view").hidden = !isEngine;
  find("chat-view").hidden = isEngine;
  for (const [id, current] of [["engine-link", isEngine], ["chat-link", !isEngine]]) {
    if (current) find(id).setAttribute("aria-current", "page");
    else find(id).removeAttribute("aria-current");
  }
  document.title = isEngine ? "Engine – Apus" : "Apus";
  engineView.isShown = isEngine;
}

const drawerButton = find("drawer-button");
const isDrawerOpen = () => document.body.classList.contains("with-drawer");

/** On narrow windows the list of conversations lies over the page. */
function setDrawer(isOpen) {
  document.body.classList.toggle("with-drawer", isOpen);
  drawerButton.setAttribute("aria-expanded", String(isOpen));
  find("main").inert = isOpen;
  if (isOpen) find("new-button").focus();
}

drawerButton.append(icon("menu"));
drawerButton.addEventListener("click", () => setDrawer(!isDrawerOpen()));
document.addEventListener("click", (event) => {
  if (isDrawerOpen() && !event.target.closest("#drawer, .bar, dialog")) setDrawer(false);
});
matchMedia("(max-width: 820px)").addEventListener("change", () => setDrawer(false));
find("brand").prepend(mark());

function isDark() {
  return (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
}

function drawTheme() {
  const button = find("theme-button");
  button.replaceChildren(icon(isDark() ? "sun" : "moon"));
  button.setAttribute("aria-label", isDark() ? "Light colours" : "Dark colours");
}

find("theme-button").addEventListener("click", () => {
  const next = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  theme.set(next);
  drawTheme();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTheme);

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (isDrawerOpen()) {
    setDrawer(false);
    drawerButton.focus();
  } else if (chat.isRunning) {
    chat.stop();
    find("question").focus();
  }
});
addEventListener("hashchange", () => {
  showView();
  announce(location.hash === "#engine" ? "Engine" : "Chat");
});

drawStart(example);
drawTheme();
showView();
update();
connect();
if (matchMedia("(pointer: fine)").matches) find("question").focus();
