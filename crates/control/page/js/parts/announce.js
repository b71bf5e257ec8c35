// What screen readers say about results, and the short notes that everybody sees.

import { h } from "../core/dom.js";

const NOTE_MS = 6000;

/** Says something, without taking anybody's focus. */
export function announce(words) {
  const place = document.getElementById("announcer");
  // The same words twice are said twice only if the place was empty between them.
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = words; });
}

/** Shows a note for some seconds, and says it. */
export function note(words, link) {
  const place = document.getElementById("notes");
  const close = () => item.remove();
  const item = h("div", { class: "note" },
    h("span", null, words), link && h("a", { href: link.href, onclick: close }, link.words),
    h("button", { class: "icon", "aria-label": "Dismiss", onclick: close }, "×"));
  place.append(item);
  announce(words);
  let timer = setTimeout(close, NOTE_MS);
  item.onpointerenter = item.onfocusin = () => clearTimeout(timer);
  item.onpointerleave = item.onfocusout = () => { timer = setTimeout(close, NOTE_MS); };
  while (place.children.length > 3) place.firstChild.remove();
}

/** The title of the page, and of the window. */
export function title(words) {
  document.title = words ? `${words} – Isobar` : "Isobar";
}
