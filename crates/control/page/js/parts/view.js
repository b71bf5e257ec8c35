// The frame of a view: where it is, its heading, its actions.

import { h } from "../core/dom.js";

/** A view. `crumbs` are `[address, words]`. */
export function view(title, { crumbs = [], lead, actions = [], beside } = {}, ...content) {
  const heading = h("h1", { tabindex: "-1" }, title);
  return h("div", { class: "view" },
    h("div", { class: "view-head" },
      h("div", null,
        crumbs.length > 0 && h("nav", { class: "crumbs", "aria-label": "Where this is" }, crumbs.map(([href, words]) => [h("a", { href }, words), " / "])),
        beside ? h("div", { class: "row" }, heading, beside) : heading,
        lead && h("p", { class: "lead" }, lead)),
      actions.length > 0 && h("div", { class: "actions" }, actions)),
    content);
}

/** Tags, as they are shown. */
export const tagList = (tags) => {
  const all = Object.entries(tags ?? {});
  return all.length > 0 && h("span", { class: "tags" }, all.map(([name, value]) => h("span", { class: "tag" }, value ? `${name}=${value}` : name)));
};
