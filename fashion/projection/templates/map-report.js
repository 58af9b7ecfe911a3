// The report's map: its photos are tiles of a few atlases, its nearest items are in the page.
const data = JSON.parse(document.getElementById("data").textContent);
const perSheet = data.columns ** 2;
const sheets = [];  // decoded atlases; an item's photo is a tile of sheet floor(i / perSheet)

const page = openMap(data, {
  mostPhotos: Infinity, photosFrom: 1, photosReady: () => sheets.some(Boolean),
  tile(context, i, x, y, size) {
    const sheet = sheets[Math.floor(i / perSheet)];
    if (!sheet) return false;
    const tile = i % perSheet, edge = data.edge;
    context.drawImage(sheet, (tile % data.columns) * edge, Math.floor(tile / data.columns) * edge, edge, edge, x, y, size, size);
    return true;
  },
  nearest: (i) => data.neighbours.slice(i * data.nearest, (i + 1) * data.nearest)
    .map((row, rank) => ({ row, score: data.similarity[i * data.nearest + rank] / 1000 })),
  says: () => "By looks alone, as the network sees the photos",
});

document.addEventListener("DOMContentLoaded", () => {
  [...document.getElementById("sheets").children].forEach((image, index) => image.decode().then(() => {
    sheets[index] = image;
    document.getElementById("map").dataset.sheets = sheets.filter(Boolean).length;
    page.painted();
  }));
});
