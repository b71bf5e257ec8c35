// What went wrong, said where it did.

import { h } from "../core/dom.js";
import { titleOf } from "../core/errors.js";
import { icon } from "./icon.js";

/** A notice of a kind (good, warn, bad, unknown), with a title and some lines. */
export const notice = (kind, title, ...lines) => h("div", { class: `notice ${kind}` }, icon(kind),
  h("div", null, h("p", { class: "strong" }, title), lines.flat(Infinity).filter(Boolean).map((line) => (line instanceof Node ? line : h("p", null, line)))));

/** An error, with its details that are not shown elsewhere. */
export function problem(error, { elsewhere = new Map(), again } = {}) {
  const details = (error.details ?? []).filter(({ target }) => !elsewhere.has(target ?? ""));
  const node = notice("bad", titleOf(error), error.message,
    details.length > 0 && h("ul", null, details.map(({ target, message }) => h("li", null, target && h("code", null, target), target && " ", message))),
    error.requestId && h("p", { class: "fine" }, "Request ", h("code", null, error.requestId)),
    again && h("p", null, h("button", { onclick: again }, "Try again")));
  node.setAttribute("role", "alert");
  return node;
}

/** Nothing is there, and what to do about it. */
export const empty = (title, words, action) => h("div", { class: "empty" }, h("h2", null, title), h("p", null, words), action && h("p", null, action));
