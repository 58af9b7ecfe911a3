// What stands around the map: legend and filters, the card at the pointer, the panel, the address; in the report's page
// and in the shop's.
//
// data: as `projection.interactive.map_fields` makes it.
// source:
//   tile(context, i, x, y, size)   draws an item's photo; false where there is none yet, then painted() when it has come
//   photosReady(), mostPhotos, photosFrom, gentle   as createMap takes them
//   nearest(i, looks)              the items nearest to one, or a promise of them: row (-1 for one that is not on the map),
//                                  score, and where the row is -1, text and href
//   says(looks)                    by what they are nearest, in a sentence
//   href(i)                        an item's own page, if it has one
//   closer                         the zoom at which an item is shown that the page's address names
function openMap(data, source) {
"use strict";
const byId = (id) => document.getElementById(id);
const catalogue = mapCatalogue(data), { total, facets, chosen, shown, rowOf, word, describe } = catalogue;
const canvas = byId("map"), explorer = byId("explorer");
const number = (value) => value.toLocaleString("en-GB");
let mode = "department", looks = false;
let near = { of: -1, found: [] };  // what is nearest to the selected item, as soon as it is known
const nearRows = (i) => (near.of === i ? near.found.map(({ row }) => row).filter((row) => row >= 0) : []);

function useKey(key) {
  const rank = Number(key);
  if (key === "0") resetAll();
  else if (near.of === map.selected && near.found[rank - 1]?.row >= 0) choose(near.found[rank - 1].row);
  else return false;
  return true;
}

const map = createMap(canvas, byId("marks"), { x: data.x, y: data.y, width: data.width, height: data.height, shown }, {
  mostPhotos: source.mostPhotos, photosFrom: source.photosFrom, photosReady: source.photosReady, tile: source.tile,
  colour: (i) => (mode === "department" ? data.departmentColours[data.department[i]] : data.garment[i]),
  framed: () => mode === "department", neighbours: nearRows, hover: setHovered, choose, key: useKey,
  labels: catalogue.labels(), gentle: source.gentle, moved: () => explorer.classList.add("moved"),
});

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);  // text only ever as textContent
  node.append(...children);
  return node;
}

function photo(i, size) {
  const node = make("canvas", { className: "photo", width: size * 2, height: size * 2 });
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", `Photo of ${data.items[i]}`);
  const context = node.getContext("2d");
  context.imageSmoothingQuality = "high";
  node.paint = () => source.tile(context, i, 0, 0, size * 2);
  node.paint();
  return node;
}

// --- card ---
function setHovered(i, at) {
  const card = byId("card");
  canvas.classList.toggle("aimed", i >= 0);
  for (const link of byId("panel").querySelectorAll("a")) link.classList.toggle("lit", Number(link.dataset.row) === i);
  if (i !== map.hovered) { map.hovered = i; map.redrawMarks(); }
  if (i < 0 || i === map.selected || !at) { card.hidden = true; return; }
  if (Number(card.dataset.row) !== i || card.hidden) {
    card.dataset.row = i;
    card.replaceChildren(photo(i, 136), make("p", { className: "name capital", textContent: describe(i) }),
      make("p", { className: "meta capital", textContent: word("department", i) }),
      make("p", { className: "id", textContent: data.items[i] }));
  }
  card.hidden = false;
  const x = at.x + 18 + card.offsetWidth < canvas.clientWidth - 8 ? at.x + 18 : at.x - 18 - card.offsetWidth;
  const y = Math.min(canvas.clientHeight - card.offsetHeight - 8, Math.max(8, at.y - card.offsetHeight / 2));
  card.style.transform = `translate(${Math.round(Math.max(8, x))}px, ${Math.round(y)}px)`;
}

