// Dialogs: the browser's own, so that focus stays inside, Esc closes and focus goes back.

import { fill, h } from "../core/dom.js";
import { problem } from "./notice.js";

let numbered = 0;

/**
 * Opens one. `content(close)` gives what is in it; the promise gives what `close` was called with, or
 * nothing if it was dismissed. One that `stays` cannot be dismissed.
 */
export function dialog(title, content, { stays = false, wide = false } = {}) {
  return new Promise((done) => {
    numbered += 1;
    const heading = `dialog-${numbered}`;
    let result;
    const close = (value) => {
      result = value;
      node.close();
    };
    const node = h("dialog", { "aria-labelledby": heading, class: wide ? "wide" : null },
      h("div", { class: "dialog-head" }, h("h2", { id: heading }, title),
        !stays && h("button", { class: "icon", "aria-label": "Close", onclick: () => close() }, "×")));
    node.append(content(close));
    node.oncancel = (event) => stays && event.preventDefault();
    // Whoever goes to another view has left the dialog, too.
    const leave = () => stays || close();
    window.addEventListener("hashchange", leave);
    node.onclose = () => {
      window.removeEventListener("hashchange", leave);
      node.remove();
      done(result);
    };
    document.body.append(node);
    node.showModal();
    node.querySelector("[autofocus]")?.focus();
  });
}

/**
 * A form in a dialog. `fields` are nodes; `send` does it and may throw, which is said in place, and at its
 * fields by `wrong(error)`. Gives what `send` gave.
 */
export function formDialog(title, { fields, send, action, danger = false, wrong = () => new Map(), same = () => null, wide = false }) {
  return dialog(title, (close) => {
    const place = h("div");
    const submit = h("button", { type: "submit", class: danger ? "danger" : "primary" }, action);
    const form = h("form", { class: "stack", novalidate: true }, fields, place,
      h("div", { class: "actions" }, submit, h("button", { type: "button", onclick: () => close() }, "Cancel")));
    const equal = h("div");
    form.append(equal);
    form.oninput = () => fill(equal, same());
    form.oninput();
    form.onsubmit = async (event) => {
      event.preventDefault();
      submit.disabled = true;
      fill(place);
      wrong(null);
      try {
        close((await send()) ?? true);
      } catch (error) {
        fill(place, problem(error, { elsewhere: wrong(error) }));
        form.querySelector("[aria-invalid=true]")?.focus();
      }
      submit.disabled = false;
    };
    return form;
  }, { wide });
}

/** Asks before something is taken away. With `name`, it has to be typed. */
export function confirmDialog(title, { lines, action, name, send, same, danger = true }) {
  const typed = name && h("input", { id: "typed-name", autocomplete: "off", spellcheck: "false", autofocus: true });
  const field = name && h("div", { class: "field" },
    h("label", { for: "typed-name" }, "Type ", h("strong", null, name), " to go on"), typed);
  return formDialog(title, {
    fields: [lines.map((line) => (line instanceof Node ? line : h("p", null, line))), field],
    action, danger, same,
    send: () => {
      if (name && typed.value.trim() !== name) throw Object.assign(new Error(`Type ${name}, as it is written.`), { status: 400 });
      return send();
    },
  });
}
