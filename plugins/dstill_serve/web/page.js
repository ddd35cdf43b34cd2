// The page of `dstill serve`. Text from the run, the student or the engine is untrusted: it is set as text, never as HTML.
"use strict";

const $ = (id) => document.getElementById(id);
const STORAGE_KEY = "dstill playground history"; // questions only
const MAX_HISTORY = 50;
let token = ""; // kept in memory only
let about = null;
let waiting = false; // for an answer
let used = []; // fields that the current answer uses

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

function say(text, bad) {
  $("message").textContent = visible(text);
  $("message").className = bad ? "message bad" : "message";
}

class Unauthorized extends Error {}

async function callApi(path, body) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const options = body === undefined ? { headers } : {
    method: "POST", headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body),
  };
  const response = await fetch(path, options);
  if (response.status === 401) throw new Unauthorized((await response.json()).error.message);
  // Keep the spelling of numbers: JavaScript would round large ones.
  const data = JSON.parse(await response.text(), (key, value, context) =>
    typeof value === "number" && context ? new RawNumber(context.source) : value);
  return { ok: response.ok, data };
}

class RawNumber {
  constructor(source) { this.source = source; }
  toString() { return this.source; }
  toJSON() { return Number(this.source); }
}

// --- an answer --------------------------------------------------------------------------

function leaf(key, text) {
  const node = make("div", undefined, "leaf");
  if (key !== "") node.append(make("span", key, "key"), ": ");
  node.append(make("span", text));
  return node;
}

const isPlain = (value) => value === null || typeof value !== "object" || value instanceof RawNumber;
const inLine = (value) => value instanceof RawNumber ? value.source
  : Array.isArray(value) ? `[${value.map(inLine).join(", ")}]` : JSON.stringify(value);

function branch(key, value) {
  const list = Array.isArray(value);
  if (isPlain(value) || (list && value.every(isPlain))) return leaf(key, inLine(value));
  const items = list ? value.map((item, n) => [String(n), item]) : Object.entries(value);
  if (!items.length) return leaf(key, "{}");
  const details = make("details");
  details.open = true;
  const summary = make("summary");
  if (key !== "") summary.append(make("span", key, "key"), " ");
  summary.append(make("span", list ? "[ ]" : "{ }", "kind"), " ", make("span", items.length, "count"));
  const below = make("div");
  below.append(...items.map(([name, item]) => branch(name, item)));
  details.append(summary, below);
  return details;
}

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

function table(one) {
  const holder = make("div", undefined, "scroll");
  holder.tabIndex = 0;
  const node = make("table");
  const more = Number(one.of) > one.rows.length ? ` (the first ${one.rows.length} of ${one.of})` : "";
  if (one.title) node.append(make("caption", one.title + more));
  const head = node.createTHead().insertRow();
  for (const name of one.columns) {
    const cell = make("th", name);
    cell.scope = "col";
    head.append(cell);
  }
  const body = node.createTBody();
  for (const row of one.rows) {
    const line = body.insertRow();
    for (const text of row) {
      const cell = line.insertCell();
      cell.textContent = visible(text);
      if (text.length <= 40) cell.className = "short";
    }
  }
  holder.append(node);
  return holder;
}

// An answer that passes the checks may be wrong: nothing here is green.
function verdict(row) {
  const passes = row.outcome === "ok" ? "passes the checks and runs" : "passes the checks";
  const words = [row.ok ? passes : row.refused ? "refused to answer" : row.abstained ? row.reason : `invalid: ${row.reason}`];
  if (row.guess) words.unshift(`a guess: ${row.guess}`);
  if (row.confidence !== null && !row.abstained) words.push(`confidence ${row.confidence}`);
  if (row.answered_by !== "student") words.push(`answered by ${row.answered_by}`);
  if (row.similarity !== null) words.push(`similarity to training ${row.similarity}`);
  if (row.usage) words.push(`${row.usage.completion_tokens} tokens`);
  return words.join(" · ");
}

const kindOf = (row) => row.guess || row.abstained ? "guess" : row.ok ? "" : row.refused ? "muted" : "bad";
const markOf = (row) => row.guess ? "?" : row.ok ? "✓" : row.refused || row.abstained ? "–" : "✗";

function show(row, query) {
  $("answer").hidden = false;
  $("asked").textContent = visible(row.question);
  $("verdict").textContent = visible(verdict(row));
  $("verdict").className = kindOf(row);
  $("why").hidden = !query.explain;
  $("rationale").textContent = row.rationale ? visible(row.rationale) : "This student was not trained to explain its answers.";
  const tree = row.value !== null && typeof row.value === "object" && !(row.value instanceof RawNumber);
  $("body").replaceChildren(tree ? branch("", row.value) : make("pre", row.answer || (row.abstained ? "(abstained)" : "(empty)")));
  $("fold").hidden = !tree;
  $("copy").dataset.text = row.answer;
  $("checks").replaceChildren(...checks(row));
  $("ran").hidden = !row.outcome;
  $("outcome").textContent = visible(row.outcome === "ok" ? row.shown : row.outcome ? `${row.outcome}: ${row.reason}` : "");
  $("outcome").className = row.outcome === "ok" ? "" : "bad";
  $("tables").replaceChildren(...(row.tables || []).filter((one) => one.columns.length).map(table));
  used = row.terms || [];
  fields();
  askFeedback(row, query); // feedback.js
}

// --- sending questions ------------------------------------------------------------------

