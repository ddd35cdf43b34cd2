// Shows the tables of a result: pages of rows, bars of groups, and a curve of what changes over time.
"use strict";

const ROWS = 20; // of a page of a table
const FEW_ROWS = 5; // of one that is not the answer's
const FEWEST = 6; // times that make a curve; fewer are bars
const TIME = /^\d{4}(-\d\d){0,2}( \d\d:\d\d(:\d\d)?)?$/;

const numberIn = (text) => text === "" ? NaN : Number(text.replaceAll(",", "").replace(/ %$/, ""));

// The largest number of each column that is drawn as bars: those after the keys, if all of them are numbers.
function largest(one) {
  const keys = Math.max(1, one.numeric.indexOf(true));
  if (one.rows.length < 2 || keys >= one.columns.length || one.numeric.slice(keys).includes(false)) return [];
  return one.columns.map((_, n) => {
    const numbers = one.rows.map((row) => numberIn(row[n]));
    return n >= keys && numbers.every((number) => number >= 0) ? Math.max(...numbers) : 0;
  });
}

// `count`: rows of a page.
function table(one, count) {
  const part = make("div");
  const holder = make("div", undefined, "scroll");
  const node = make("table");
  node.dataset.spare = one.spare;
  Object.assign(holder, { tabIndex: 0, role: "group", ariaLabel: visible(one.title || "Result") });
  if (one.title) node.append(make("caption", one.title));
  const head = node.createTHead().insertRow();
  one.columns.forEach((name, n) => {
    const cell = make("th", name, one.numeric[n] ? "number" : "");
    cell.scope = "col";
    head.append(cell);
  });
  const drawn = curve(one);
  const most = drawn ? [] : largest(one);
  most.forEach((number, n) => head.cells[n].classList.toggle("bars", number > 0));
  const body = node.createTBody();
  const showRows = (from) => body.replaceChildren(...one.rows.slice(from, from + count).map((row) => line(one, row, most)));
  showRows(0);
  holder.append(node);
  part.append(...(drawn ? [drawn] : []), holder);
  if (one.rows.length > count) part.append(pager(one, count, (from) => {
    showRows(from);
    fit();
  }));
  return part;
}

function line(one, row, most) {
  const node = make("tr");
  row.forEach((text, n) => {
    const cell = node.insertCell();
    cell.textContent = visible(text);
    if (one.numeric[n]) cell.className = "number";
    else if (text.length <= 40) cell.className = "short";
    if (most[n]) {
      cell.classList.add("bar");
      cell.style.setProperty("--share", `${100 * numberIn(text) / most[n]}%`);
    }
  });
  return node;
}

function pager(one, count, showRows) {
  const node = make("p", undefined, "pager");
  const [before, words, after] = [make("button", "Previous rows"), make("span"), make("button", "Next rows")];
  const last = Math.floor((one.rows.length - 1) / count) * count;
  let from = 0;
  const turn = (to) => {
    from = to;
    before.disabled = from === 0;
    after.disabled = from === last;
    words.textContent = `${from + 1} to ${Math.min(from + count, one.rows.length)} of ${one.rows.length.toLocaleString("en")}`;
  };
  for (const [button, step] of [[before, -count], [after, count]]) {
    button.type = "button";
    button.addEventListener("click", () => {
      turn(from + step);
      showRows(from);
    });
  }
  words.setAttribute("role", "status");
  turn(0);
  node.append(before, words, after);
  return node;
}

// --- a curve ----------------------------------------------------------------------------

function shape(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// The last column over the first, if that has times and the others have numbers; else nothing.
function curve(one) {
  const at = one.columns.length - 1;
  const points = one.rows.map((row) => [Date.parse(row[0].replace(" ", "T")), numberIn(row[at]), row]);
  const isTime = points.length >= FEWEST && one.rows.every((row) => TIME.test(row[0]));
  if (at < 1 || at > 2 || !isTime || one.numeric.slice(1).includes(false)) return null;
  if (!points.every(([time, number]) => !Number.isNaN(time) && number >= 0)) return null;
  points.sort((a, b) => a[0] - b[0]);
  const [first, last] = [points[0], points[points.length - 1]];
  const most = points.reduce((a, b) => b[1] > a[1] ? b : a);
  if (first[0] === last[0] || !most[1]) return null;
  const place = ([time, number]) => `${1000 * (time - first[0]) / (last[0] - first[0])},${100 - 100 * number / most[1]}`;
  const path = points.map(place).join(" ");
  const drawing = shape("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", "aria-hidden": "true" });
  drawing.append(shape("polygon", { points: `0,100 ${path} 1000,100` }), shape("polyline", { points: path }));
  const node = make("figure", undefined, "curve");
  const ends = make("p", undefined, "ends");
  ends.append(make("span", first[2][0]), make("span", last[2][0]));
  node.append(make("figcaption", `${one.columns[at]}: at most ${most[2][at]}, ${one.columns[0]} ${most[2][0]}`), drawing, ends);
  return node;
}

// Hides the columns that a table can spare, from the last, as long as it is wider than its place.
function fit() {
  for (const holder of document.querySelectorAll("#tables .scroll")) {
    const rows = [...holder.firstElementChild.rows];
    const count = rows[0].cells.length;
    const show = (n) => rows.forEach((row) => [...row.cells].forEach((cell, at) => { cell.hidden = at >= n; }));
    let shown = count;
    show(shown);
    while (holder.scrollWidth > holder.clientWidth && shown > count - holder.firstElementChild.dataset.spare) show(--shown);
  }
}

addEventListener("resize", fit);
