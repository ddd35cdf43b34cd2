// What a user says about the answer that the page shows. A corrected answer is checked as it is typed.
"use strict";

const CHECK_AFTER = 300; // ms without a key
let judged = null; // the question and answer that the buttons are about
let checking = 0; // timer of the next check
let checkNumber = 0; // of the newest check: replies to older ones are dropped

function askFeedback(row, query) {
  $("feedback").hidden = !about.feedback;
  judged = { question: row.question, answer: row.answer, ...(query.data ? { data: query.data } : {}) };
  $("correction").value = row.parts.map(([, text]) => text).join("");
  $("correct").hidden = true;
  $("feedback-said").textContent = "";
  $("correction-checks").replaceChildren();
  $("right").hidden = !row.ok && !row.refused;
  for (const id of ["right", "wrong", "send-correction", "only-wrong"]) $(id).disabled = false;
}

async function sendFeedback(more) {
  for (const id of ["right", "wrong", "send-correction", "only-wrong"]) $(id).disabled = true;
  const sent = judged;
  let said = "The server does not respond.";
  let done = false;
  try {
    const { ok, data } = await callApi("v1/feedback", { ...sent, ...more });
    said = ok ? "Thank you: it is noted." : data.error.message;
    done = ok;
  } catch (error) {
    if (error instanceof Unauthorized) showLogin(error.message);
  }
  if (sent !== judged) return; // another answer is shown by now
  $("feedback-said").textContent = visible(said);
  if (done) $("correct").hidden = true;
  else for (const id of ["right", "wrong", "send-correction", "only-wrong"]) $(id).disabled = false;
}

async function checkCorrection() {
  const number = ++checkNumber;
  const { question, data } = judged;
  let reply;
  try {
    reply = await callApi("v1/check", { question, answer: $("correction").value, ...(data ? { data } : {}) });
  } catch (error) {
    return; // sending will say it
  }
  if (number !== checkNumber) return;
  const found = reply.ok ? reply.data.problems : [{ layer: "request", severity: "error", message: reply.data.error.message }];
  $("correction-checks").replaceChildren(...(found.length ? found.map((one) => {
    const bad = one.severity === "error";
    return check(bad ? "✗" : "!", bad ? "bad" : "warning", one.layer, [one.message, one.pointer, one.hint].filter(Boolean).join(" · "));
  }) : [check("✓", "muted", "checks", "it passes; whether it is right, you say")]));
  $("send-correction").disabled = !reply.ok || !reply.data.ok;
}

$("right").addEventListener("click", () => sendFeedback({ verdict: "right" }));
$("wrong").addEventListener("click", () => {
  $("correct").hidden = false;
  $("correction").focus();
  $("send-correction").disabled = true; // until something is changed, and passes the checks
});
$("only-wrong").addEventListener("click", () => sendFeedback({ verdict: "wrong" }));
$("correct").addEventListener("submit", (event) => {
  event.preventDefault();
  sendFeedback({ verdict: "wrong", correction: $("correction").value });
});
$("correction").addEventListener("input", () => {
  $("send-correction").disabled = true;
  clearTimeout(checking);
  checking = setTimeout(checkCorrection, CHECK_AFTER);
});
