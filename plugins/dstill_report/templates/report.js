"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const items = [...document.querySelectorAll(".failure")];
  const count = document.getElementById("count");
  const chosen = (name) => form.elements[name].value;
  const texts = items.map((item) => item.querySelector("summary").textContent.toLowerCase());

  function apply() {
    const words = chosen("text").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    items.forEach((item, i) => {
      const fits = ["split", "category", "kind"].every((name) => !chosen(name) || item.dataset[name] === chosen(name));
      item.hidden = !(fits && words.every((word) => texts[i].includes(word)));
      shown += !item.hidden;
    });
    count.textContent = `${shown.toLocaleString("en")} of ${items.length.toLocaleString("en")} shown`;
  }

  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  apply();
})();
