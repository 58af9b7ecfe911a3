"use strict";
// The map: dots on a canvas, moved and scaled; the nearest dot to the pointer, or to the middle, is named.

const canvas = document.getElementById("map"), spot = document.getElementById("spot"), pen = canvas.getContext("2d");
const FULL = 65535, FEW = 60; // photos in place of dots where no more than FEW are in sight
let data = null, view = { x: FULL / 2, y: FULL / 2, scale: 1 }, active = -1, drawn = false;

const fit = () => {
  const ratio = devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = canvas.clientHeight * ratio;
};
const unit = () => view.scale * Math.min(canvas.width, canvas.height) * 0.94 / FULL;
const across = (x) => canvas.width / 2 + (x - view.x) * unit();
const down = (y) => canvas.height / 2 - (y - view.y) * unit();

const photos = new Map();
const source = (i) => canvas.dataset.photo + "&id=" + encodeURIComponent(data.id[i]);
const picture = (i) => {
  if (!photos.has(i)) {
    const photo = new Image();
    photo.onload = draw;
    photo.src = source(i);
    photos.set(i, photo);
  }
  return photos.get(i);
};

const draw = () => {
  if (drawn) return;
  drawn = true;
  requestAnimationFrame(() => {
    drawn = false;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (!data) return;
    const ratio = devicePixelRatio || 1, sparse = Math.sqrt(Math.sqrt(60000 / data.x.length));
    let size = Math.max(2 * ratio, Math.min(14 * ratio, 1.6 * sparse * Math.sqrt(view.scale) * ratio));
    const sight = [];
    for (let i = 0; i < data.x.length; i++) {
      const x = across(data.x[i]), y = down(data.y[i]);
      if (x < -9 || y < -9 || x > canvas.width + 9 || y > canvas.height + 9) continue;
      sight.push(i);
      pen.fillStyle = data.fill[i];
      pen.fillRect(x - size / 2, y - size / 2, size, size);
    }
    if (sight.length <= FEW) {
      size = 52 * ratio;
      if (sight.includes(active)) sight.push(active); // above the others
      for (const i of sight) {
        const photo = picture(i);
        if (photo.complete && photo.naturalWidth) pen.drawImage(photo, across(data.x[i]) - size / 2, down(data.y[i]) - size / 2, size, size * photo.naturalHeight / photo.naturalWidth);
      }
      size *= 1.5; // the ring goes around the corners
    }
    if (active >= 0) {
      pen.lineWidth = 3 * (devicePixelRatio || 1);
      pen.strokeStyle = getComputedStyle(canvas).color;
      pen.beginPath();
      pen.arc(across(data.x[active]), down(data.y[active]), size / 2 + 5 * ratio, 0, 7);
      pen.stroke();
    }
  });
};

const nearest = (px, py) => {
  let best = -1, least = (26 * (devicePixelRatio || 1)) ** 2;
  for (let i = 0; i < data.x.length; i++) {
    const dx = across(data.x[i]) - px, dy = down(data.y[i]) - py, far = dx * dx + dy * dy;
    if (far < least) { least = far; best = i; }
  }
  return best;
};
const address = (i) => canvas.dataset.item + "?id=" + encodeURIComponent(data.id[i]);
const title = (i) => data.titles[data.title[i]] || data.id[i];
const name = (i) => {
  if (i === active) return;
  active = i;
  draw();
  if (i < 0) { spot.replaceChildren(); return; }
  const photo = new Image(), link = document.createElement("a");
  photo.src = source(i);
  photo.alt = "";
  link.href = address(i);
  link.textContent = "Open " + title(i);
  spot.replaceChildren(photo, link);
};
const point = (event) => {
  const box = canvas.getBoundingClientRect(), ratio = devicePixelRatio || 1;
  return [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
};
const zoom = (factor, px = canvas.width / 2, py = canvas.height / 2) => {
  const before = unit(), scale = Math.max(0.8, Math.min(200, view.scale * factor));
  const x = view.x + (px - canvas.width / 2) / before, y = view.y - (py - canvas.height / 2) / before;
  view.scale = scale;
  view.x = x - (px - canvas.width / 2) / unit();
  view.y = y + (py - canvas.height / 2) / unit();
  draw();
};

const held = new Map();
let moved = 0, apart = 0;
canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); held.set(event.pointerId, point(event)); moved = 0; });
canvas.addEventListener("pointermove", (event) => {
  if (!data) return;
  const now = point(event), before = held.get(event.pointerId);
  if (!before) { name(nearest(...now)); return; }
  held.set(event.pointerId, now);
  moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
  if (held.size === 2) {
    const [a, b] = [...held.values()], distance = Math.hypot(a[0] - b[0], a[1] - b[1]);
    if (apart) zoom(distance / apart, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
    apart = distance;
    return;
  }
  view.x -= (now[0] - before[0]) / unit();
  view.y += (now[1] - before[1]) / unit();
  draw();
});
const release = (event) => {
  const place = held.get(event.pointerId);
  held.delete(event.pointerId);
  apart = 0;
  if (!place || !data || moved > 8 || event.type !== "pointerup") return;
  const hit = nearest(...place);
  if (hit < 0) return;
  if (event.pointerType === "mouse") location.href = address(hit); else name(hit); // a finger names first
};
canvas.addEventListener("pointerup", release);
canvas.addEventListener("pointercancel", release);
canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoom(Math.exp(-event.deltaY / 400), ...point(event)); }, { passive: false });
canvas.addEventListener("keydown", (event) => {
  if (!data) return;
  const step = canvas.width / 8 / unit();
  const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
  if (ways[event.key]) { view.x += ways[event.key][0]; view.y += ways[event.key][1]; }
  else if (event.key === "+" || event.key === "=") zoom(1.4);
  else if (event.key === "-") zoom(1 / 1.4);
  else if (event.key === "Enter" && active >= 0) location.href = address(active);
  else return;
  event.preventDefault();
  draw();
  name(nearest(canvas.width / 2, canvas.height / 2));
});
new ResizeObserver(() => { fit(); draw(); }).observe(canvas);

fetch(canvas.dataset.source).then((answer) => {
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}).then((found) => {
  data = found;
  data.fill = data.hex.map((hex) => "#" + hex);
  const here = canvas.dataset.here ? data.id.indexOf(canvas.dataset.here) : -1;
  if (here >= 0) { view = { x: data.x[here], y: data.y[here], scale: Math.max(1, Math.min(60, Math.sqrt(data.x.length / 25))) }; name(here); }
  canvas.dataset.ready = "1";
  draw();
}).catch(() => { spot.textContent = "The map cannot be had just now. Load the page again in a minute."; });
