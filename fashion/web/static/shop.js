"use strict";
// Saves clicks; every page works without it.

// A sent photo's results get their address, so that going back or reloading sends nothing again. The photo itself stays
// in this tab alone.
const seen = (address) => new URL(address, location.href).searchParams.get("seen");
const mine = document.getElementById("mine");
if (mine && !mine.hidden) {
  history.replaceState(null, "", mine.dataset.address);
  try { sessionStorage.setItem("photo", JSON.stringify([seen(location.href), mine.src])); } catch { /* no room: no matter */ }
} else if (mine) {
  let of = null, source = null;
  try { [of, source] = JSON.parse(sessionStorage.getItem("photo") || "[null, null]"); } catch { /* storage is closed: no picture */ }
  if (of === seen(location.href)) { mine.src = source; mine.hidden = false; }
}

// The slider's answers come while it moves. The address follows, so that it can be shared and the page reloaded.
for (const form of document.querySelectorAll("form[data-live]")) {
  document.body.classList.add("live");
  let last = 0;
  const show = async () => {
    const mine = ++last;
    const address = form.action + "?" + new URLSearchParams(new FormData(form));
    let found = null;
    try {
      const page = new DOMParser().parseFromString(await (await fetch(address)).text(), "text/html");
      found = page.getElementById(form.dataset.live);
    } catch { /* offline, or the server is down */ }
    if (mine !== last) return; // a later request is under way
    if (!found) { form.submit(); return; } // the browser says what is wrong
    document.getElementById(form.dataset.live).replaceChildren(...found.childNodes);
    history.replaceState(null, "", address);
    const link = document.getElementById("address"); // of a photo's results
    if (link) link.href = address;
  };
  let waiting = 0;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(show, 120); });
  form.addEventListener("submit", (event) => { event.preventDefault(); show(); });
}

// What was recognised is corrected as soon as another word is chosen.
for (const form of document.querySelectorAll("form[data-auto]")) {
  form.classList.add("auto");
  form.addEventListener("change", () => form.requestSubmit());
}

// On a wide page the filters are open; on a phone they stay as they were left.
const filters = document.querySelector("details.filters");
if (filters && matchMedia("(min-width: 60.01rem)").matches) filters.open = true;
else if (filters) {
  try { const left = sessionStorage.getItem("filters"); if (left) filters.open = left === "open"; } catch { /* closed storage: as sent */ }
  filters.addEventListener("toggle", () => {
    try { sessionStorage.setItem("filters", filters.open ? "open" : "closed"); } catch { /* no matter */ }
  });
}

// "Show more" adds the next page's cards below; the address stays the first page's, which the next one follows.
document.addEventListener("click", async (event) => {
  const link = event.target.closest && event.target.closest(".paging a[rel=next]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  try {
    const page = new DOMParser().parseFromString(await (await fetch(link.href)).text(), "text/html");
    const more = [...page.getElementById("cards").children];
    document.getElementById("cards").append(...more);
    document.querySelector(".paging").replaceWith(page.querySelector(".paging"));
    const first = more.find((one) => one.matches(".card"));
    if (first) first.querySelector("a").focus({ preventScroll: true });
  } catch { location.href = link.href; } // the browser says what is wrong
});

// A large photo is made smaller before it is sent: the network sees no more than that, and a phone's line is spared.
const EDGE = 1024, SENT_AS = { "image/png": "image/png", "image/webp": "image/png", "image/gif": "image/png", "image/avif": "image/png" };
const smaller = async (file, part) => {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const { left, top, right, bottom } = part || { left: 0, top: 0, right: 1, bottom: 1 }; // crop.js
  const wide = (right - left) * picture.width, high = (bottom - top) * picture.height;
  const scale = Math.min(1, EDGE / Math.max(wide, high));
  if (scale === 1 && wide === picture.width && high === picture.height) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(8, Math.round(wide * scale));
  canvas.height = Math.max(8, Math.round(high * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, left * picture.width, top * picture.height, wide, high, 0, 0, canvas.width, canvas.height);
  const kind = SENT_AS[file.type] || "image/jpeg"; // what may be transparent stays so
  const blob = await new Promise((done) => { canvas.toBlob(done, kind, 0.92); });
  return blob ? new File([blob], file.name, { type: kind }) : file;
};

// A photo may be dropped anywhere on the page, pasted, or taken with the phone's camera.
for (const form of document.querySelectorAll("form[data-drop]")) {
  const input = form.querySelector("#photo"), camera = form.querySelector("#camera"), button = form.querySelector("button[type=submit]");
  const give = (files) => {
    if (!files || !files.length) return;
    const held = new DataTransfer();
    held.items.add(files[0]);
    input.files = held.files;
    camera.value = "";
    form.requestSubmit();
  };
  document.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.classList.remove("over"); });
  document.addEventListener("drop", (event) => { event.preventDefault(); form.classList.remove("over"); give(event.dataTransfer.files); });
  document.addEventListener("paste", (event) => give(event.clipboardData && event.clipboardData.files));
  // Of two photos the last one counts.
  input.addEventListener("change", () => { if (input.files.length) camera.value = ""; });
  camera.addEventListener("change", () => { if (!camera.files.length) return; input.value = ""; form.requestSubmit(); });
  let ready = null; // the input's photo that needs no more work
  form.addEventListener("submit", async (event) => {
    button.textContent = "Searching …";
    const from = input.files.length ? input : camera, file = from.files[0];
    if (!file || file === ready) return;
    event.preventDefault();
    const held = new DataTransfer();
    try { held.items.add(await smaller(file, from === input ? form.crop : null)); } catch { held.items.add(file); } // not for this browser: the server looks at it
    from.files = held.files;
    ready = from.files[0];
    form.requestSubmit();
  });
  addEventListener("pageshow", () => { button.textContent = "Find similar clothes"; }); // come back to
}
