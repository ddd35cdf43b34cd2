// Shows an answer; result.js shows the tables of its result. Text from the run, the student or the engine is untrusted: it is set as text, never as HTML.
"use strict";

const $ = (id) => document.getElementById(id);
const KINDS = ["key", "string", "number", "keyword", "comment"]; // of the parts of an answer
let used = []; // fields that the current answer uses
let forms = []; // of the current answer: its name, and its parts
let form = ""; // the name of the one that was chosen last

// The same as `dstill.io.inert.visible`: invisible and bidirectional control characters become escapes.
function visible(text) {
  return String(text).replace(/(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (c) =>
    [...Array(c.length).keys()].map((i) => "\\u" + c.charCodeAt(i).toString(16).padStart(4, "0")).join(""));
}

function make(tag, text, name) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = visible(text);
  if (name) node.className = name;
  return node;
}

// An answer that passes the checks may be wrong: nothing here is green.
function verdict(row) {
  const passes = row.outcome === "ok" ? "passes the checks and runs" : "passes the checks";
  const words = [row.ok ? passes : row.refused || row.abstained ? row.reason : `invalid: ${row.reason}`];
  if (row.guess) words.unshift(`a guess: ${row.guess}`);
  if (row.confidence !== null && !row.abstained) words.push(`confidence ${row.confidence}`);
  if (row.answered_by !== "student") words.push(`answered by ${row.answered_by}`);
  if (row.similarity !== null) words.push(`similarity to training ${row.similarity}`);
  if (row.usage) words.push(`${row.usage.completion_tokens} tokens`);
  return words.join(" · ");
}

// What a reader should know before the result: what a second look changed, and warnings.
function remarks(row) {
  const second = row.second_look ? [`a second look: ${row.second_look}`] : [];
  return [...second, ...row.problems.filter((one) => one.severity !== "error").map((one) => one.message)];
}

const isDoubtful = (row) => row.guess || row.abstained || (row.ok && remarks(row).length > 0);
const kindOf = (row) => isDoubtful(row) ? "guess" : row.ok ? "" : row.refused ? "muted" : "bad";
const markOf = (row) => row.refused || row.abstained ? "–" : isDoubtful(row) ? "?" : row.ok ? "✓" : "✗";

function show(row, query) {
  $("answer").hidden = false;
  $("asked").textContent = visible(row.question);
  $("verdict").textContent = visible(verdict(row));
  $("verdict").className = kindOf(row);
  $("remarks").replaceChildren(...remarks(row).map((text) => make("li", text)));
  $("words").textContent = visible(row.read_back || "");
  $("terms").textContent = visible((row.glossary || []).join("; "));
  showForms(row);
  $("ran").hidden = !row.outcome;
  const tables = row.tables || [];
  const told = tables.length ? tables.filter((one) => !one.columns.length).map((one) => one.title).join("\n") : row.shown;
  $("outcome").textContent = visible(row.outcome === "ok" ? told : row.outcome ? `${row.outcome}: ${row.reason}` : "");
  $("outcome").className = row.outcome === "ok" ? "" : "bad";
  $("tables").replaceChildren(...tables.filter((one) => one.columns.length).map((one) => table(one, ROWS)));
  $("alternatives").hidden = !row.alternatives;
  $("asks").textContent = visible(row.question_back || "");
  $("readings").replaceChildren(...(row.alternatives || []).map((other) => reading(other, row, query)));
  fit();
  $("checks").replaceChildren(...checks(row));
  $("why").hidden = !query.explain;
  $("rationale").textContent = row.rationale ? visible(row.rationale) : "This student was not trained to explain its answers.";
  used = row.terms || [];
  fields(); // page.js
  askFeedback(row, query); // feedback.js
}

// --- its forms --------------------------------------------------------------------------

function showForms(row) {
  const parts = row.answer ? row.parts : [["comment", row.abstained ? "(abstained)" : "(empty)"]];
  forms = [["Answer", parts], ...row.snippets.map(([name, text]) => [name, [["", text]]])];
  const at = Math.max(0, forms.findIndex(([name]) => name === form));
  $("forms").replaceChildren($("forms").firstElementChild, ...forms.map(([name, of], n) => {
    const label = make("label");
    const input = make("input");
    Object.assign(input, { type: "radio", name: "form", checked: n === at });
    input.addEventListener("change", () => {
      form = name;
      showParts(of);
    });
    label.append(input, make("span", name));
    return label;
  }));
  $("forms").hidden = forms.length < 2;
  $("copy").hidden = !row.answer;
  showParts(forms[at][1]);
}

function showParts(parts) {
  $("body").replaceChildren(...parts.map(([kind, text]) =>
    KINDS.includes(kind) ? make("span", text, kind) : document.createTextNode(visible(text))));
}

// --- its checks -------------------------------------------------------------------------

function check(mark, kind, layer, text) {
  const item = make("li", undefined, kind);
  item.append(make("span", mark, "mark"), make("span", layer, "layer"));
  if (text) item.append(`: ${visible(text)}`);
  return item;
}

// If a layer cannot parse the answer, the later layers do not run.
function checks(row) {
  const names = about.layers.map((layer) => layer.name);
  const layers = [...about.layers, ...row.problems.filter((one) => !names.includes(one.layer)).map((one) => ({ name: one.layer }))];
  let stopped = row.answer === "";
  return layers.flatMap((layer) => {
    if (stopped) return [check("–", "muted", layer.name, "not run")];
    const words = (one) => [one.message, one.pointer, one.hint].filter(Boolean).join(" · ");
    const found = row.problems.filter((one) => one.layer === layer.name);
    stopped = Boolean(layer.parses) && found.some((one) => one.severity === "error");
    return found.length ? found.map((one) => one.severity === "error"
      ? check("✗", "bad", layer.name, words(one)) : check("!", "warning", layer.name, words(one)))
      : [check("✓", "", layer.name, "")];
  });
}

// --- its result -------------------------------------------------------------------------

function reading(other, row, query) {
  const item = make("li");
  const take = make("button", "Take this one");
  take.type = "button";
  take.addEventListener("click", () => takeOther(other, row, query)); // page.js
  item.append(make("p", other.read_back || other.answer), ...other.tables.filter((one) => one.columns.length).map((one) => table(one, FEW_ROWS)));
  if (!other.tables.length) item.append(make("p", other.shown));
  item.append(take);
  return item;
}

$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("body").textContent); // what is seen is what is copied
    say("Copied.");
  } catch (error) {
    say("The browser does not allow this page to copy.", true);
  }
});
