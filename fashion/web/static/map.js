"use strict";
// The shop's map: its photos and nearest items are asked of the shop; the rest is the report's map.

(() => {
  const canvas = document.getElementById("map"), explorer = document.getElementById("explorer"), status = document.getElementById("unavailable");
  const MOST = 60; // photos in place of dots where no more are in sight: each is a file

  const open = (data) => {
    const photos = new Map();
    const tile = (context, i, x, y, size) => {
      if (!photos.has(i)) {
        const photo = new Image();
        photo.onload = () => page.painted();
        photo.src = canvas.dataset.photo + "&id=" + encodeURIComponent(data.items[i]);
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
    const rows = new Map(data.items.map((item, i) => [item, i]));
    const nearest = async (i, looks) => {
      const address = new URL(canvas.dataset.nearest_by, location.href);
      address.searchParams.set("id", data.items[i]);
      if (looks) address.searchParams.set("looks_weight", "1");
      const answer = await fetch(address);
      if (!answer.ok) throw new Error(answer.status);
      return (await answer.json()).items.map((one) => ({ row: rows.get(one.item) ?? -1, score: one.similarity, text: one.title, href: one.href }));
    };
    explorer.hidden = false; // the map takes its measures from what is shown
    const here = canvas.dataset.here;
    if (here && rows.has(here) && !location.hash) history.replaceState(null, "", "#item=" + encodeURIComponent(here));
    const page = openMap(data, {
      closer: 3, mostPhotos: MOST, photosReady: () => true, tile, gentle: true, nearest,
      says: (looks) => (looks ? "By looks alone, as the network sees the photos" : "As in the shop: looks, kind and colour together"),
      href: (i) => canvas.dataset.item + "?id=" + encodeURIComponent(data.items[i]),
    });
    canvas.dataset.ready = "1";
  };

  fetch(canvas.dataset.source).then((answer) => {
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  }).then(open).catch(() => { explorer.hidden = true; status.hidden = false; });
})();
