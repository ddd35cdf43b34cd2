// The page of `dstill data review` and `dstill calibrate`. Text from the dataset is untrusted: it is set as text, never as HTML.
"use strict";

const $ = (id) => document.getElementById(id);
let row = null; // the row to judge; null: all are judged
let busy = true;
let ended = false;
let judging = false; // a student's answers, with `dstill calibrate`; else rows of a dataset

const isAlone = !/\/runs\/[^/]+\/review\/$/.test(location.pathname); // else it is one of those of `dstill ui`
const AGAIN = isAlone ? "Run the command again" : "Reload the page";

// The token works once: remove it from the address and the browser's history.
if (location.search) history.replaceState(null, "", location.pathname);

async function callApi(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json", "x-dstill": "1" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, options);
  const type = response.headers.get("content-type") || "";
  const isJson = type.startsWith("application/json");
  const data = isJson ? await response.json() : { problems: [{ message: await response.text() }] };
  return { ok: response.ok, data };
}

// The same as `dstill.io.inert.visible`: invisible and bidirectional control characters become escapes.
function visible(text) {
  return String(text).replace(/(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (c) =>
    [...Array(c.length).keys()].map((i) => "\\u" + c.charCodeAt(i).toString(16).padStart(4, "0")).join(""));
}

function put(id, text) { $(id).textContent = visible(text); }

function say(text) { put("message", text); }

function make(tag, text, name) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = visible(text);
  if (name) node.className = name;
  return node;
}

function percent(value) { return (100 * value).toFixed(1); }

function acceptance(progress) {
  const { rate, low, high } = progress;
  return rate === null ? "" : `${judging ? "right" : "accepted"} ${percent(rate)} % [${percent(low)}, ${percent(high)}]`;
}

function problem(one) {
  const words = [one.message, one.pointer, one.hint].filter(Boolean).join(" · ");
  return make("li", one.severity ? `${one.severity}, ${one.layer}: ${words}` : words, one.severity || "error");
}

function branch(node) {
  if (node.kind === undefined) {
    const leaf = make("div", undefined, "leaf");
    if (node.key !== "") leaf.append(make("span", node.key, "key"), ": ");
    leaf.append(make("span", node.text));
    return leaf;
  }
  const details = make("details");
  details.open = true;
  const summary = make("summary");
  if (node.key !== "") summary.append(make("span", node.key, "key"), " ");
  summary.append(make("span", node.kind === "object" ? "{ }" : "[ ]", "kind"), " ");
  summary.append(make("span", String(node.items.length), "count"));
  const below = make("div");
  below.append(...node.items.map(branch));
  details.append(summary, below);
  return details;
}

function terms(pairs) { return pairs.flatMap(([name, text]) => [make("dt", name), make("dd", text)]); }

function label(id, key, text) { $(id).replaceChildren(make("kbd", key), ` ${text}`); }

// Once: the words for a student's answers in the place of those for rows.
function beginJudging() {
  judging = true;
  document.body.classList.add("for-judging");
  put("command", "dstill calibrate");
  label("accept", "y", "Right");
  label("reject", "n", "Wrong");
  label("edit", "e", "Correct");
  put("all", "No answer is left to judge");
  $("why-label").hidden = true;
  $("ask").hidden = false;
  Object.assign(KEYS, { y: () => judge("accept", "Right."), n: () => judge("reject", "Wrong.") });
  KEYS.s = () => judge("skip", "Skipped.");
  delete KEYS.a;
  delete KEYS.r;
}

function show(state) {
  const progress = state.progress;
  row = state.row;
  if (state.asks === "judge" && !judging) beginJudging();
  document.title = visible(`${progress.judged}/${progress.sample} · ${state.run} · ${$("command").textContent}`);
  put("run", state.run);
  put("judged", `${progress.judged} of ${progress.sample} judged`);
  put("rate", acceptance(progress));
  $("bar").max = Math.max(1, progress.sample);
  $("bar").value = progress.judged;
  $("row").hidden = row === null;
  $("done").hidden = row !== null;
  for (const id of ["accept", "reject", "edit", "skip"]) $(id).disabled = row === null;
  if (row === null) {
    put("summary", judging ? `${progress.judged} judged, ${acceptance(progress)}. ` + (progress.left
      ? `${progress.left} more are needed before anything is promised: ask questions of your own below.`
      : "That is enough to calibrate: Finish.") : `${progress.accepted} accepted, ${progress.rejected} rejected, ${progress.edited} edited, ` +
      `${progress.skipped} skipped. ${acceptance(progress)}`);
    return;
  }
  const of = progress.categories[row.category]; // undefined if its name has invisible characters
  const category = row.category && of ? `${row.category} (${of.judged + 1} of ${of.sample})` : row.category;
  put("where", [category, row.split, row.teacher, row.name].filter(Boolean).join(" · "));
  put("question", row.question);
  $("problems").replaceChildren(...row.problems.map(problem));
  $("answer").replaceChildren(row.tree === null ? make("pre", row.answer) : branch(row.tree));
  put("words", row.words);
  put("rationale", row.rationale);
  $("rationale").parentElement.hidden = judging && !row.rationale;
  $("excerpt").hidden = !row.excerpt.used.length && !row.excerpt.rest.length;
  put("h-excerpt", row.excerpt.title);
  $("used").replaceChildren(...terms(row.excerpt.used));
  $("rest").replaceChildren(...terms(row.excerpt.rest));
  $("others").hidden = !row.excerpt.rest.length;
  $("others").open = false;
  $("others").querySelector("summary").textContent = `${row.excerpt.rest.length} more fields`;
  put("result", "…");
  scrollTo(0, 0);
  showResult(row);
}

