// Moving about: pointer, wheel, pinch, keys and flights from one view to another.
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
  document.body.classList.add("moved");
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

// Brings an item into the part of the map that the panel leaves free, unless it is there already.
function bringIntoView(i) {
  const panel = byId("panel"), below = panel.offsetWidth === width;
  const right = width - (below ? 0 : panel.offsetWidth + 20), bottom = height - (below ? panel.offsetHeight : 0);
  const [x, y] = toScreen(i);
  if (x > 40 && x < right - 30 && y > 30 && y < bottom - 30) return;
  flyTo({
    k: view.k,
    x: data.x[i] - (right / 2 - width / 2) / scale(),
    y: data.y[i] - (bottom / 2 - height / 2) / scale(),
  });
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, place(event));
  if (pointers.size === 1) { pressed = place(event); travelled = 0; } else travelled = Infinity;
  setAim(false);
});
canvas.addEventListener("pointermove", (event) => {
  const now = place(event), before = pointers.get(event.pointerId);
  if (!before) {
    if (event.pointerType !== "touch") setHovered(itemAt(now.x, now.y, 8), now);
    return;
  }
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  pointers.set(event.pointerId, now);
  travelled = Math.max(travelled, Math.hypot(now.x - pressed.x, now.y - pressed.y));
  if (travelled < 5) return;
  setHovered(-1);
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
    if (!down || kind === "pointercancel" || travelled >= 5) return;
    const { x, y } = place(event), touch = event.pointerType === "touch";
    setHovered(-1);
    choose(itemAt(x, y, touch ? 18 : 8));
  });
}
canvas.addEventListener("pointerleave", () => setHovered(-1));
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const pixels = event.deltaY * (event.deltaMode === 1 ? 24 : 1), { x, y } = place(event);
  zoomAt(Math.exp(-Math.max(-240, Math.min(240, pixels)) * (event.ctrlKey ? 0.01 : 0.0022)), x, y);
  setHovered(itemAt(x, y, 8), { x, y });
}, { passive: false });

// With the keyboard the map's middle is the pointer.
function setAim(on) {
  if (aiming === on) return;
  aiming = on;
  redrawMarks();
}
function aim() {
  setAim(true);
  setHovered(itemAt(width / 2, height / 2, 40), { x: width / 2, y: height / 2 });
}
const keys = {
  ArrowLeft: () => { panBy(60, 0); aim(); },
  ArrowRight: () => { panBy(-60, 0); aim(); },
  ArrowUp: () => { panBy(0, 60); aim(); },
  ArrowDown: () => { panBy(0, -60); aim(); },
  "+": () => { zoomAt(1.4); aim(); },
  "=": () => { zoomAt(1.4); aim(); },
  "-": () => { zoomAt(1 / 1.4); aim(); },
  0: () => resetAll(),
  Enter: () => { if (hovered >= 0) choose(hovered); },
};
canvas.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const rank = Number(event.key);
  if (selected >= 0 && rank >= 1 && rank <= data.nearest) choose(neighboursOf(selected)[rank - 1]);
  else if (keys[event.key]) keys[event.key]();
  else return;
  event.preventDefault();
});
canvas.addEventListener("blur", () => { if (aiming) { setAim(false); setHovered(-1); } });