async function send() {
  const question = $("question").value.trim();
  if (waiting || !question) return;
  waiting = true;
  $("send").disabled = true;
  say("Waiting for the answer …");
  const query = { question, execute: $("execute").checked, explain: $("explain").checked };
  if ($("data").value) query.data = $("data").value;
  try {
    const { ok, data } = await callApi("/v1/query", query);
    const row = ok ? data : data.answered;
    if (row) show(row, query);
    else $("answer").hidden = true;
    say(ok ? "" : data.error.message, !ok);
    addToHistory(question, query.data || "", row ? markOf(row) : "✗");
    if (row) $("asked").focus();
  } catch (error) {
    if (error instanceof Unauthorized) showLogin(error.message);
    else say("The server does not respond. Is `dstill serve` still running?", true);
  } finally {
    waiting = false;
    $("send").disabled = false;
  }
}

function pick(one) {
  const button = make("button", one.question, "pick");
  button.type = "button";
  button.addEventListener("click", () => {
    $("question").value = one.question;
    if ([...$("data").options].some((option) => option.value === one.data)) {
      $("data").value = one.data;
      fields();
    }
    scrollTo(0, 0);
    send();
  });
  return button;
}

// --- history ----------------------------------------------------------------------------

function loadHistory() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORAGE_KEY) || "[]");
    return Array.isArray(stored) ? stored.filter((one) => one && typeof one.question === "string") : [];
  } catch (error) {
    return []; // the browser may deny storage
  }
}

function saveHistory(history) {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(history));
  } catch (error) {
    // without storage the history lasts until the page is closed
  }
  showHistory(history);
}

function addToHistory(question, data, mark) {
  saveHistory([{ question, data, mark }, ...loadHistory().filter((one) => one.question !== question)].slice(0, MAX_HISTORY));
}

function showHistory(history) {
  $("of-history").hidden = !history.length;
  $("history").replaceChildren(...history.map((one) => {
    const item = make("li");
    const name = { "?": "guess", "✗": "bad" }[one.mark] || "muted";
    item.append(make("span", one.mark, `mark ${name}`), pick(one));
    return item;
  }));
}

// --- fields and examples ----------------------------------------------------------------

function fields() {
  const of = about.data[$("data").value] || Object.values(about.data)[0];
  const wanted = $("filter").value.trim().toLowerCase();
  const all = of ? of.fields : [];
  const type = (words) => words.split(":")[0];
  const shown = all.filter(([name, words]) => `${name} ${type(words)}`.toLowerCase().includes(wanted));
  shown.sort((a, b) => used.includes(b[0]) - used.includes(a[0]));
  $("h-fields").textContent = visible(of && of.title ? of.title : "Fields");
  $("found").textContent = shown.length < all.length ? `${shown.length} of ${all.length}` : `${all.length}`;
  $("fields").replaceChildren(...shown.map(([name, words]) => {
    const row = make("div", undefined, used.includes(name) ? "used" : "");
    row.append(make("dt", name), make("dd", words));
    return row;
  }));
}

function examples() {
  const categories = Object.entries(about.examples);
  $("of-examples").hidden = !categories.length;
  $("examples").replaceChildren(...categories.map(([category, some], n) => {
    const details = make("details");
    details.open = n === 0;
    const list = make("ul");
    list.append(...some.map((one) => {
      const item = make("li");
      item.append(pick(one));
      return item;
    }));
    details.append(make("summary", category.replaceAll("_", " ") || "Questions"), list);
    return details;
  }));
}

async function load() {
  const { ok, data } = await callApi("/v1/about");
  if (!ok) {
    $("state").textContent = visible(data.error.message);
    return;
  }
  about = data;
  $("login").hidden = true;
  $("main").hidden = false;
  $("model").textContent = visible(about.model);
  document.title = `${visible(about.model)} · dstill playground`;
  $("question").maxLength = Number(about.longest);
  for (const [id, supported] of [["execute", about.executes], ["explain", about.explains]]) {
    $(id).checked = supported;
    $(id).parentElement.hidden = !supported;
  }
  const names = Object.keys(about.data);
  $("data").replaceChildren(...names.map((name) => {
    const option = make("option", name);
    option.value = name;
    return option;
  }));
  $("data-noun").textContent = visible(about.data_noun[0].toUpperCase() + about.data_noun.slice(1));
  $("of-data").hidden = names.length < 2;
  $("drift").replaceChildren(...about.drift.map((one) => make("li", one)));
  fields();
  examples();
  showHistory(loadHistory());
  const health = (await callApi("/healthz")).data;
  $("state").textContent = `model ${health.model} · engine ${health.engine}`;
  $("question").focus();
}

function showLogin(message) {
  $("main").hidden = true;
  $("login").hidden = false;
  $("state").textContent = token ? visible(message) : "";
  $("token").focus();
}

function start() {
  load().catch((error) => {
    if (error instanceof Unauthorized) showLogin(error.message);
    else $("state").textContent = "The server does not respond.";
  });
}

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value.trim();
  $("token").value = "";
  start();
});
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
});
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey || !about) return;
  event.preventDefault();
  $("question").focus();
  $("question").select();
});
$("filter").addEventListener("input", fields);
$("data").addEventListener("change", fields);
$("forget").addEventListener("click", () => saveHistory([]));
$("fold").addEventListener("click", () => {
  const parts = [...$("body").querySelectorAll("details")];
  const open = parts.some((one) => one.open);
  for (const one of parts) one.open = !open;
  $("fold").textContent = open ? "Unfold all" : "Fold all";
});
$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("copy").dataset.text);
    say("Copied.");
  } catch (error) {
    say("The browser does not allow this page to copy.", true);
  }
});

start();
