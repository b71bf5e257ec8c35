// The same by other means: the command line and the REST call that do what a part of the page does.

import { h, keyed } from "../core/dom.js";
import { commandLine } from "../core/command.js";
import { find, requestOf } from "../core/operations.js";
import { copyable } from "./copy.js";

/** A REST call as text. */
function restText(id, params, content) {
  const { method, url, body, headers } = requestOf(id, params, content);
  const lines = [`${method} ${location.origin}${url}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  return body === undefined ? lines.join("\n") : `${lines.join("\n")}\n\n${JSON.stringify(JSON.parse(body), null, 2)}`;
}

/** What one operation is in other words: `[[title, text]]`. */
export function equivalents(id, params, content) {
  const line = commandLine(find(id), params, content);
  return [line && ["Command line", line], ["REST", restText(id, params, content)]].filter(Boolean);
}

/** A disclosure with them. Each of `calls` is `[id, params, content]`; those that the server lacks are left out. */
export function equivalent(...calls) {
  const there = calls.filter(([id]) => find(id));
  if (there.length === 0) return null;
  const key = `same ${there.map(([id]) => id).join(" ")}`;
  return keyed(key, h("details", { class: "same" }, h("summary", null, "Command line and REST"),
    there.map((call) => h("div", { class: "stack" }, there.length > 1 && h("p", { class: "fine" }, find(call[0]).summary),
      equivalents(...call).map(([what, text]) => h("div", null, h("p", { class: "label" }, what), copyable(text, what)))))));
}
