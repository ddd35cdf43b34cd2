// The pages work without this: it counts the runs that are chosen, and waits for what is being opened.
"use strict";

const choose = document.getElementById("choose");

function count() {
  const chosen = choose.querySelectorAll("input:checked").length;
  const button = document.getElementById("compare");
  button.disabled = chosen < 2;
  button.textContent = chosen < 2 ? "Compare" : `Compare ${chosen} runs`;
}

if (choose) {
  choose.addEventListener("change", count);
  addEventListener("pageshow", count); // after "back", the browser restores what was chosen
}

async function wait(address) {
  try {
    const reply = await fetch(address);
    if (!reply.ok || (await reply.json()).state !== "loading") {
      location.reload();
      return;
    }
  } catch (error) {
    // the server may come back
  }
  setTimeout(wait, 500, address);
}

const waiting = document.querySelector("[data-wait]");
if (waiting) wait(waiting.dataset.wait);
