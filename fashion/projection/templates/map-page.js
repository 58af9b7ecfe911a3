// What stands around the map: legend and filters, the card at the pointer, the panel, the address.
const canvas = byId("map");
const perSheet = data.columns ** 2;
const sheets = [];  // decoded atlases; an item's photo is a tile of sheet floor(i / perSheet)
let mode = "department";

function drawTile(context, i, x, y, size) {
  const sheet = sheets[Math.floor(i / perSheet)];
  if (!sheet) return false;
  const tile = i % perSheet, edge = data.edge;
  context.drawImage(sheet, (tile % data.columns) * edge, Math.floor(tile / data.columns) * edge, edge, edge, x, y, size, size);
  return true;
}

function useKey(key) {
  const rank = Number(key);
  if (key === "0") resetAll();
  else if (map.selected >= 0 && rank >= 1 && rank <= data.nearest) choose(neighboursOf(map.selected)[rank - 1]);
  else return false;
  return true;
}

const map = createMap(canvas, byId("marks"), { x: data.x, y: data.y, width: data.width, height: data.height, shown }, {
  mostPhotos: Infinity, photosFrom: 1, photosReady: () => sheets.some(Boolean), tile: drawTile,
  colour: (i) => (mode === "department" ? data.departmentColours[data.department[i]] : data.garment[i]),
  framed: () => mode === "department", neighbours: neighboursOf, hover: setHovered, choose, key: useKey,
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
  node.paint = () => drawTile(context, i, 0, 0, size * 2);
  node.paint();
  return node;
}

// --- card ---
function setHovered(i, at) {
  const card = byId("card");
  canvas.classList.toggle("over", i >= 0);
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
function neighbourRow(i, j, rank) {
  const words = make("span", { className: "words" }, ...["colour", "category"].map((facet) => {
    const same = data[facet][i] === data[facet][j];
    const line = make("span", { className: same ? "capital same" : "capital", textContent: word(facet, j) });
    if (same) line.title = `Same ${facet} as the chosen item`;
    return line;
  }));
  const score = similarityOf(i, rank), bar = make("b");
  bar.style.width = `${100 * Math.min(1, Math.max(0, score))}%`;
  const link = make("a", { href: hashOf(j) }, make("span", { className: "rank", textContent: rank + 1 }),
    photo(j, 104), words, make("span", { className: "score", textContent: score.toFixed(2) }, make("i", {}, bar)));
  link.dataset.row = j;
  link.addEventListener("pointerenter", () => setHovered(j));
  link.addEventListener("focus", () => setHovered(j));
  for (const kind of ["pointerleave", "blur"]) link.addEventListener(kind, () => setHovered(-1));
  return make("li", {}, link);
}

function showPanel() {
  const panel = byId("panel"), hadFocus = panel.contains(document.activeElement);
  document.body.classList.toggle("chosen", map.selected >= 0);
  panel.hidden = map.selected < 0;
  if (map.selected < 0) return panel.replaceChildren();
  const i = map.selected, close = make("button", { type: "button", className: "close", textContent: "×" });
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => { choose(-1); canvas.focus({ preventScroll: true }); });
  const title = make("h2", { className: "capital", textContent: describe(i), tabIndex: -1 });
  panel.replaceChildren(
    make("div", { className: "query" }, photo(i, 104), make("div", {}, title,
      make("p", { className: "capital", textContent: word("department", i) }),
      make("p", { className: "id", textContent: data.items[i] }))),
    close,
    make("h3", {}, make("span", { textContent: "Nearest items" }), make("span", { className: "note", textContent: "Similarity" })),
    make("ol", {}, ...neighboursOf(i).map((j, rank) => neighbourRow(i, j, rank))),
    make("p", { className: "foot", textContent: "✓ the same word as the chosen item’s" }));
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
function readAddress() {
  let item = "";
  try { item = decodeURIComponent(location.hash.replace(/^#item=/, "")); } catch { /* not one of our addresses */ }
  map.selected = rowOf.get(item) ?? -1;
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
  const { left, counts } = applyFilters();
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
  search("");
  refilter();
  choose(-1);
  setHovered(-1);
  map.flyTo({ x: data.width / 2, y: data.height / 2, k: 1 });
}

function setFiltersOpen(open) {
  document.body.classList.toggle("filtering", open);
  byId("open-filters").setAttribute("aria-expanded", String(open));
  byId(open ? "close-filters" : "open-filters").focus({ preventScroll: true });
}

// --- wiring ---
byId("search").addEventListener("input", (event) => { search(event.target.value); refilter(); bringSearchIntoView(); });
byId("search").addEventListener("keydown", (event) => {
  const exact = rowOf.get(event.target.value.trim());
  if (event.key === "Enter") choose(exact ?? shown.indexOf(1));
});
byId("category").addEventListener("change", (event) => {
  chosen.category = new Set(event.target.value === "" ? [] : [Number(event.target.value)]);
  refilter();
});
for (const input of document.getElementsByName("mode")) {
  input.addEventListener("change", () => { mode = document.body.dataset.mode = input.value; map.redraw(); });
}
byId("open-filters").addEventListener("click", () => setFiltersOpen(!document.body.classList.contains("filtering")));
byId("close-filters").addEventListener("click", () => setFiltersOpen(false));
byId("zoom-in").addEventListener("click", () => map.zoomAt(1.6));
byId("zoom-out").addEventListener("click", () => map.zoomAt(1 / 1.6));
byId("reset").addEventListener("click", resetAll);
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input[type=search], select");
  if (event.key === "/" && !typing) { byId("search").focus(); event.preventDefault(); }
  if (event.key !== "Escape") return;
  if (document.body.classList.contains("filtering")) setFiltersOpen(false);
  else if (map.selected >= 0 && !typing) choose(-1);
});
addEventListener("hashchange", readAddress);

// A form that the browser filled in again after a reload must not contradict the map.
byId("search").value = "";
document.getElementsByName("mode")[0].checked = true;
buildFilters();
refilter();
readAddress();
document.addEventListener("DOMContentLoaded", () => {
  [...byId("sheets").children].forEach((image, index) => image.decode().then(() => {
    sheets[index] = image;
    document.querySelectorAll("canvas.photo").forEach((node) => node.paint());
    canvas.dataset.sheets = sheets.filter(Boolean).length;
    map.redraw();
  }));
});
// Where an item lies on the screen, in CSS pixels: for tests and for the browser's console.
window.fashionMap = { where: (item) => {
  const box = canvas.getBoundingClientRect(), [x, y] = map.toScreen(rowOf.get(item));
  return [box.left + x, box.top + y];
} };
