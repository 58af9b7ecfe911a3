"use strict";
// "Similar items" on any page, in one line, where they shall stand:
//   <script src="https://shop.example/similar.js" data-item="123" async></script>
// data-k="6"                     how many
// data-words="in blue"           words that change the item
// data-heading="Similar items"   the heading; empty for none
// The shop must allow the page's origin: fashion serve --allow-origin. Whatever fails is told in the console alone.

(() => {
  const script = document.currentScript, { item, k, words, heading = "Similar items" } = script.dataset;
  const tell = (text) => console.error(`similar.js: ${text}`);

  // The page's rules do not reach in; colour and typeface are its own. A sheet that is made, not written, needs no permission
  // of the page's content policy.
  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { all: initial !important; display: block !important; color: inherit !important; font-family: inherit !important; color-scheme: inherit !important; }
    h2 { margin: 0 0 .75rem; font-size: 1.25rem; font-weight: 600; line-height: 1.25; }
    ul { display: grid; gap: 1.25rem 1rem; grid-template-columns: repeat(auto-fill, minmax(min(9rem, 44%), 1fr)); margin: 0; padding: 0; list-style: none; }
    a { display: block; color: inherit; font-size: .95rem; line-height: 1.35; text-decoration: none; overflow-wrap: anywhere; }
    a:hover .name { text-decoration: underline; }
    a:focus-visible { outline: 3px solid; outline-offset: 3px; border-radius: 12px; }
    img { display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: contain; background: #f4f3f1; border-radius: 12px; }
    .name { display: block; margin-top: .5rem; }
    .name::first-letter { text-transform: uppercase; }
    .price { font-weight: 600; }
  `);

  const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties); // text only ever as textContent
    node.append(...children);
    return node;
  };
  const whole = (address) => new URL(address, script.src).href;
  const card = (one) => {
    const photo = make("img", { src: whole(one.photo), alt: "", width: one.width, height: one.height, loading: "lazy", decoding: "async" });
    const link = make("a", { href: one.link || whole(one.href), rel: "noopener" }, photo, make("bdi", { className: "name", textContent: one.title }));
    if (one.brand) link.append(make("bdi", { className: "brand", textContent: one.brand }), " ");
    if (one.price) link.append(make("bdi", { className: "price", textContent: one.price }));
    return make("li", {}, link);
  };

  const show = async () => {
    if (!item) { tell("expected data-item, an item of the catalogue; found none."); return; }
    const address = new URL("api/v1/similar", script.src);
    address.search = new URLSearchParams(Object.entries({ id: item, k, q: words }).filter(([, value]) => value));
    let answer = null;
    try { answer = await fetch(address, { credentials: "omit" }); } catch {
      tell(`${address.origin} gave no answer. Is it running, with --allow-origin ${location.origin}?`);
      return;
    }
    const told = await answer.json();
    if (!answer.ok) { tell(told.detail || `status ${answer.status}`); return; }
    if (!told.items.length) { tell("no items match."); return; }
    const place = make("similar-items"), root = place.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    const list = make("ul", {}, ...told.items.map(card)), section = make("section", {}, list);
    section.setAttribute("aria-label", heading || "Similar items");
    if (heading) section.prepend(make("h2", { textContent: heading }));
    root.append(section);
    script.after(place);
  };
  show().catch((error) => tell(error.message));
})();
