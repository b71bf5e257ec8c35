// Everything that the server can do: its table of operations.

import { fill, h, own } from "../core/dom.js";
import { all } from "../core/operations.js";
import { different, filters, found } from "../parts/filters.js";
import { empty } from "../parts/notice.js";
import { view } from "../parts/view.js";

export function operationsView() {
  const operations = all();
  const place = own(h("div", { class: "panel" }));
  const draw = () => {
    const { search, method } = bar.values();
    const fitting = operations.filter((one) => (!method || one.method === method) && found(search, [one.id, one.summary, one.path, one.command, one.permission]));
    const tags = [...new Set(fitting.map(({ tag }) => tag))].sort();
    fill(place, fitting.length === 0 ? empty("No operation fits", "Search for something else.") : h("ul", { class: "operations" }, tags.map((tag) => h("li", null, h("h2", null, tag),
      h("ul", null, fitting.filter((one) => one.tag === tag).map((one) => h("li", { class: "operation" }, h("span", { class: "method" }, one.method),
        h("div", null, h("a", { href: `#/api/${one.id}` }, one.id), h("div", { class: "fine" }, one.summary)))))))));
  };
  const bar = filters([["method", "All methods"]], draw, { search: "Search operations" });
  bar.offer("method", different(operations.map(({ method }) => method)));
  draw();
  return view("All operations", {
    lead: [`The ${operations.length} operations of this server, each with a form to try it. The same as a document: `, h("a", { href: "/openapi.json" }, "openapi.json"), "."],
  }, bar, place);
}
