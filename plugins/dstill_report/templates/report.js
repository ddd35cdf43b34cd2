"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const PAGE = 20; // answers that are shown at first
  const items = [...document.querySelectorAll(".answer")];
  const count = document.getElementById("count");
  const more = document.getElementById("more");
  const labels = document.getElementById("labels");
  const names = ["right", "label", "split", "category", "about"].filter((name) => form.elements[name]);
  const texts = new Map(); // lower-case texts, filled on the first search
  let limit = PAGE;

  const chosen = (name) => form.elements[name].value;

  function text(item) {
    if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
    return texts.get(item);
  }

  function apply() {
    const right = chosen("right");
    if (labels) labels.hidden = Boolean(right);
    const words = chosen("text").toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = names.filter((name) => name !== "right" && !(right && name === "label") && chosen(name));
    let found = 0;
    for (const item of items) {
      const fits = item.dataset.right === right && wanted.every((name) => item.dataset[name] === chosen(name))
        && words.every((word) => text(item).includes(word));
      found += fits;
      item.hidden = !fits || found > limit;
    }
    const said = (n) => n.toLocaleString("en");
    count.textContent = `${said(Math.min(found, limit))} of ${said(found)} shown`;
    more.hidden = found <= limit;
    more.textContent = `Show all ${said(found)}`;
  }

  function change() {
    limit = PAGE;
    apply();
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
    const onAnswer = event.target.closest(".answer > summary"); // elsewhere, arrow keys scroll the page
    if (event.target.closest("[type=search], select")) {
      if (event.key === "Escape") event.target.blur();
    } else if (keys[event.key]) {
      keys[event.key]();
      event.preventDefault();
    } else if (onAnswer && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      move(event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
    }
  });

  form.hidden = false;
  form.addEventListener("input", change);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(change));
  more.addEventListener("click", () => {
    const first = items.filter((item) => !item.hidden).length;
    limit = Infinity;
    apply();
    items.filter((item) => !item.hidden)[first].firstElementChild.focus();
  });
  apply();
})();