// --- panel ---
function neighbourRow(i, { row: j, score, text, href }, rank) {
  if (j < 0) {  // such as an item that was added since the map was made
    return make("li", {}, make("a", { href }, make("span", { className: "rank", textContent: rank + 1 }),
      make("span", { className: "words", textContent: text }), make("span", { className: "score", textContent: score.toFixed(2) })));
  }
  const words = make("span", { className: "words" }, ...["colour", "category"].map((facet) => {
    const same = data[facet][i] === data[facet][j];
    const line = make("span", { className: same ? "capital same" : "capital", textContent: word(facet, j) });
    if (same) line.title = `Same ${facet} as the chosen item`;
    return line;
  }));
  const bar = make("b");
  bar.style.width = `${100 * Math.min(1, Math.max(0, score))}%`;
  const link = make("a", { href: hashOf(j) }, make("span", { className: "rank", textContent: rank + 1 }),
    photo(j, 104), words, make("span", { className: "score", textContent: score.toFixed(2) }, make("i", {}, bar)));
  link.dataset.row = j;
  link.addEventListener("pointerenter", () => setHovered(j));
  link.addEventListener("focus", () => setHovered(j));
  for (const kind of ["pointerleave", "blur"]) link.addEventListener(kind, () => setHovered(-1));
  return make("li", {}, link);
}

async function findNearest(i) {
  let found = near.of === i && near.looks === looks ? near : null, failure = "";
  if (!found) {
    const asked = source.nearest(i, looks), of = { of: i, looks };
    near = { ...of, found: [] };
    try { found = { ...of, found: asked instanceof Promise ? await asked : asked }; } catch { failure = "Unavailable at the moment. Choose the item again."; }
    if (map.selected !== i || near.looks !== of.looks) return;  // another one was chosen meanwhile
    near = found ?? { of: -1, found: [] };
  }
  byId("nearest").replaceChildren(...near.found.map((one, rank) => neighbourRow(i, one, rank)));
  byId("says").textContent = failure || source.says(looks);
  byId("nearest").setAttribute("aria-busy", "false");
  canvas.dataset.nearest = failure ? "" : data.items[i];
  map.redrawMarks();
}

function showPanel() {
  const panel = byId("panel"), hadFocus = panel.contains(document.activeElement);
  explorer.classList.toggle("has-choice", map.selected >= 0);
  panel.hidden = map.selected < 0;
  if (map.selected < 0) { near = { of: -1, found: [] }; return panel.replaceChildren(); }
  const i = map.selected, open = source.href?.(i), close = make("button", { type: "button", className: "close", textContent: "×" });
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => { choose(-1); canvas.focus({ preventScroll: true }); });
  const title = make("h2", { className: "capital", textContent: describe(i), tabIndex: -1 });
  panel.replaceChildren(
    make("div", { className: "query" }, photo(i, 104), make("div", {}, title,
      make("p", { className: "capital", textContent: word("department", i) }),
      make("p", { className: "id", textContent: data.items[i] }),
      ...(open ? [make("p", {}, make("a", { href: open, textContent: "Open this item" }))] : []))),
    close,
    make("h3", {}, make("span", { textContent: "Nearest items" }), make("span", { className: "aside", textContent: "Similarity" })),
    make("p", { className: "foot", id: "says" }),
    make("ol", { id: "nearest" }),
    make("p", { className: "foot", textContent: "✓ the same word as the chosen item’s" }));
  byId("nearest").setAttribute("aria-busy", "true");
  findNearest(i);
  panel.scrollTop = 0;
  if (hadFocus) title.focus({ preventScroll: true });
  bringIntoView(i);
}

// Brings an item into the part of the map that the panel leaves free, unless it is there already.
function bringIntoView(i) {
  const panel = byId("panel"), { clientWidth: width, clientHeight: height } = canvas, below = panel.offsetWidth === width;
  const right = width - (below ? 0 : panel.offsetWidth + 20), bottom = height - (below ? panel.offsetHeight : 0);
  const [x, y] = map.toScreen(i);
  if (x > 40 && x < right - 30 && y > 30 && y < bottom - 30) return;
  map.flyTo({
    k: map.view.k,
    x: data.x[i] - (right / 2 - width / 2) / map.scale(),
    y: data.y[i] - (bottom / 2 - height / 2) / map.scale(),
  });
}

// Shows what the search left, as large as it fits; all items where it left all or none.
function bringSearchIntoView() {
  const rows = [...shown.keys()].filter((i) => shown[i]);
  if (!rows.length || rows.length === total) return map.flyTo({ x: data.width / 2, y: data.height / 2, k: 1 });
  const [left, right, top, bottom] = [data.x, data.y].flatMap((at) => [rows.reduce((least, i) => Math.min(least, at[i]), Infinity),
    rows.reduce((most, i) => Math.max(most, at[i]), -Infinity)]);
  const room = 1.25, most = 8;
  const k = Math.min(most, data.width / (room * Math.max(1, right - left)), data.height / (room * Math.max(1, bottom - top)));
  map.flyTo({ x: (left + right) / 2, y: (top + bottom) / 2, k: Math.max(1, k) });
}

