// The page of `dstill review`. What comes from the dataset is set as text and never as markup.
"use strict";

const $ = (id) => document.getElementById(id);
let row = null; // the one to judge; null: none is left
let busy = true;
let ended = false;

// The token has done its work: it need not stay in the address or the history.
if (location.search) history.replaceState(null, "", "/");

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json", "x-dstill": "1" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(path, options);
  const type = answer.headers.get("content-type") || "";
  const found = type.startsWith("application/json") ? await answer.json() : { problems: [{ message: await answer.text() }] };
  return { ok: answer.ok, found };
}

// As `dstill.inert.visible` shows text: what cannot be seen, or turns the direction of writing, stands as an escape.
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

function rateOf(far) {
  return far.rate === null ? "" : `accepted ${percent(far.rate)} % [${percent(far.low)}, ${percent(far.high)}]`;
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

function show(state) {
  const far = state.progress;
  row = state.row;
  document.title = visible(`${far.judged}/${far.sample} · ${state.run} · dstill review`);
  put("run", state.run);
  put("judged", `${far.judged} of ${far.sample} judged`);
  put("rate", rateOf(far));
  $("bar").max = Math.max(1, far.sample);
  $("bar").value = far.judged;
  $("row").hidden = row === null;
  $("done").hidden = row !== null;
  for (const id of ["accept", "reject", "edit", "skip"]) $(id).disabled = row === null;
  if (row === null) {
    put("summary", `${far.accepted} accepted, ${far.rejected} rejected, ${far.edited} edited, ` +
      `${far.skipped} skipped. ${rateOf(far)}`);
    return;
  }
  put("where", [row.category, row.split, row.teacher, row.name].filter(Boolean).join(" · "));
  put("question", row.question);
  $("problems").replaceChildren(...row.problems.map(problem));
  $("answer").replaceChildren(row.tree === null ? make("pre", row.answer) : branch(row.tree));
  put("rationale", row.rationale);
  $("excerpt").hidden = !row.excerpt.used.length && !row.excerpt.rest.length;
  put("h-excerpt", row.excerpt.title);
  $("used").replaceChildren(...terms(row.excerpt.used));
  $("rest").replaceChildren(...terms(row.excerpt.rest));
  $("others").hidden = !row.excerpt.rest.length;
  $("others").open = false;
  $("others").querySelector("summary").textContent = `${row.excerpt.rest.length} more`;
  put("result", "…");
  scrollTo(0, 0);
  run(row);
}

async function run(of) {
  try {
    const { found } = await ask(`/result?id=${encodeURIComponent(of.id)}`);
    if (row !== of) return; // another row is shown by now
    const why = (found.problems || []).map((one) => one.message);
    put("result", [found.text, found.note, ...why].filter(Boolean).join("\n") || "nothing");
  } catch (error) {
    if (row === of) put("result", "the command in the terminal does not answer");
  }
}

// One request at a time: a key that is pressed meanwhile does nothing.
async function during(work) {
  if (busy || ended) return;
  busy = true;
  try {
    await work();
  } catch (error) {
    say("The command in the terminal does not answer. Start `dstill review` again: what was judged is kept.");
  } finally {
    busy = false;
  }
}

function told(answer, words) {
  if (answer.found.progress) show(answer.found);
  const wrong = answer.found.note || (answer.found.problems || []).map((one) => one.message).join("; ");
  say(wrong || words);
}

function judge(decision, words) {
  if (row === null) return;
  const asked = { id: row.id, digest: row.digest, decision };
  during(async () => told(await ask("/judge", asked), words));
}

function undo() { during(async () => told(await ask("/undo", {}), "The last decision is taken back.")); }

function edit() {
  if (row === null || busy) return;
  $("new-answer").value = row.edit.answer;
  $("new-rationale").value = row.edit.rationale;
  $("errors").replaceChildren();
  $("editor").showModal();
  $("new-answer").focus();
}

function save() {
  const asked = { id: row.id, digest: row.digest };
  if ($("new-answer").value !== row.edit.answer) asked.answer = $("new-answer").value;
  if ($("new-rationale").value !== row.edit.rationale) asked.rationale = $("new-rationale").value;
  if (asked.answer === undefined && asked.rationale === undefined) {
    $("errors").replaceChildren(problem({ message: "nothing was changed" }));
    return;
  }
  during(async () => {
    const answer = await ask("/edit", asked);
    if (answer.found.problems) {
      $("errors").replaceChildren(...answer.found.problems.map(problem));
      return;
    }
    $("editor").close();
    told(answer, "Edited.");
  });
}

function finish() {
  during(async () => {
    await ask("/finish", {});
    ended = true;
    for (const button of $("keys").children) button.disabled = true;
    say("Finished. The terminal says what comes next; this window can be closed.");
  });
}

const KEYS = {
  a: () => judge("accept", "Accepted."),
  r: () => judge("reject", "Rejected."),
  s: () => judge("skip", "Skipped: another row of its category takes its place."),
  e: edit,
  u: undo,
  "?": () => $("manual").showModal(),
};

document.addEventListener("keydown", (event) => {
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

const BUTTONS = { accept: KEYS.a, reject: KEYS.r, skip: KEYS.s, edit, undo, help: KEYS["?"], finish, save };
for (const [id, act] of Object.entries(BUTTONS)) $(id).addEventListener("click", act);
$("cancel").addEventListener("click", () => $("editor").close());
$("close").addEventListener("click", () => $("manual").close());

ask("/state").then(({ ok, found }) => {
  busy = false;
  if (ok) show(found);
  else say(found.problems.map((one) => one.message).join("; "));
}).catch(() => say("The command in the terminal does not answer."));
