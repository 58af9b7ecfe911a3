"use strict";
// The shop's map: what it draws and where its items lead to; map-canvas.js draws and moves.

(() => {
  const canvas = document.getElementById("map"), spot = document.getElementById("spot");
  const FULL = 65535, FEW = 60; // photos in place of dots where no more than FEW are in sight

  const open = (data) => {
    const photos = new Map();
    const source = (i) => canvas.dataset.photo + "&id=" + encodeURIComponent(data.id[i]);
    const address = (i) => canvas.dataset.item + "?id=" + encodeURIComponent(data.id[i]);
    const tile = (context, i, x, y, size) => {
      if (!photos.has(i)) {
        const photo = new Image();
        photo.onload = () => map.redraw();
        photo.src = source(i);
        photos.set(i, photo);
      }
      const photo = photos.get(i), { naturalWidth: wide, naturalHeight: high } = photo;
      if (!photo.complete || !wide) return false;
      const part = size / Math.max(wide, high);
      context.fillStyle = "#f4f3f1";
      context.fillRect(x, y, size, size);
      context.drawImage(photo, x + (size - wide * part) / 2, y + (size - high * part) / 2, wide * part, high * part);
      return true;
    };
    const name = (i) => {
      canvas.classList.toggle("over", i >= 0);
      if (i === map.hovered) return;
      map.selected = map.hovered = i; // so that its photo lies above the others
      map.redrawMarks();
      if (i < 0) { spot.replaceChildren(); return; }
      const photo = new Image(), link = document.createElement("a");
      photo.src = source(i);
      photo.alt = "";
      link.href = address(i);
      link.textContent = "Open " + (data.titles[data.title[i]] || data.id[i]);
      spot.replaceChildren(photo, link);
    };
    const points = {
      x: data.x, y: data.y.map((y) => FULL - y), width: FULL, height: FULL, shown: new Uint8Array(data.x.length).fill(1),
    };
    const map = createMap(canvas, document.getElementById("marks"), points, {
      mostPhotos: FEW, photosReady: () => true, tile, colour: (i) => "#" + data.hex[i], framed: () => false,
      neighbours: () => [], key: () => false,
      hover: (i, at) => { if (at) name(i); }, // the last item stays named, so that its link can be reached
      choose: (i, pointer) => {
        if (i < 0) return;
        if (pointer === "touch") name(i); else location.href = address(i); // a finger names first
      },
    });
    const here = canvas.dataset.here ? data.id.indexOf(canvas.dataset.here) : -1;
    if (here >= 0) {
      Object.assign(map.view, { x: points.x[here], y: points.y[here], k: Math.max(1, Math.min(60, Math.sqrt(data.x.length / 25))) });
      map.redraw();
      name(here);
    }
    canvas.dataset.ready = "1";
  };

  fetch(canvas.dataset.source).then((answer) => {
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  }).then(open).catch(() => { spot.textContent = "The map is unavailable. Reload the page in a minute."; });
})();