// --- the choice lives in the address, so that the browser's Back retraces the way from item to item ---
const hashOf = (i) => "#item=" + encodeURIComponent(data.items[i]);
function choose(i) { location.hash = i < 0 ? "" : hashOf(i); }
function itemOfAddress() {
  try { return decodeURIComponent(location.hash.replace(/^#item=/, "")); } catch { return ""; /* not one of our addresses */ }
}
function readAddress() {
  map.selected = rowOf.get(itemOfAddress()) ?? -1;
  setHovered(-1);
  canvas.dataset.selected = map.selected < 0 ? "" : data.items[map.selected];
  showPanel();
  map.redrawMarks();
}

// --- filters ---
function toggle(facet, index) {
  if (!chosen[facet].delete(index)) chosen[facet].add(index);
  refilter();
}

// --- lasso: a filter by place ---
function encircle(polygon) {
  catalogue.encircle(null);
  catalogue.applyFilters();
  catalogue.encircle(polygon);
  byId("lasso").setAttribute("aria-pressed", String(Boolean(polygon)));
  refilter();
}

function useLasso() {
  const drawing = canvas.classList.contains("lasso");
  byId("lasso").setAttribute("aria-pressed", String(!drawing && !catalogue.isEncircled()));
  if (drawing) map.lasso(null);
  else if (catalogue.isEncircled()) encircle(null);
  else map.lasso(encircle);
}

function saveShown() {
  const link = make("a", { href: URL.createObjectURL(new Blob([catalogue.csv()], { type: "text/csv" })), download: "items.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function facetButtons(facet, colours, parts) {
  return data.words[facet].map((text, index) => {
    const swatch = make("i");
    swatch.style.background = colours[index];
    const button = make("button", { type: "button" }, swatch, ...parts(text));
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => toggle(facet, index));
    return button;
  });
}

function colourNote(index = -1) {
  const names = index >= 0 ? [index] : [...chosen.colour];
  byId("colour-name").textContent = names.map((at) => data.words.colour[at]).join(", ");
}

function buildFilters() {
  byId("departments").append(...facetButtons("department", data.departmentColours, (text) =>
    [make("span", { className: "word capital", textContent: text }), make("span", { className: "count" })]));
  const few = 12, rows = [...byId("departments").children], more = byId("more");
  const fold = (folded) => {
    rows.forEach((row, index) => { row.hidden = folded && index >= few; });
    more.setAttribute("aria-expanded", String(!folded));
    more.textContent = folded ? `All ${rows.length} departments` : "Fewer departments";
  };
  if (rows.length > few + 1) { more.hidden = false; fold(true); }
  more.addEventListener("click", () => fold(more.getAttribute("aria-expanded") === "true"));
  byId("colours").append(...facetButtons("colour", data.swatches, () => []));
  [...byId("colours").children].forEach((button, index) => {
    for (const kind of ["pointerenter", "focus"]) button.addEventListener(kind, () => colourNote(index));
    for (const kind of ["pointerleave", "blur"]) button.addEventListener(kind, () => colourNote());
  });
  byId("category").append(make("option", { value: "" }),
    ...data.words.category.map((text, index) => make("option", { value: index })));
}

function refilter() {
  const { left, counts } = catalogue.applyFilters();
  for (const [facet, id] of [["department", "departments"], ["colour", "colours"]]) {
    byId(id).classList.toggle("some", chosen[facet].size > 0);
    [...byId(id).children].forEach((button, index) => {
      const count = counts[facet][index];
      button.setAttribute("aria-pressed", String(chosen[facet].has(index)));
      button.classList.toggle("empty", count === 0);
      if (facet === "department") button.querySelector(".count").textContent = number(count);
      else { button.title = `${data.words.colour[index]}, ${number(count)}`; button.setAttribute("aria-label", button.title); }
    });
  }
  [...byId("category").options].forEach((option, index) => {
    if (index === 0) { option.textContent = `All ${data.words.category.length} categories`; return; }
    option.textContent = `${data.words.category[index - 1]} (${number(counts.category[index - 1])})`;
    option.disabled = counts.category[index - 1] === 0 && !chosen.category.has(index - 1);
  });
  const filtered = left < total, kinds = facets.filter((facet) => chosen[facet].size).length;
  byId("status").textContent = left === 0 ? "No item fits; Reset shows all"
    : filtered ? `${number(left)} of ${number(total)} items` : `${number(total)} items`;
  byId("open-filters").textContent = kinds ? `Filters (${kinds})` : "Filters";
  byId("open-filters").classList.toggle("some", kinds > 0);
  byId("close-filters").textContent = `Show ${number(left)} items`;
  colourNote();
  canvas.dataset.shown = left;
  map.refilter();
}

function resetAll() {
  for (const facet of facets) chosen[facet].clear();
  byId("category").value = byId("search").value = "";
  catalogue.search("");
  if (canvas.classList.contains("lasso")) map.lasso(null);
  encircle(null);
  choose(-1);
  setHovered(-1);
  map.flyTo({ x: data.width / 2, y: data.height / 2, k: 1 });
}

function setFiltersOpen(open) {
  explorer.classList.toggle("filtering", open);
  byId("open-filters").setAttribute("aria-expanded", String(open));
  byId(open ? "close-filters" : "open-filters").focus({ preventScroll: true });
}

// --- wiring ---
byId("search").addEventListener("input", (event) => { catalogue.search(event.target.value); refilter(); bringSearchIntoView(); });
byId("search").addEventListener("keydown", (event) => {
  const exact = rowOf.get(event.target.value.trim());
  if (event.key === "Enter") choose(exact ?? shown.indexOf(1));
});
byId("category").addEventListener("change", (event) => {
  chosen.category = new Set(event.target.value === "" ? [] : [Number(event.target.value)]);
  refilter();
});
for (const input of document.getElementsByName("mode")) {
  input.addEventListener("change", () => { mode = explorer.dataset.mode = input.value; map.redraw(); });
}
for (const input of document.getElementsByName("nearest-by")) {
  input.addEventListener("change", () => { looks = input.value === "looks"; if (map.selected >= 0) showPanel(); });
}
byId("labels").addEventListener("change", (event) => { map.labelled = event.target.checked; map.redraw(); });
byId("lasso").addEventListener("click", useLasso);
byId("csv").addEventListener("click", saveShown);
byId("open-filters").addEventListener("click", () => setFiltersOpen(!explorer.classList.contains("filtering")));
byId("close-filters").addEventListener("click", () => setFiltersOpen(false));
byId("zoom-in").addEventListener("click", () => map.zoomAt(1.6));
byId("zoom-out").addEventListener("click", () => map.zoomAt(1 / 1.6));
byId("reset").addEventListener("click", resetAll);
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=radio], [type=checkbox]), select");
  if (event.key === "/" && !typing) { byId("search").focus(); event.preventDefault(); }
  if (event.key !== "Escape") return;
  if (canvas.classList.contains("lasso")) useLasso();
  else if (explorer.classList.contains("filtering")) setFiltersOpen(false);
  else if (map.selected >= 0 && !typing) choose(-1);
});
addEventListener("hashchange", readAddress);

// A form that the browser filled in again after a reload must not contradict the map.
byId("search").value = "";
for (const name of ["mode", "nearest-by"]) { const first = document.getElementsByName(name)[0]; if (first) first.checked = true; }
byId("labels").checked = true;
buildFilters();
refilter();
const first = rowOf.get(itemOfAddress());
if (first >= 0 && source.closer) Object.assign(map.view, { x: data.x[first], y: data.y[first], k: source.closer });
readAddress();
// Where an item lies on the screen, in CSS pixels: for tests and for the browser's console.
window.fashionMap = { where: (item) => {
  const box = canvas.getBoundingClientRect(), [x, y] = map.toScreen(rowOf.get(item));
  return [box.left + x, box.top + y];
} };
return {
  painted() {  // a photo has come
    document.querySelectorAll("canvas.photo").forEach((node) => node.paint());
    map.redraw();
  },
};
}
