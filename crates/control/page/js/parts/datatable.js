// Tables of things: a caption, columns, rows that keep their place by a key.

import { h, hidden, keyed } from "../core/dom.js";

/**
 * `columns` are `{label, cell, end, wide, sort}`: `cell(item)` gives the content, `end` aligns numbers, `wide`
 * columns are left out on narrow screens. The first cell of a row is its heading.
 */
export function datatable(caption, columns, items, key, { order, onorder } = {}) {
  const classes = ({ end, wide }) => [end && "end", wide && "wide-only"].filter(Boolean).join(" ") || null;
  const head = (column) => {
    const is = order?.by === column.label;
    const content = column.sort && onorder
      ? h("button", { class: "sort", onclick: () => onorder({ by: column.label, down: is && !order.down }) },
        column.label, h("span", { "aria-hidden": "true", class: "arrow" }, is ? (order.down ? "↓" : "↑") : ""))
      : column.label || hidden("Actions");
    return h("th", { scope: "col", class: classes(column), "aria-sort": is ? (order.down ? "descending" : "ascending") : null }, content);
  };
  const sorted = arranged(columns, items, order);
  return h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", null, h("caption", { class: "hidden" }, caption),
      h("thead", null, h("tr", null, columns.map(head))),
      h("tbody", null, sorted.map((item) => keyed(key(item), h("tr", null, columns.map((column, at) => h(at === 0 ? "th" : "td",
        { class: classes(column), scope: at === 0 ? "row" : null }, column.cell(item)))))))));
}

function arranged(columns, items, order) {
  const by = order && columns.find((column) => column.label === order.by)?.sort;
  if (!by) return items;
  const compare = (one, other) => (typeof one === "number" ? one - other : String(one).localeCompare(String(other), undefined, { numeric: true }));
  const sorted = [...items].sort((one, other) => compare(by(one), by(other)));
  return order.down ? sorted.reverse() : sorted;
}
