// The same by other means: the command line and the REST call that do what a part of the page does.

import { h, keyed } from "../core/dom.js";
import { commandLine } from "../core/command.js";
import { find, requestOf, schemaOf } from "../core/operations.js";
import { copyable } from "./copy.js";

const FORM = "application/x-www-form-urlencoded";

/** A REST call as text. */
function restText(id, params, content) {
  const { method, url, body, type, headers } = requestOf(id, params, content);
  const sent = type === FORM ? { "content-type": type, ...headers } : headers;
  const lines = [`${method} ${location.origin}${url}`, ...Object.entries(sent).map(([name, value]) => `${name}: ${value}`)];
  if (body === undefined) return lines.join("\n");
  return `${lines.join("\n")}\n\n${type === FORM ? body : JSON.stringify(JSON.parse(body), null, 2)}`;
}

/** A content without secrets: nobody is shown those. */
function shown(id, { body, ...content } = {}) {
  const { properties = {} } = schemaOf(find(id)?.schema);
  const isSecret = (name) => schemaOf(properties[name]).format === "password";
  const isObject = body !== null && typeof body === "object" && !Array.isArray(body);
  return { ...content, body: isObject ? Object.fromEntries(Object.entries(body).filter(([name]) => !isSecret(name))) : body };
}

/** What one operation is in other words: `[[title, text]]`. */
export function equivalents(id, params, content) {
  const told = shown(id, content);
  const line = commandLine(find(id), params, told);
  return [line && ["Command line", line], ["REST", restText(id, params, told)]].filter(Boolean);
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
