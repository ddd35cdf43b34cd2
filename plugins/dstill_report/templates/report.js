"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const items = [...document.querySelectorAll(".failure")];
  const count = document.getElementById("count");
  const chosen = (name) => form.elements[name].value;
  const names = [...form.querySelectorAll("select")].map((select) => select.name);
  const texts = new Map(); // lower-case texts, filled on the first search

  function text(item) {
    if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
    return texts.get(item);
  }

  function apply() {
    const words = chosen("text").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of items) {
      const fits = names.every((name) => !chosen(name) || item.dataset[name] === chosen(name));
      item.hidden = !(fits && words.every((word) => text(item).includes(word)));
      shown += !item.hidden;
    }
    count.textContent = `${shown.toLocaleString("en")} of ${items.length.toLocaleString("en")} shown`;
  }

  function move(step) {
    const shown = items.filter((item) => !item.hidden);
    const at = shown.findIndex((item) => item.contains(document.activeElement));
    const next = at < 0 ? (step > 0 ? 0 : shown.length - 1) : at + step;
    shown[next]?.firstElementChild.focus();
  }

  const keys = {
    j: () => move(1),
    k: () => move(-1),
    "/": () => form.elements.text.select(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onFailure = event.target.closest("summary"); // elsewhere, arrow keys scroll the page
    if (event.target.closest("input, select")) {
      if (event.key === "Escape") event.target.blur();
    } else if (keys[event.key]) {
      keys[event.key]();
      event.preventDefault();
    } else if (onFailure && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      move(event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
    }
  });

  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  apply();
})();
