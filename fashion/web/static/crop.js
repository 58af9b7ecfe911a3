"use strict";
// A part of the visitor's photo, drawn on it or given by its edges; shop.js sends no more than that. Shares of width and
// height lie in the form's `crop`.

(() => {
  const form = document.querySelector("form[data-drop]"), field = form.querySelector(".crop"), canvas = field.querySelector("canvas");
  const input = form.querySelector("#photo"), edges = [...field.querySelectorAll("[data-edge]")];
  const WHOLE = { left: 0, top: 0, right: 1, bottom: 1 }, LEAST = 0.05, MOST = 720; // pixels of the preview's longer side
  let photo = null, begun = null;

  const draw = () => {
    const context = canvas.getContext("2d"), { width, height } = canvas, { left, top, right, bottom } = form.crop;
    context.drawImage(photo, 0, 0, width, height);
    context.fillStyle = "rgb(0 0 0 / .6)";
    context.fillRect(0, 0, width, height);
    const [x, y, across, down] = [left * width, top * height, (right - left) * width, (bottom - top) * height];
    context.drawImage(photo, left * photo.width, top * photo.height, (right - left) * photo.width, (bottom - top) * photo.height, x, y, across, down);
    context.strokeStyle = "#fff";
    context.lineWidth = 3;
    context.strokeRect(x, y, across, down);
  };
  const limit = (value) => Math.min(1, Math.max(0, value));
  const set = (part) => {
    form.crop = part;
    for (const edge of edges) edge.value = Math.round(100 * part[edge.dataset.edge]);
    draw();
  };
  const open = async () => {
    photo = null;
    form.crop = null;
    field.hidden = true;
    const file = input.files[0];
    if (!file) return;
    try { photo = await createImageBitmap(file, { imageOrientation: "from-image" }); } catch { return; } // not for this browser
    const scale = MOST / Math.max(photo.width, photo.height); // a small photo is shown larger, to be drawn on
    canvas.width = Math.max(1, Math.round(photo.width * scale));
    canvas.height = Math.max(1, Math.round(photo.height * scale));
    field.hidden = false;
    set(WHOLE);
  };
  input.addEventListener("change", open);
  if (input.files.length) open(); // come back to

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [limit((event.clientX - box.left) / box.width), limit((event.clientY - box.top) / box.height)];
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); begun = place(event); });
  canvas.addEventListener("pointermove", (event) => {
    if (!begun) return;
    const [x, y] = place(event), part = {
      left: Math.min(x, begun[0]), top: Math.min(y, begun[1]), right: Math.max(x, begun[0]), bottom: Math.max(y, begun[1]),
    };
    if (part.right - part.left >= LEAST && part.bottom - part.top >= LEAST) set(part);
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => { begun = null; });
  field.addEventListener("change", () => {
    const part = Object.fromEntries(edges.map((edge) => [edge.dataset.edge, limit(Number(edge.value) / 100)]));
    if (part.right - part.left >= LEAST && part.bottom - part.top >= LEAST) { form.crop = part; draw(); } else set(form.crop);
  });
  field.querySelector("button").addEventListener("click", () => set(WHOLE));

  // The photo of the results is cut from the copy that this tab has; nothing is asked for again.
  const mine = document.getElementById("mine"), again = document.getElementById("part");
  if (!mine) return;
  const offer = () => { again.hidden = mine.hidden || !mine.naturalWidth; };
  mine.addEventListener("load", offer);
  offer();
  again.addEventListener("click", () => {
    const copy = Object.assign(document.createElement("canvas"), { width: mine.naturalWidth, height: mine.naturalHeight });
    copy.getContext("2d").drawImage(mine, 0, 0);
    copy.toBlob(async (blob) => {
      const held = new DataTransfer();
      held.items.add(new File([blob], "photo.jpg", { type: "image/jpeg" }));
      input.files = held.files;
      await open();
      field.scrollIntoView({ block: "center" });
      edges[0].focus({ preventScroll: true });
    }, "image/jpeg", 0.95);
  });
})();
