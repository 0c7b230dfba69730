// What an empty conversation shows: what can be done here, and examples that work at once.
import { find, icon, make, mark } from "./dom.js";

const examples = [
  { file: "harbour.txt", question: "What cargo did the Marigold carry?", about: "A short report from a harbour" },
  { file: "survey.txt", question: "Who is the mayor of the town where Agnes Reed lives?", about: "About 3,000 tokens; two facts, far apart" },
  { file: "parish.txt", question: "What does Clara Reeve do for a living?", about: "A page of a parish book" },
];

/** `ask` is given the name of a sample document and a question. */
export function drawStart(ask) {
  find("start").replaceChildren(
    mark(),
    make("h2", { class: "lead" }, "Ask about a text"),
    make("p", { class: "under" }, "Drop a text file here, or write below. Or begin with an example:"),
    make("ul", { class: "examples", aria: { label: "Examples" } }, examples.map(({ file, question, about }) =>
      make("li", {}, make("button", { type: "button", class: "example", onclick: () => ask(file, question) },
        make("span", { class: "ask" }, question),
        make("span", { class: "of" }, icon("page"), `${file} · ${about}`))))),
    make("p", { id: "start-note", class: "hint" }));
}

/** Says what the model is good for, if it is known. */
export function describeModel(path) {
  find("start-note").textContent = path === "builtin:reader"
    ? "The model here is small and carried inside the program. It finds, joins and lists what stands in a document, and knows nothing of the world outside it."
    : "";
}
