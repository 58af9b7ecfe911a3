// The map itself: view, drawing, hit test. World coordinates are the integers of the data, y downwards.
// Two layers: the points are drawn when the view or a filter changes, the marks also whenever the pointer moves on.
const canvas = byId("map");
const layers = [canvas.getContext("2d", { alpha: false }), byId("marks").getContext("2d")];
let ctx = layers[0];  // the layer that is being drawn on
const perSheet = data.columns ** 2;
const sheets = [];  // decoded atlases; an item's photo is a tile of sheet floor(i / perSheet)
const worldWidth = Math.max(1, data.width), worldHeight = Math.max(1, data.height);
const view = { x: worldWidth / 2, y: worldHeight / 2, k: 1 };  // world point in the canvas's middle, zoom
const zoomLimits = [0.6, 60];
// Photos replace dots from here on; a large catalogue is denser and has to be closer.
const photosFrom = Math.min(6, Math.max(1.3, Math.sqrt(total / 1500)));
const photoLevels = Math.floor(2 * Math.log2(36 / photosFrom));  // all photos are shown before the zoom's end
const photoLevel = new Uint8Array(total);  // the step of zoom at which an item's photo finds room
// A fixed shuffle: no department lies always on top, and every visit looks the same.
const order = Uint32Array.from({ length: total }, (_, i) => i)
  .sort((a, b) => (Math.imul(a, 2654435761) >>> 0) - (Math.imul(b, 2654435761) >>> 0));
let width = 1, height = 1, base = 1, ratio = 1, ink = {}, mode = "department";
let selected = -1, hovered = -1, aiming = false, levelsStale = true, pointsStale = true, frame = 0, flight = 0;

const scale = () => base * view.k;
const toScreen = (i) => [(data.x[i] - view.x) * scale() + width / 2, (data.y[i] - view.y) * scale() + height / 2];
const dotRadius = () => Math.min(7, Math.min(5, Math.max(1.4, 0.22 * Math.sqrt(width * height / total))) * view.k ** 0.35);
const photoSize = (k = view.k) => Math.min(80, 36 * Math.max(1, k / photosFrom) ** 0.3);  // px
const levelZoom = (level) => photosFrom * 2 ** (level / 2);
const photosOn = () => view.k >= photosFrom && sheets.some(Boolean);
const currentLevel = () => Math.floor(2 * Math.log2(view.k / photosFrom) + 1e-9);
const colourOf = (i) => (mode === "department" ? data.departmentColours[data.department[i]] : data.garment[i]);
const isMarked = (i) => selected >= 0 && (i === selected || neighboursOf(selected).includes(i));

// Photos must not hide each other: each step of zoom adds, in the fixed order, those that still find room,
// and none that was shown is taken away. At the last step all are shown.
function placePhotos() {
  photoLevel.fill(photoLevels);
  for (let level = 0; level < photoLevels; level++) {
    const side = photoSize(levelZoom(level)) * 1.06 / (base * levelZoom(level));  // world units
    const columns = Math.ceil(worldWidth / side) + 3, rows = Math.ceil(worldHeight / side) + 3;
    const grid = new Int32Array(columns * rows).fill(-1);  // a cell holds one photo at most
    const cell = (i) => (Math.floor(data.y[i] / side) + 1) * columns + Math.floor(data.x[i] / side) + 1;
    for (const i of order) if (photoLevel[i] < level) grid[cell(i)] = i;
    for (const i of order) {
      if (!shown[i] || photoLevel[i] < level) continue;
      const middle = cell(i);
      let free = true;
      for (let dy = -1; dy <= 1 && free; dy++) {
        for (let dx = -1; dx <= 1 && free; dx++) {
          const j = grid[middle + dy * columns + dx];
          free = j < 0 || Math.abs(data.x[i] - data.x[j]) >= side || Math.abs(data.y[i] - data.y[j]) >= side;
        }
      }
      if (free) { photoLevel[i] = level; grid[middle] = i; }
    }
  }
  levelsStale = false;
}

function drawTile(context, i, x, y, size) {
  const sheet = sheets[Math.floor(i / perSheet)];
  if (!sheet) return false;
  const tile = i % perSheet, edge = data.edge;
  context.drawImage(sheet, (tile % data.columns) * edge, Math.floor(tile / data.columns) * edge, edge, edge, x, y, size, size);
  return true;
}

function disc(x, y, radius) { ctx.moveTo(x + radius, y); ctx.arc(x, y, radius, 0, 2 * Math.PI); }

function drawDot(i, x, y, radius) {
  ctx.fillStyle = colourOf(i);
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
  const drawn = drawTile(ctx, i, left, top, size);
  ctx.restore();
  if (!drawn) return drawDot(i, x, y, dotRadius());
  ctx.beginPath();
  ctx.roundRect(left, top, size, size, corner);
  ctx.strokeStyle = mode === "department" ? colourOf(i) : ink.edge;
  ctx.lineWidth = mode === "department" ? 2 : 1;
  ctx.stroke();
}

function drawPoints() {
  const radius = dotRadius(), photos = photosOn(), level = currentLevel(), size = photoSize(), pad = size;
  const s = scale(), left = width / 2 - view.x * s, top = height / 2 - view.y * s;
  const later = [];
  ctx.fillStyle = ink.faint;
  ctx.beginPath();
  for (let i = 0; i < total; i++) {
    if (!shown[i]) disc(data.x[i] * s + left, data.y[i] * s + top, radius * 0.7);
  }
  ctx.fill();
  ctx.strokeStyle = ink.edge;
  ctx.lineWidth = Math.min(0.8, 0.2 * radius);
  for (const i of order) {
    const x = data.x[i] * s + left, y = data.y[i] * s + top;
    if (!shown[i] || x < -pad || y < -pad || x > width + pad || y > height + pad) continue;
    if (photos && photoLevel[i] <= level) later.push(i); else drawDot(i, x, y, radius);
  }
  for (const i of later) drawPhoto(i, ...toScreen(i), size);
  canvas.dataset.photos = later.length;
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
  const near = neighboursOf(selected), [x, y] = toScreen(selected);
  for (const [thickness, colour] of [[4, ink.map], [1.4, ink.ink]]) {
    ctx.beginPath();
    for (const j of near) { ctx.moveTo(x, y); ctx.lineTo(...toScreen(j)); }
    ctx.lineWidth = thickness;
    ctx.strokeStyle = colour;
    ctx.stroke();
  }
  for (const i of [...near].reverse().concat(selected)) {
    if (photosOn()) drawPhoto(i, ...toScreen(i), photoSize());
    else { ctx.strokeStyle = ink.edge; ctx.lineWidth = 0.6; drawDot(i, ...toScreen(i), dotRadius() + 1); }
    outline(i, i === selected ? 5.5 : 4, ink.map);
    outline(i, i === selected ? 3.5 : 2, ink.ink);
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
  if (selected >= 0) drawChoice();
  if (hovered >= 0 && hovered !== selected) { outline(hovered, 4, ink.map); outline(hovered, 2.2, ink.ink); }
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

function draw() {
  frame = 0;
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
  const style = getComputedStyle(document.documentElement);
  ink = Object.fromEntries(["map", "ink", "faint", "edge", "sans"].map((name) => [name, style.getPropertyValue("--" + name).trim()]));
  redraw();
}
