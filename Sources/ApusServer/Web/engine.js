// The engine, live: asks the server once a second while the view is shown.
import { engine } from "./api.js";
import { batches, histogram, lines, occupied, quantile, shares } from "./charts.js";
import { bytes, count, find, make, number, plural, seconds } from "./dom.js";

const interval = 1000;
const kept = 120;
const shownSteps = 100;

const tiles = [
  ["written", "Written", "tokens/s"], ["read", "Read", "tokens/s"],
  ["running", "Running", "requests"], ["waiting", "Waiting", "requests"],
  ["ttft", "First token", "median"], ["itl", "Between tokens", "median"],
  ["hits", "Prefix hits", "of prompt tokens"], ["uptime", "Uptime", ""],
];

export class EngineView {
  /** `openKey` asks for the API key. */
  constructor(openKey) {
    this.openKey = openKey;
    this.samples = [];
    this.panels = {};
    this.build();
    document.addEventListener("visibilitychange", () => this.schedule(0));
    addEventListener("resize", () => { if (this.shown && this.last) this.draw(this.last); });
  }

  set isShown(value) {
    this.shown = value;
    this.schedule(0);
  }

  schedule(pause) {
    clearTimeout(this.timer);
    if (this.shown && !document.hidden) this.timer = setTimeout(() => this.poll(), pause);
  }

  async poll() {
    try {
      this.take(await engine());
      this.problem.hidden = true;
    } catch (error) {
      this.problem.hidden = false;
      this.problem.replaceChildren(make("p", {}, error.message),
        error.kind === "key" ? make("button", { type: "button", class: "button", onclick: this.openKey }, "Enter the key") : "");
    }
    this.schedule(interval);
  }

  build() {
    this.values = {};
    const tile = ([id, name, unit]) => {
      this.values[id] = make("span", { class: "value" }, "–");
      return make("div", { class: "tile" }, make("dt", {}, name), make("dd", {}, this.values[id], make("span", { class: "unit" }, unit)));
    };
    this.problem = make("div", { class: "error", role: "alert", hidden: true });
    this.idle = make("p", { class: "panel-note" }, "None is running. Ask something in the chat, and watch.");
    this.requestRows = make("tbody");
    this.requests = make("div", { class: "table", tabindex: 0, role: "region", aria: { label: "Running requests" }, hidden: true },
      make("table", {}, make("thead", {}, make("tr", {}, ["Request", "Prompt", "Read", "Written"].map((name) => make("th", { scope: "col" }, name)))), this.requestRows));
    this.settingsList = make("dl", { class: "facts" });
    find("engine-content").append(this.problem,
      make("dl", { class: "tiles" }, tiles.map(tile)),
      make("div", { class: "panels" },
        this.panel("rates", "Tokens per second", [["decode", "written"], ["prefill", "read"]], ["Seconds ago", "Written/s", "Read/s"]),
        this.panel("steps", "What each step ran", [["decode", "tokens of answers"], ["prefill", "tokens of prompts"]],
          ["Step", "Answers", "Tokens written", "Prompts", "Tokens read", "ms", "Waiting"]),
        this.panel("ttft", "Time to first token", [], ["Up to", "Requests"]),
        this.panel("itl", "Time between tokens", [], ["Up to", "Tokens"]),
        this.panel("pages", "Pages of keys and values",
          [["decode", "used by one"], ["shared", "shared"], ["cached", "kept for later"], ["free", "free"]], ["Pages", "Number", "Memory"]),
        make("section", { class: "panel", aria: { label: "Requests" } }, make("h3", {}, "Requests"), this.idle, this.requests),
        make("section", { class: "panel wide", aria: { label: "Settings of the server" } }, make("h3", {}, "Settings"), this.settingsList)));
  }

  panel(id, title, legend, columns) {
    const plot = make("div", { class: "plot" });
    const rows = make("tbody");
    const details = make("details", { class: "figures" }, make("summary", {}, "As a table"),
      make("div", { class: "table", tabindex: 0, role: "region", aria: { label: `${title}, as a table` } }, make("table", {},
        make("thead", {}, make("tr", {}, columns.map((column) => make("th", { scope: "col" }, column)))), rows)));
    const note = make("p", { class: "panel-note" });
    this.panels[id] = { plot, rows, details, note };
    details.addEventListener("toggle", () => { if (this.last) this.draw(this.last); });
    return make("figure", { class: "panel" },
      make("figcaption", {}, make("h3", {}, title),
        make("ul", { class: "legend" }, legend.map(([tone, name]) => make("li", { class: tone }, name)))),
      plot, note, details);
  }

  /** Rates come from the differences between answers, by the server's clock. */
  take(status) {
    const { counters } = status;
    const previous = this.last;
    if (previous && (counters.steps < previous.counters.steps || status.uptime_s < previous.uptime_s)) {
      this.samples = [];
    } else if (previous) {
      const time = Math.max(status.uptime_s - previous.uptime_s, 0.001);
      const written = counters.generated_tokens - previous.counters.generated_tokens;
      const batched = counters.batched_tokens - previous.counters.batched_tokens;
      // After a pause of the page there is nothing to tell of the time between.
      if (time > 5 * interval / 1000) this.samples = [];
      else this.samples.push({ at: status.uptime_s, written: written / time, read: Math.max(0, batched - written) / time });
      if (this.samples.length > kept) this.samples.shift();
    }
    this.last = status;
    this.draw(status);
  }

