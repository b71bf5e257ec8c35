// Search and choices above a list; they are part of the address, so that a list can be kept or sent.

import { h, own } from "../core/dom.js";
import { asked, keep } from "../core/router.js";
import { icon } from "./icon.js";

/**
 * A bar with a search field and selects. `choices` are `[key, words]`; `changed` is called when something was
 * typed or chosen. Its node has `values()` and `offer(key, [[value, words]])`.
 */
export function filters(choices, changed, { search = "Search" } = {}) {
  const given = asked();
  const input = h("input", { type: "search", placeholder: search, "aria-label": search, value: given.get("search") ?? "", spellcheck: "false", autocomplete: "off" });
  const selects = choices.map(([key, words]) => [key, h("select", { "aria-label": words }, h("option", { value: "" }, words))]);
  const values = () => ({ search: input.value.trim(), ...Object.fromEntries(selects.map(([key, select]) => [key, select.value])) });
  const update = () => {
    keep(values());
    changed();
  };
  input.oninput = update;
  for (const [key, select] of selects) {
    select.onchange = update;
    select.wanted = given.get(key) ?? "";
  }
  const node = own(h("div", { class: "filters", role: "search" },
    h("div", { class: "search" }, icon("search"), input, h("kbd", { "aria-hidden": "true" }, "/")), selects.map(([, select]) => select)));
  node.values = values;
  node.offer = (key, options) => {
    const select = selects.find(([of]) => of === key)[1];
    const have = [...select.options].slice(1).map((option) => option.value);
    if (have.join("\n") === options.map(([value]) => value).join("\n")) return;
    const chosen = select.value || select.wanted;
    select.replaceChildren(select.options[0], ...options.map(([value, words]) => h("option", { value }, words ?? value)));
    select.value = options.some(([value]) => value === chosen) ? chosen : "";
    select.wanted = "";
  };
  if (given.has("search") && !given.get("search")) queueMicrotask(() => input.focus());
  return node;
}

/** The different values, in order, as options. */
export const different = (values) => [...new Set(values.filter(Boolean))].sort().map((value) => [value]);

/** Whether any of the texts has all words that are searched for. */
export function found(search, texts) {
  const all = texts.filter(Boolean).join(" ").toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}
