// The page of `dstill serve`: questions, history, fields and examples. answer.js shows answers, result.js their results.
"use strict";

const isAlone = !/\/runs\/[^/]+\/play\/$/.test(location.pathname); // else it is one of those of `dstill ui`
// Questions only. Students of `dstill ui` share an address, and each has a path.
const STORAGE_KEY = `dstill playground history${isAlone ? "" : location.pathname}`;
const MAX_HISTORY = 50;
const EXAMPLES = 6; // shown at once
let token = ""; // kept in memory only
let about = null;
let waiting = null; // the question whose answer is on its way
const queue = []; // the questions after it
let turn = 0; // of the examples
let before = null; // the question and answer that the next question may go on from
let kept = []; // the history, if the browser denies storage

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
  return { ok: response.ok, data: await response.json() };
}

// --- sending questions ------------------------------------------------------------------

function send() {
  const question = $("question").value.trim();
  if (!question) return;
  const query = { question, execute: $("execute").checked, explain: $("explain").checked, layout: true };
  query.alternatives = query.execute;
  if (before && before.data === $("data").value) query.after = before.turn;
  if ($("data").value) query.data = $("data").value;
  if (!queue.some((one) => JSON.stringify(one) === JSON.stringify(query))) queue.push(query);
  $("question").select(); // the next question may be typed at once
  next();
}

function goOnFrom(answered) {
  before = answered;
  $("after").hidden = !before;
  $("before").textContent = before ? visible(before.turn.question).replaceAll("\n", " ") : "";
}

function showQueue() {
  $("queue").replaceChildren(...queue.map((query) => {
    const item = make("li");
    const drop = make("button", "Remove");
    drop.type = "button";
    drop.addEventListener("click", () => {
      queue.splice(queue.indexOf(query), 1);
      showQueue();
    });
    item.append(make("span", query.question), drop);
    return item;
  }));
}

// One question at a time. If the server cannot be asked, the questions stay in the queue.
async function next() {
  if (waiting || !queue.length) return showQueue();
  const query = waiting = queue.shift();
  showQueue();
  say("Waiting for the answer …");
  let reply;
  try {
    reply = await callApi("v1/query", query);
  } catch (error) {
    queue.unshift(query);
    showQueue();
    if (error instanceof Unauthorized) showLogin(error.message);
    else say("The server does not respond. Is it still running?", true);
    return;
  } finally {
    waiting = null;
  }
  const { ok, data } = reply;
  const row = ok ? data : data.answered;
  if (row) show(row, query);
  else $("answer").hidden = true;
  if (ok && row.ok) goOnFrom({ data: query.data || "", turn: { question: row.question, answer: row.answer } });
  say(ok ? "" : data.error.message, !ok);
  addToHistory(query.question, query.data || "", row ? markOf(row) : "✗");
  const isTyping = document.activeElement === $("question") && $("question").value.trim() !== query.question;
  if (row && !queue.length && !isTyping) $("asked").focus();
  next();
}

// The user takes another answer than the first one. With feedback, that is a verdict, too.
function takeOther(other, row, query) {
  const of = { ok: true, refused: false, outcome: "ok", reason: "", problems: [], snippets: [], terms: [] };
  const unknown = { confidence: null, similarity: null, usage: null, rationale: null, guess: "", alternatives: null };
  if (about.feedback) sendFeedback({ verdict: "wrong", correction: other.answer });
  show({ ...row, ...of, ...unknown, ...other }, query);
  goOnFrom({ data: query.data || "", turn: { question: row.question, answer: other.answer } });
  $("asked").focus();
}

function pick(one) {
  const button = make("button", one.question, "pick");
  button.type = "button";
  button.addEventListener("click", () => {
    $("question").value = one.question;
    if ([...$("data").options].some((option) => option.value === one.data)) {
      $("data").value = one.data;
      fields();
      glossary();
    }
    goOnFrom(null);
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
    return kept;
  }
}

// Without storage the history lasts until the page is closed.
function saveHistory(history) {
  kept = history;
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(history));
  } catch (error) {
    // see `kept`
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
  $("names").replaceChildren(...shown.map(([name, words]) => {
    const row = make("div", undefined, used.includes(name) ? "used" : "");
    row.append(make("dt", name), make("dd", words));
    return row;
  }));
}

function glossary() {
  const of = about.data[$("data").value] || Object.values(about.data)[0];
  const terms = of ? of.glossary : [];
  $("of-glossary").hidden = !terms.length;
  $("glossary").replaceChildren(...terms.map(([names, meaning]) => {
    const row = make("div");
    row.append(make("dt", names), make("dd", meaning));
    return row;
  }));
}

// A few at a time, each of another category.
function examples() {
  const categories = Object.values(about.examples);
  const longest = Math.max(0, ...categories.map((some) => some.length));
  const all = [...Array(longest).keys()].flatMap((n) => categories.flatMap((some) => some.slice(n, n + 1)));
  const from = turn * EXAMPLES < all.length ? turn * EXAMPLES : 0;
  turn = from / EXAMPLES + 1;
  $("of-examples").hidden = !all.length;
  $("others").hidden = all.length <= EXAMPLES;
  $("examples").replaceChildren(...all.slice(from, from + EXAMPLES).map((one) => {
    const item = make("li");
    item.append(pick(one));
    return item;
  }));
}

async function load() {
  const { ok, data } = await callApi("v1/about");
  if (!ok) {
    $("state").textContent = visible(data.error.message);
    return;
  }
  about = data;
  $("login").hidden = true;
  $("main").hidden = false;
  const names = Object.keys(about.data);
  const title = visible(about.title);
  $("model").textContent = title;
  document.title = `${title} · dstill playground`;
  if (about.notes.length) $("h-examples").textContent = "Questions to try";
  $("notes").replaceChildren(...about.notes.map((one) => make("li", one)));
  $("question").maxLength = Number(about.longest);
  for (const [id, supported] of [["execute", about.executes], ["explain", about.explains]]) {
    $(id).checked = supported;
    $(id).parentElement.hidden = !supported;
  }
  $("data").replaceChildren(...names.map((name) => {
    const option = make("option", name);
    option.value = name;
    return option;
  }));
  $("data-noun").textContent = visible(about.data_noun[0].toUpperCase() + about.data_noun.slice(1));
  $("of-data").hidden = names.length < 2;
  $("drift").replaceChildren(...about.drift.map((one) => make("li", one)));
  fields();
  glossary();
  examples();
  showHistory(loadHistory());
  next(); // what waited for a token
  const health = (await callApi("healthz")).data;
  $("state").textContent = [...(about.title === about.model ? [] : [visible(about.model)]), `model ${health.model}`, `engine ${health.engine}`].join(" · ");
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
  const typing = event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey || !about) return;
  event.preventDefault();
  $("question").focus();
  $("question").select();
});
$("filter").addEventListener("input", fields);
$("data").addEventListener("change", fields);
$("anew").addEventListener("click", () => goOnFrom(null));
$("forget").addEventListener("click", () => saveHistory([]));
$("others").addEventListener("click", examples);

$("home").hidden = isAlone;
start();
