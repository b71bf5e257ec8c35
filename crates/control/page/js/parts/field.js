// Fields of forms: label, hint, and what is wrong with what was typed.

import { fill, h } from "../core/dom.js";

let numbered = 0;

/**
 * A field around an input. Gives its node, with `input`, `value()` and `wrong(words)`. `name` is what errors
 * call it.
 */
export function field(label, input, { hint, name, optional = false, read = () => input.value.trim() } = {}) {
  numbered += 1;
  const id = `field-${numbered}`;
  input.id = id;
  const said = h("p", { class: "wrong", id: `${id}-wrong` });
  const hinted = hint && h("p", { class: "hint", id: `${id}-hint` }, hint);
  input.setAttribute("aria-describedby", [hinted && `${id}-hint`, `${id}-wrong`].filter(Boolean).join(" "));
  const isBox = input.type === "checkbox";
  const words = h("label", { for: id }, label, optional && h("span", { class: "fine" }, " optional"));
  const node = isBox
    ? h("div", { class: "field box" }, input, h("div", null, words, hinted, said))
    : h("div", { class: "field" }, words, input, hinted, said);
  node.input = input;
  node.name = name;
  node.value = () => (isBox ? input.checked : read());
  node.wrong = (message) => {
    fill(said, message);
    if (message) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  return node;
}

/** A line of text. */
export const text = (label, { value = "", type = "text", placeholder, ...options } = {}) => field(label,
  h("input", { type, value, placeholder, autocomplete: "off", spellcheck: "false", autocapitalize: "none" }), options);

/** A number without a fraction; nothing if it is empty. */
export const number = (label, { value = "", min, max, ...options } = {}) => {
  const input = h("input", { type: "number", value, min, max, step: 1, inputmode: "numeric" });
  return field(label, input, { ...options, read: () => (input.value === "" ? undefined : Number(input.value)) });
};

/** One of several: `choices` are `[value, words]`. */
export const choice = (label, choices, { value, ...options } = {}) => field(label,
  h("select", { value }, choices.map(([of, words]) => h("option", { value: of, selected: of === value }, words))), options);

/** Yes or no. */
export const box = (label, { value = false, ...options } = {}) => field(label, h("input", { type: "checkbox", checked: value }), options);

/** Some lines of text. */
export const area = (label, { value = "", rows = 4, ...options } = {}) => field(label,
  h("textarea", { rows, spellcheck: "false", autocomplete: "off", value }), options);

/** Tags as people write them: `name=value`, one a line. */
export const tags = (value = {}, options = {}) => {
  const input = h("textarea", { rows: 3, spellcheck: "false", value: Object.entries(value).map(([name, of]) => `${name}=${of}`).join("\n") });
  return field("Tags", input, {
    hint: "One on each line: name=value", name: "tags", optional: true, ...options, read: () => readTags(input.value),
  });
};

/** The tags of a field as a part of a body: none is nothing. */
export function filledTags(field) {
  const value = field.value();
  return Object.keys(value).length > 0 ? { tags: value } : {};
}

/** Reads them. A line without a value is a tag with an empty one. */
function readTags(lines) {
  const pairs = lines.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const at = line.indexOf("=");
    return at < 0 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  });
  return Object.fromEntries(pairs);
}

/** Says at each field what is wrong with it. Gives those errors that have a field. */
export function sayWrong(fields, wrong) {
  const said = new Map();
  for (const one of fields) {
    const found = [...wrong].filter(([target]) => one.name && (target === one.name || target.startsWith(`${one.name}.`) || target.startsWith(`${one.name}[`)));
    one.wrong(found.map(([, message]) => message).join(" "));
    found.forEach(([target, message]) => said.set(target, message));
  }
  return said;
}