  draw(status) {
    const now = this.samples.at(-1) ?? { written: 0, read: 0 };
    const { counters } = status;
    const ttft = histogramOf(status.histograms.time_to_first_token);
    const itl = histogramOf(status.histograms.inter_token_latency);
    const set = (id, text) => { this.values[id].textContent = text; };
    set("written", number(now.written));
    set("read", number(now.read));
    set("running", count(status.running));
    set("waiting", count(status.waiting));
    for (const [id, values] of [["ttft", ttft], ["itl", itl]]) {
      const median = quantile(0.5, values);
      set(id, median === null ? "–" : seconds(median));
    }
    set("hits", counters.prompt_tokens > 0 ? `${Math.round(100 * counters.cached_tokens / counters.prompt_tokens)} %` : "–");
    set("uptime", seconds(Math.floor(status.uptime_s)));
    this.drawRates(status);
    this.drawSteps(status.steps, counters);
    this.drawHistogram("ttft", ttft, "requests");
    this.drawHistogram("itl", itl, "tokens");
    this.drawPages(status.pages);
    this.drawRequests(status.requests);
    this.drawSettings(status);
  }

  put(id, chart, note, rows) {
    const { plot, rows: body, details, note: line } = this.panels[id];
    plot.replaceChildren(chart(Math.max(plot.clientWidth, 220)));
    line.textContent = note;
    if (details.open) body.replaceChildren(...rows().map((row) => make("tr", {}, row.map((cell) => make("td", {}, String(cell))))));
  }

  drawRates({ uptime_s: now, counters }) {
    const series = [
      { name: "read", tone: "prefill", values: this.samples.map(({ read }) => read) },
      { name: "written", tone: "decode", values: this.samples.map(({ written }) => written) },
    ];
    const last = this.samples.at(-1) ?? { written: 0, read: 0 };
    this.put("rates", (width) => lines(width, series, {
      label: `Tokens per second over two minutes; now ${number(last.written)} written and ${number(last.read)} read`, slots: kept, span: "2 min",
    }), `${plural(counters.generated_tokens, "token")} written since the start, ${count(counters.prompt_tokens)} read, ${count(counters.cached_tokens)} of them from the cache`,
    () => this.samples.slice().reverse().map(({ at, written, read }) => [Math.round(now - at), number(written), number(read)]));
  }

  drawSteps(steps, counters) {
    const mean = (name) => steps.length > 0 ? steps.reduce((sum, step) => sum + step[name], 0) / steps.length : 0;
    this.put("steps", (width) => batches(width, steps, {
      label: `The last ${shownSteps} steps: on average ${number(mean("decode_tokens"))} tokens written and ${number(mean("prefill_tokens"))} read`, slots: shownSteps,
    }), steps.length > 0 ? `${plural(counters.steps, "step")}; the last ${count(steps.length)} took ${number(mean("ms"))} ms each` : "Nothing has run yet.",
    () => steps.slice(-shownSteps).reverse().map((step) => [step.number, step.decodes, step.decode_tokens, step.prefills, step.prefill_tokens, number(step.ms), step.waiting]));
  }

  drawHistogram(id, values, what) {
    const total = values.counts.reduce((sum, value) => sum + value, 0);
    const [from, to] = occupied(values.counts);
    const at = (share) => seconds(quantile(share, values));
    const note = total > 0 ? `Half within ${at(0.5)}, 99 % within ${at(0.99)}; ${count(total)} ${what}` : "Nothing has been measured yet.";
    this.put(id, (width) => histogram(width, values, { label: note }), note,
      () => values.counts.slice(from, to + 1).map((value, index) => [
        from + index < values.bounds.length ? seconds(values.bounds[from + index]) : "more", value]));
  }

  drawPages({ total, used, shared, cached, free, bytes_per_page: size }) {
    const parts = [
      { name: "Used by one request", value: used - shared, tone: "decode" }, { name: "Shared by several", value: shared, tone: "shared" },
      { name: "Kept for later", value: cached, tone: "cached" }, { name: "Free", value: free, tone: "free" },
    ];
    const note = `${count(used)} of ${count(total)} pages used, ${count(shared)} of them shared; ${count(cached)} kept for prompts that begin alike; ${bytes(total * size)} in all`;
    this.put("pages", (width) => shares(width, parts, { label: note }), note,
      () => parts.map(({ name, value }) => [name, count(value), bytes(value * size)]));
  }

  drawRequests(requests) {
    this.idle.hidden = requests.length > 0;
    this.requests.hidden = requests.length === 0;
    this.requestRows.replaceChildren(...requests.slice(0, 50).map((request) => make("tr", {},
      [request.id, request.prompt_tokens, request.processed_tokens, request.generated_tokens].map((value) => make("td", {}, count(value))))));
  }

  drawSettings({ settings, version }) {
    const facts = { version, ...settings };
    delete facts.kv_policies;
    delete facts.selectors;
    // What has not changed is left alone, so that it can be selected.
    if (this.shownFacts === JSON.stringify(facts)) return;
    this.shownFacts = JSON.stringify(facts);
    const shown = (name, value) => name.endsWith("_bytes") ? bytes(value) : typeof value === "number" ? count(value)
      : typeof value === "boolean" ? (value ? "on" : "off") : String(value);
    this.settingsList.replaceChildren(...Object.entries(facts).map(([name, value]) =>
      make("div", {}, make("dt", {}, name.replace(/_bytes$/, "").replaceAll("_", " ")), make("dd", {}, shown(name, value)))));
  }
}

const histogramOf = ({ bounds_s: bounds, counts }) => ({ bounds, counts, format: seconds });
