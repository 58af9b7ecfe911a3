// A map of items: drawing, moving, and what lies under the pointer; for the report's map page and the shop's.
// World coordinates are integers, y downwards. Two layers: the points are drawn when the view or a filter changes, the
// marks also whenever the pointer moves on.
//
// canvas, marks: the two layers; colours and the font are custom properties of the canvas.
// points: x and y of each item, width and height of their world, and shown, 1 for what passes the filters.
// page:
//   mostPhotos                     photos replace dots where no more items are in sight, once photosReady()
//   photosFrom                     the zoom from which they do; if left out, closer for a larger catalogue
//   tile(context, i, x, y, size)   draws an item's photo, false where there is none yet
//   colour(i), framed()            an item's dot, and whether its photo has a border of that colour
//   neighbours(i)                  items that are ringed with the selected one, nearest first
//   hover(i, at)                   the item under the pointer, -1 for none; no `at` where the pointer has gone
//   choose(i, pointer)             an item is clicked, tapped ("touch") or, by Enter, taken with the keyboard
//   key(name)                      true where the page has a use of its own for a key
//   labels                         text, x, y: names that are written where they find room, the first ones first
//   gentle                         one finger scrolls the page, two move the map
//   moved()                        the view was changed by hand
function createMap(canvas, marks, points, page) {
  "use strict";
  const layers = [canvas.getContext("2d", { alpha: false }), marks.getContext("2d")];
  let ctx = layers[0];  // the layer that is being drawn on
  const { x: xs, y: ys, shown } = points, total = xs.length;
  const worldWidth = Math.max(1, points.width), worldHeight = Math.max(1, points.height);
  const view = { x: worldWidth / 2, y: worldHeight / 2, k: 1 };  // world point in the canvas's middle, zoom
  const map = { view, selected: -1, hovered: -1, labelled: true };
  const zoomLimits = [0.6, 60];
  const photosFrom = page.photosFrom ?? Math.min(6, Math.max(1.3, Math.sqrt(total / 1500)));
  const photoLevels = Math.floor(2 * Math.log2(36 / photosFrom));  // all photos are shown before the zoom's end
  const photoLevel = new Uint8Array(total);  // the step of zoom at which an item's photo finds room
  // A fixed shuffle: no department lies always on top, and every visit looks the same.
  const order = Uint32Array.from({ length: total }, (_, i) => i)
    .sort((a, b) => (Math.imul(a, 2654435761) >>> 0) - (Math.imul(b, 2654435761) >>> 0));
  let width = 1, height = 1, base = 1, ratio = 1, ink = {}, crowd = total;
  let outlined = null, encircled = null;  // the lasso's points so far, and who is told of them at its end
  let aiming = false, levelsStale = true, pointsStale = true, frame = 0, flight = 0;

  const scale = () => base * view.k;
  const toScreen = (i) => [(xs[i] - view.x) * scale() + width / 2, (ys[i] - view.y) * scale() + height / 2];
  const dotRadius = () => Math.min(7, Math.min(5, Math.max(1.4, 0.22 * Math.sqrt(width * height / total))) * view.k ** 0.35);
  const photoSize = (k = view.k) => Math.min(80, 36 * Math.max(1, k / photosFrom) ** 0.3);  // px
  const levelZoom = (level) => photosFrom * 2 ** (level / 2);
  const photosOn = () => view.k >= photosFrom && crowd <= page.mostPhotos && page.photosReady();
  const currentLevel = () => Math.floor(2 * Math.log2(view.k / photosFrom) + 1e-9);
  const isMarked = (i) => map.selected >= 0 && (i === map.selected || page.neighbours(map.selected).includes(i));

  // Photos must not hide each other: each step of zoom adds, in the fixed order, those that still find room,
  // and none that was shown is taken away. At the last step all are shown.
  function placePhotos() {
    photoLevel.fill(photoLevels);
    for (let level = 0; level < photoLevels; level++) {
      const side = photoSize(levelZoom(level)) * 1.06 / (base * levelZoom(level));  // world units
      const columns = Math.ceil(worldWidth / side) + 3, rows = Math.ceil(worldHeight / side) + 3;
      const grid = new Int32Array(columns * rows).fill(-1);  // a cell holds one photo at most
      const cell = (i) => (Math.floor(ys[i] / side) + 1) * columns + Math.floor(xs[i] / side) + 1;
      for (const i of order) if (photoLevel[i] < level) grid[cell(i)] = i;
      for (const i of order) {
        if (!shown[i] || photoLevel[i] < level) continue;
        const middle = cell(i);
        let free = true;
        for (let dy = -1; dy <= 1 && free; dy++) {
          for (let dx = -1; dx <= 1 && free; dx++) {
            const j = grid[middle + dy * columns + dx];
            free = j < 0 || Math.abs(xs[i] - xs[j]) >= side || Math.abs(ys[i] - ys[j]) >= side;
          }
        }
        if (free) { photoLevel[i] = level; grid[middle] = i; }
      }
    }
    levelsStale = false;
  }

  function disc(x, y, radius) { ctx.moveTo(x + radius, y); ctx.arc(x, y, radius, 0, 2 * Math.PI); }

  function drawDot(i, x, y, radius) {
    ctx.fillStyle = page.colour(i);
    ctx.beginPath();
    disc(x, y, radius);
    ctx.fill();
    ctx.stroke();
  }

  function drawPhoto(i, x, y, size) {
    const corner = size * 0.09, left = x - size / 2, top = y - size / 2;
    ctx.save();
    ctx.beginPath();
    ctx.roundRect(left, top, size, size, corner);
    ctx.clip();
    const drawn = page.tile(ctx, i, left, top, size);
    ctx.restore();
    if (!drawn) return drawDot(i, x, y, dotRadius());
    ctx.beginPath();
    ctx.roundRect(left, top, size, size, corner);
    ctx.strokeStyle = page.framed() ? page.colour(i) : ink.edge;
    ctx.lineWidth = page.framed() ? 2 : 1;
    ctx.stroke();
  }

  function drawPoints() {
    const radius = dotRadius(), photos = photosOn(), level = currentLevel(), size = photoSize(), pad = size;
    const s = scale(), left = width / 2 - view.x * s, top = height / 2 - view.y * s;
    const later = [];
    ctx.fillStyle = ink.faint;
    ctx.beginPath();
    for (let i = 0; i < total; i++) {
      if (!shown[i]) disc(xs[i] * s + left, ys[i] * s + top, radius * 0.7);
    }
    ctx.fill();
    ctx.strokeStyle = ink.edge;
    ctx.lineWidth = Math.min(0.8, 0.2 * radius);
    for (const i of order) {
      const x = xs[i] * s + left, y = ys[i] * s + top;
      if (!shown[i] || x < -pad || y < -pad || x > width + pad || y > height + pad) continue;
      if (photos && photoLevel[i] <= level) later.push(i); else drawDot(i, x, y, radius);
    }
    for (const i of later) drawPhoto(i, ...toScreen(i), size);
    drawLabels();
    canvas.dataset.photos = later.length;
  }

  // Names lie on a halo, and none over another; seen closely, the photos speak for themselves.
  function drawLabels() {
    if (!map.labelled || view.k > 5) return;
    ctx.font = "600 12.5px " + ink.sans;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineJoin = "round";
    const taken = [];
    for (const { text, x, y } of page.labels ?? []) {
      const half = ctx.measureText(text).width / 2 + 6, s = scale();
      const left = Math.min(width - half, Math.max(half, (x - view.x) * s + width / 2)), top = (y - view.y) * s + height / 2;
      if (Math.abs(left - (x - view.x) * s - width / 2) > half || top < 12 || top > height - 12) continue;
      if (taken.some(([tx, ty, th]) => Math.abs(tx - left) < th + half && Math.abs(ty - top) < 20)) continue;
      taken.push([left, top, half]);
      ctx.lineWidth = 4;
      ctx.strokeStyle = ink.map;
      ctx.strokeText(text, left, top);
      ctx.fillStyle = ink.ink;
      ctx.fillText(text, left, top);
    }
    canvas.dataset.labels = taken.length;
  }

  function drawLasso() {
    if (!outlined) return;
    ctx.beginPath();
    for (const { x, y } of outlined) ctx.lineTo(x, y);
    ctx.lineWidth = 2;
    ctx.strokeStyle = ink.ink;
    ctx.setLineDash([6, 4]);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  function outline(i, thickness, colour) {
    const [x, y] = toScreen(i), size = photoSize();
    const asPhoto = photosOn() && (isMarked(i) || (shown[i] && photoLevel[i] <= currentLevel()));
    ctx.beginPath();
    if (asPhoto) ctx.roundRect(x - size / 2 - 2, y - size / 2 - 2, size + 4, size + 4, size * 0.09 + 2);
    else disc(x, y, dotRadius() + 3);
    ctx.lineWidth = thickness;
    ctx.strokeStyle = colour;
    ctx.stroke();
  }

  // Lines from the chosen item to its nearest, each ringed and numbered by rank.
  function drawChoice() {
    const near = page.neighbours(map.selected), [x, y] = toScreen(map.selected);
    for (const [thickness, colour] of [[4, ink.map], [1.4, ink.ink]]) {
      ctx.beginPath();
      for (const j of near) { ctx.moveTo(x, y); ctx.lineTo(...toScreen(j)); }
      ctx.lineWidth = thickness;
      ctx.strokeStyle = colour;
      ctx.stroke();
    }
    for (const i of [...near].reverse().concat(map.selected)) {
      if (photosOn()) drawPhoto(i, ...toScreen(i), photoSize());
      else { ctx.strokeStyle = ink.edge; ctx.lineWidth = 0.6; drawDot(i, ...toScreen(i), dotRadius() + 1); }
      outline(i, i === map.selected ? 5.5 : 4, ink.map);
      outline(i, i === map.selected ? 3.5 : 2, ink.ink);
    }
    ctx.font = "600 11px " + ink.sans;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    const away = photosOn() ? photoSize() / 2 : dotRadius() * 0.7 + 10;
    const taken = [[x, y]];
    near.forEach((j, rank) => {
      const [jx, jy] = toScreen(j), length = Math.hypot(jx - x, jy - y) || 1;
      // On dots the number stands beyond the ring, on the line's far side, where it hides nothing.
      const nx = photosOn() ? jx + away : jx + (jx - x) / length * away;
      const ny = photosOn() ? jy - away : jy + (jy - y) / length * away;
      if (taken.some(([tx, ty]) => Math.hypot(nx - tx, ny - ty) < 16)) return;  // no room before one zooms in
      taken.push([nx, ny]);
      ctx.fillStyle = ink.ink;
      ctx.beginPath();
      disc(nx, ny, 8);
      ctx.fill();
      ctx.fillStyle = ink.map;
      ctx.fillText(rank + 1, nx, ny + 0.5);
    });
  }

  function onLayer(index) {
    ctx = layers[index];
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.imageSmoothingQuality = "high";
    ctx.clearRect(0, 0, width, height);
  }

  function drawMarks() {
    if (map.selected >= 0) drawChoice();
    if (map.hovered >= 0 && map.hovered !== map.selected) {
      outline(map.hovered, 4, ink.map);
      outline(map.hovered, 2.2, ink.ink);
    }
    drawLasso();
    if (aiming) {
      ctx.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        ctx.moveTo(width / 2 + 6 * dx, height / 2 + 6 * dy);
        ctx.lineTo(width / 2 + 15 * dx, height / 2 + 15 * dy);
      }
      ctx.lineWidth = 1.5;
      ctx.strokeStyle = ink.ink;
      ctx.stroke();
    }
  }

  function inSight() {
    const s = scale(), across = width / 2 / s, down = height / 2 / s;
    let count = 0;
    for (let i = 0; i < total; i++) count += shown[i] && Math.abs(xs[i] - view.x) <= across && Math.abs(ys[i] - view.y) <= down;
    return count;
  }

  function draw() {
    frame = 0;
    if (pointsStale) crowd = inSight();
    if (levelsStale && photosOn()) placePhotos();
    if (pointsStale) {
      onLayer(0);
      ctx.fillStyle = ink.map;
      ctx.fillRect(0, 0, width, height);
      drawPoints();
      pointsStale = false;
    }
    onLayer(1);
    drawMarks();
    canvas.dataset.zoom = view.k.toFixed(3);
    canvas.dataset.frame ??= Math.round(performance.now());  // ms from opening the page to its first frame
  }

  function redrawMarks() { frame ||= requestAnimationFrame(draw); }
  function redraw() { pointsStale = true; redrawMarks(); }
  function refilter() { levelsStale = true; redraw(); }

  // The item under a point of the canvas, -1 if none: photos first, else the nearest dot within reach px.
  function itemAt(x, y, reach) {
    const half = photoSize() / 2, photos = photosOn(), level = currentLevel();
    let best = -1, least = Infinity;
    for (let i = 0; i < total; i++) {
      const marked = isMarked(i);
      if (!shown[i] && !marked) continue;
      const [ix, iy] = toScreen(i), across = Math.abs(ix - x), down = Math.abs(iy - y);
      const asPhoto = photos && (marked || photoLevel[i] <= level);
      if (asPhoto ? Math.max(across, down) > half : Math.hypot(across, down) > Math.max(reach, dotRadius() + 3)) continue;
      const distance = Math.hypot(across, down) - (asPhoto ? 1e4 : 0) - (asPhoto && marked ? 1e4 : 0);
      if (distance < least) { least = distance; best = i; }
    }
    return best;
  }

  function resize() {
    const before = base;
    ({ clientWidth: width, clientHeight: height } = canvas);
    ratio = Math.min(3, window.devicePixelRatio || 1);
    for (const layer of layers) {
      layer.canvas.width = Math.round(width * ratio);
      layer.canvas.height = Math.round(height * ratio);
    }
    const margin = Math.min(56, width * 0.06);
    base = Math.min((width - 2 * margin) / worldWidth, (height - 2 * margin) / worldHeight);
    if (before !== base) levelsStale = true;
    pointsStale = true;
    draw();  // at once: a canvas is blank after a change of its size
  }

  function readInk() {
    const style = getComputedStyle(canvas);
    ink = Object.fromEntries(["map", "ink", "faint", "edge", "sans"].map((name) => [name, style.getPropertyValue("--" + name).trim()]));
    redraw();
  }

  // --- moving about: pointer, wheel, pinch, keys and flights from one view to another ---
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const pointers = new Map();
  let pressed = null, travelled = 0;

  function limitView() {
    view.k = Math.min(zoomLimits[1], Math.max(zoomLimits[0], view.k));
    view.x = Math.min(worldWidth, Math.max(0, view.x));
    view.y = Math.min(worldHeight, Math.max(0, view.y));
  }

  function moved() {
    cancelAnimationFrame(flight);
    limitView();
    page.moved?.();
    redraw();
  }

  function panBy(dx, dy) { view.x -= dx / scale(); view.y -= dy / scale(); moved(); }

  // The world point under (x, y) stays there.
  function zoomAt(factor, x = width / 2, y = height / 2) {
    const before = scale();
    view.k = Math.min(zoomLimits[1], Math.max(zoomLimits[0], view.k * factor));
    view.x += (x - width / 2) * (1 / before - 1 / scale());
    view.y += (y - height / 2) * (1 / before - 1 / scale());
    moved();
  }

  function flyTo(goal, duration = 380) {
    cancelAnimationFrame(flight);
    const from = { ...view }, start = performance.now();
    const step = (now) => {
      const part = calm.matches ? 1 : Math.min(1, Math.max(0, (now - start) / duration)), ease = 1 - (1 - part) ** 3;
      view.k = from.k * (goal.k / from.k) ** ease;
      view.x = from.x + (goal.x - from.x) * ease;
      view.y = from.y + (goal.y - from.y) * ease;
      limitView();
      redraw();
      if (part < 1) flight = requestAnimationFrame(step);
    };
    flight = requestAnimationFrame(step);
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  const toWorld = ({ x, y }) => [view.x + (x - width / 2) / scale(), view.y + (y - height / 2) / scale()];
  function lasso(told) {
    encircled = told;
    outlined = null;
    canvas.classList.toggle("lasso", Boolean(told));
    redrawMarks();
  }
  function endLasso() {
    const told = encircled, points = outlined;
    lasso(null);
    told(points.length > 2 ? points.map(toWorld) : null);
  }

  if (page.gentle) {
    for (const kind of ["touchstart", "touchmove"]) {
      canvas.addEventListener(kind, (event) => { if (event.touches.length > 1 && event.cancelable) event.preventDefault(); }, { passive: false });
    }
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    if (pointers.size === 1) { pressed = place(event); travelled = 0; } else travelled = Infinity;
    setAim(false);
    if (encircled) outlined = [place(event)];
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = place(event), before = pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") page.hover(itemAt(now.x, now.y, 8), now);
      return;
    }
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    if (outlined) { outlined.push(now); redrawMarks(); return; }
    travelled = Math.max(travelled, Math.hypot(now.x - pressed.x, now.y - pressed.y));
    if (travelled < 5 || (page.gentle && event.pointerType === "touch" && !other)) return;
    page.hover(-1);
    canvas.classList.add("drag");
    if (!other) return panBy(now.x - before.x, now.y - before.y);
    const spread = (point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    panBy((now.x - before.x) / 2, (now.y - before.y) / 2);
    zoomAt(spread(now) / spread(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, (event) => {
      const down = pointers.delete(event.pointerId);
      canvas.classList.remove("drag");
      if (outlined) return endLasso();
      if (!down || kind === "pointercancel" || travelled >= 5) return;
      const { x, y } = place(event), touch = event.pointerType === "touch";
      page.hover(-1);
      page.choose(itemAt(x, y, touch ? 18 : 8), event.pointerType);
    });
  }
  canvas.addEventListener("pointerleave", () => page.hover(-1));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 24 : 1), { x, y } = place(event);
    zoomAt(Math.exp(-Math.max(-240, Math.min(240, pixels)) * (event.ctrlKey ? 0.01 : 0.0022)), x, y);
    page.hover(itemAt(x, y, 8), { x, y });
  }, { passive: false });

  // With the keyboard the map's middle is the pointer.
  function setAim(on) {
    if (aiming === on) return;
    aiming = on;
    redrawMarks();
  }
  function aim() {
    setAim(true);
    page.hover(itemAt(width / 2, height / 2, 40), { x: width / 2, y: height / 2 });
  }
  const keys = {
    ArrowLeft: () => { panBy(60, 0); aim(); },
    ArrowRight: () => { panBy(-60, 0); aim(); },
    ArrowUp: () => { panBy(0, 60); aim(); },
    ArrowDown: () => { panBy(0, -60); aim(); },
    "+": () => { zoomAt(1.4); aim(); },
    "=": () => { zoomAt(1.4); aim(); },
    "-": () => { zoomAt(1 / 1.4); aim(); },
    Enter: () => { if (map.hovered >= 0) page.choose(map.hovered, "keyboard"); },
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!page.key(event.key)) {
      if (!keys[event.key]) return;
      keys[event.key]();
    }
    event.preventDefault();
  });
  canvas.addEventListener("blur", () => { if (aiming) { setAim(false); page.hover(-1); } });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", readInk);
  readInk();
  new ResizeObserver(resize).observe(canvas);
  resize();
  return Object.assign(map, { toScreen, scale, redraw, redrawMarks, refilter, zoomAt, flyTo, lasso });
}
