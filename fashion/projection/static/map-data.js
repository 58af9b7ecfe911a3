// The catalogue as the page knows it: which items pass the filters, and how many of each word are left.
// data: as `projection.interactive.map_fields` makes it.
function mapCatalogue(data) {
  "use strict";
  const total = data.items.length;
  const facets = ["department", "colour", "category"];
  const chosen = { department: new Set(), colour: new Set(), category: new Set() };  // empty: all of them
  const shown = new Uint8Array(total).fill(1);
  const rowOf = new Map(data.items.map((item, i) => [item, i]));
  let haystack = null;  // built at the first search
  let sought = [], inside = null;  // 1 for items within the lasso, where there is one

  const word = (facet, i) => data.words[facet][data[facet][i]];
  const describe = (i) => [word("colour", i), word("category", i)].filter(Boolean).join(" ") || data.items[i];

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
      const found = (!inside || inside[i]) && sought.every((part) => haystack[i].includes(part));
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

  // Keeps the items within a polygon of world points; all without one.
  function encircle(polygon) {
    inside = polygon && Uint8Array.from({ length: total }, (_, i) => shown[i] && isWithin(data.x[i], data.y[i], polygon));
  }

  // By the even-odd rule: a point is within where a ray from it crosses the outline an odd number of times.
  function isWithin(x, y, polygon) {
    let within = false;
    for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
      const [ax, ay] = polygon[a], [bx, by] = polygon[b];
      if (ay > y !== by > y && x < ax + (bx - ax) * (y - ay) / (by - ay)) within = !within;
    }
    return within;
  }

  // The items that pass, as CSV (RFC 4180); an apostrophe makes text of what a spreadsheet would take for a formula.
  function csv() {
    const safe = (text) => (/^[=+\-@\t\r\n＝＋－＠]/.test(text) && !/^[+-]?[\d.,]+$/.test(text) ? `'${text}` : text);
    const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const cell = (text) => quoted(safe(text));
    const columns = ["item", ...facets];
    const lines = [...shown.keys()].filter((i) => shown[i])
      .map((i) => [data.items[i], ...facets.map((facet) => word(facet, i))].map(cell).join(","));
    return [columns.join(","), ...lines, ""].join("\r\n");
  }

  // Names of the largest categories, each where it is most crowded, largest first.
  function labels() {
    const side = Math.max(data.width, data.height, 1) / 24, crowds = data.words.category.map(() => new Map());
    for (let i = 0; i < total; i++) {
      const cells = crowds[data.category[i]], key = Math.floor(data.y[i] / side) * 64 + Math.floor(data.x[i] / side);
      const crowd = cells.get(key) ?? { count: 0, x: 0, y: 0 };
      crowd.count++;
      crowd.x += data.x[i];
      crowd.y += data.y[i];
      cells.set(key, crowd);
    }
    const sizes = crowds.map((cells) => [...cells.values()].reduce((sum, crowd) => sum + crowd.count, 0));
    return data.words.category.map((text, at) => {
      const most = [...crowds[at].values()].reduce((a, b) => (b.count > a.count ? b : a));
      return { text, count: sizes[at], x: most.x / most.count, y: most.y / most.count };
    }).filter(({ text, count }) => text && count >= Math.max(3, total / 200)).sort((a, b) => b.count - a.count);
  }

  return { total, facets, chosen, shown, rowOf, word, describe, search, applyFilters, encircle, isEncircled: () => Boolean(inside), csv, labels };
}
