// The catalogue as the page knows it: which items pass the filters, and how many of each word are left.
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const total = data.items.length;
const facets = ["department", "colour", "category"];
const chosen = { department: new Set(), colour: new Set(), category: new Set() };  // empty: all of them
const shown = new Uint8Array(total).fill(1);
const rowOf = new Map(data.items.map((item, i) => [item, i]));
let haystack = null;  // built at the first search
let sought = [];

const word = (facet, i) => data.words[facet][data[facet][i]];
const describe = (i) => `${word("colour", i)} ${word("category", i)}`;
const neighboursOf = (i) => data.neighbours.slice(i * data.nearest, (i + 1) * data.nearest);
const similarityOf = (i, rank) => data.similarity[i * data.nearest + rank] / 1000;
const number = (value) => value.toLocaleString("en-GB");

// A word matches where a word of the item begins: "tan" finds the colour, not the tank tops.
function search(text) {
  sought = text.toLowerCase().split(/\s+/).filter(Boolean).map((part) => " " + part);
  haystack ??= data.items.map((item, i) =>
    ` ${item} ${describe(i)} ${word("department", i)}`.toLowerCase());
}

// Marks the items that pass; each facet's counts heed every filter but its own.
function applyFilters() {
  const counts = Object.fromEntries(facets.map((facet) => [facet, new Uint32Array(data.words[facet].length)]));
  let left = 0;
  for (let i = 0; i < total; i++) {
    const found = sought.every((part) => haystack[i].includes(part));
    const fails = facets.filter((facet) => chosen[facet].size && !chosen[facet].has(data[facet][i]));
    shown[i] = found && fails.length === 0 ? 1 : 0;
    left += shown[i];
    if (!found) continue;
    for (const facet of facets) {
      if (fails.length === 0 || (fails.length === 1 && fails[0] === facet)) counts[facet][data[facet][i]]++;
    }
  }
  return { left, counts };
}
