// Dialogs: the browser's own, so that focus stays inside, Esc closes and focus goes back.

import { fill, h } from "../core/dom.js";
import { wrongFields } from "../core/errors.js";
import { call } from "../core/operations.js";
import { equivalent } from "./equivalent.js";
import { sayWrong, text } from "./field.js";
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
    node.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      if (!stays) close();
    };
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
    // Whoever opens a form wants to fill it in.
    node.querySelector("input, select, textarea")?.focus();
  });
}

/**
 * A form in a dialog. `fields` are nodes; `request()` gives the call that it makes: an operation's id, parameters,
 * content. It is shown in other words, made by `send`, and what is wrong with it is said at its fields. `check`
 * says there what is wrong before anything is sent, and gives whether it may be. Gives what `send` gave.
 */
export function formDialog(title, { fields, action, request, send = () => call(...request()), check = () => true, danger = false }) {
  const said = fields.filter((field) => field.wrong);
  return dialog(title, (close) => {
    const place = h("div");
    const submit = h("button", { type: "submit", class: danger ? "danger" : "primary" }, action);
    const equal = h("div");
    const form = h("form", { class: "stack", novalidate: true }, fields, place,
      h("div", { class: "actions" }, submit, h("button", { type: "button", onclick: () => close() }, "Cancel")), equal);
    form.oninput = () => fill(equal, equivalent(request()));
    form.oninput();
    form.onsubmit = async (event) => {
      event.preventDefault();
      submit.disabled = true;
      fill(place);
      sayWrong(said, new Map());
      try {
        if (check()) close(await send());
      } catch (error) {
        fill(place, problem(error, { elsewhere: sayWrong(said, wrongFields(error)) }));
        form.oninput();
      }
      submit.disabled = false;
      form.querySelector("[aria-invalid=true]")?.focus();
    };
    return form;
  });
}

/** Asks before something is done. With `name`, it has to be typed. */
export function confirmDialog(title, { lines, action, name, request, danger = true }) {
  const said = lines.map((line) => (line instanceof Node ? line : h("p", null, line)));
  if (!name) return formDialog(title, { fields: said, action, danger, request });
  const typed = text(["Type ", h("strong", null, name), " to go on"]);
  const check = () => {
    typed.wrong(typed.value() === name ? "" : `Type ${name}, as it is written.`);
    return typed.value() === name;
  };
  return formDialog(title, { fields: [...said, typed], action, danger, request, check });
}
