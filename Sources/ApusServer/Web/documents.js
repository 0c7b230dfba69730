// Text files that are asked about.
import { asset, tokenCount } from "./api.js";

/** Larger files are refused: no context holds them. */
const largest = 8 << 20;

/** Reads a file; throws an `Error` that says in a few words what is wrong with it. */
export async function readDocument(file) {
  if (file.size > largest) throw new Error("larger than 8 MB, which no context holds");
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes.length === 0) throw new Error("empty");
  if (bytes.subarray(0, 1 << 16).includes(0)) throw notText();
  return { name: file.name, text: decode(bytes) };
}

const notText = () => new Error("not a text file; plain text, Markdown, CSV, JSON and source code can be read");

function decode(bytes) {
  try { return new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch { /* not UTF-8 */ }
  if (/^(%PDF|PK)/.test(String.fromCharCode(...bytes.subarray(0, 4)))) throw notText();
  return new TextDecoder("windows-1252").decode(bytes);
}

/** A document that came with the page. */
export const sampleDocument = async (name) => ({ name, text: await asset(name) });

/** Adds the length in tokens. */
export async function measure(document) {
  document.tokens = await tokenCount(document.text);
  return document;
}

/** Documents, an empty line, and the question: the form that models for reading are taught. */
export function withDocuments(documents, question) {
  return [...documents.map(({ text }) => text.trim()), question].join("\n\n");
}