async function showResult(of) {
  try {
    const { data } = await callApi(`result?id=${encodeURIComponent(of.id)}`);
    if (row !== of) return; // another row is shown now
    const errors = (data.problems || []).map((one) => one.message);
    put("result", [data.text, data.note, ...errors].filter(Boolean).join("\n") || "(empty)");
  } catch (error) {
    if (row === of) put("result", "The server does not respond.");
  }
}

// One request at a time: keys pressed meanwhile are ignored.
async function exclusively(work) {
  if (busy || ended) return;
  busy = true;
  try {
    await work();
  } catch (error) {
    say(`The server does not respond. ${AGAIN}; your decisions are saved.`);
  } finally {
    busy = false;
  }
}

function update({ data }, message) {
  if (data.progress) show(data);
  const problem = data.note || (data.problems || []).map((one) => one.message).join("; ");
  say(problem || message);
}

function judge(decision, message) {
  if (row === null) return;
  const body = { id: row.id, digest: row.digest, decision };
  exclusively(async () => update(await callApi("judge", body), message));
}

function undo() { exclusively(async () => update(await callApi("undo", {}), "Undone.")); }

function edit() {
  if (row === null || busy) return;
  $("new-answer").value = row.edit.answer;
  $("new-rationale").value = row.edit.rationale;
  $("errors").replaceChildren();
  $("editor").showModal();
  $("new-answer").focus();
}

function save() {
  const body = { id: row.id, digest: row.digest };
  if ($("new-answer").value !== row.edit.answer) body.answer = $("new-answer").value;
  if ($("new-rationale").value !== row.edit.rationale) body.rationale = $("new-rationale").value;
  if (body.answer === undefined && body.rationale === undefined) {
    $("errors").replaceChildren(problem({ message: "Nothing was changed." }));
    return;
  }
  exclusively(async () => {
    const answer = await callApi("edit", body);
    if (answer.data.problems) {
      $("errors").replaceChildren(...answer.data.problems.map(problem));
      return;
    }
    $("editor").close();
    update(answer, "Edited.");
  });
}

function finish() {
  exclusively(async () => {
    await callApi("finish", {});
    ended = true;
    for (const button of $("keys").children) button.disabled = true;
    say(isAlone ? "Finished. You can close this window; see the terminal for the next step." : "Finished.");
    if (!isAlone) location.assign($("home").href);
  });
}

const KEYS = {
  a: () => judge("accept", "Accepted."),
  r: () => judge("reject", "Rejected."),
  s: () => judge("skip", "Skipped. Another row of the same category takes its place."),
  e: edit,
  u: undo,
  "?": () => $("manual").showModal(),
};

function ask(event) {
  event.preventDefault();
  const question = $("typed").value.trim();
  if (!question) return;
  exclusively(async () => {
    const reply = await callApi("ask", { question });
    if (reply.ok && !reply.data.problems) $("typed").value = "";
    update(reply, "Answered.");
  });
}

document.addEventListener("keydown", (event) => {
  if (event.target === $("typed")) return;
  if ($("editor").open) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      save();
    }
    return;
  }
  if ($("manual").open || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const act = KEYS[event.key.toLowerCase()];
  if (act) {
    event.preventDefault();
    act();
  }
});

const BUTTONS = {
  accept: () => (KEYS.a || KEYS.y)(), reject: () => (KEYS.r || KEYS.n)(), skip: () => KEYS.s(), edit, undo, help: KEYS["?"], finish, save,
};
for (const [id, act] of Object.entries(BUTTONS)) $(id).addEventListener("click", act);
$("ask").addEventListener("submit", ask);
$("cancel").addEventListener("click", () => $("editor").close());
$("close").addEventListener("click", () => $("manual").close());

$("home").hidden = isAlone;
if (!isAlone) put("next", "Finish closes the review, so that the run can be trained.");
callApi("state").then(({ ok, data }) => {
  busy = false;
  if (ok) show(data);
  else say(data.problems.map((one) => one.message).join("; "));
}).catch(() => say("The server does not respond."));
