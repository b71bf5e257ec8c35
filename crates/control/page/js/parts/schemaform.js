// A form for what an operation takes, made from its schema.

import { h } from "../core/dom.js";
import { schemaOf } from "../core/operations.js";
import { area, choice, number, text } from "./field.js";

/** Deeper than this, JSON is typed as text. */
const DEPTH_MAX = 5;

function parsed(words, label) {
  try {
    return JSON.parse(words);
  } catch (error) {
    throw Object.assign(new Error(`${label} is not JSON: ${error.message}`), { status: 400 });
  }
}

/** Whether anything of it is not the server's alone. */
function isSettable(schema) {
  if (schema.readOnly) return false;
  return !schema.properties || Object.values(schema.properties).some((member) => isSettable(schemaOf(member)));
}

function hintOf(schema) {
  const { description, minimum, maximum, maxLength, format } = schema;
  const range = minimum !== undefined && maximum !== undefined ? `From ${minimum} to ${maximum}.`
    : maxLength ? `At most ${maxLength} characters.` : "";
  return [description, range, format === "date-time" && "A time such as 2026-12-01T00:00:00Z."].filter(Boolean).join(" ");
}

/** A part of the form: `{node, value()}`; the value of what was left empty is `undefined`. */
function part(label, given, required, depth) {
  const schema = schemaOf(given);
  const options = { hint: hintOf(schema), optional: !required };
  if (schema.properties && depth < DEPTH_MAX) return object(label, schema, required, depth);
  if (schema.enum && schema.type !== "object") {
    const field = choice(label, [...(required ? [] : [["", "–"]]), ...schema.enum.map((word) => [word, String(word)])], options);
    return { node: field, value: () => field.value() || undefined };
  }
  if (schema.type === "boolean") {
    const field = choice(label, [["", "–"], ["true", "true"], ["false", "false"]], options);
    return { node: field, value: () => (field.value() === "" ? undefined : field.value() === "true") };
  }
  if (schema.type === "integer" || schema.type === "number") {
    const field = number(label, { ...options, min: schema.minimum, max: schema.maximum });
    return { node: field, value: field.value };
  }
  if (schema.type === "string") {
    const field = text(label, { ...options, type: schema.format === "password" ? "password" : "text" });
    return { node: field, value: () => field.value() || undefined };
  }
  const field = area(label, { ...options, rows: 3, hint: [options.hint, schema.type === "array" ? "A list, as JSON." : "As JSON."].filter(Boolean).join(" ") });
  return { node: field, value: () => (field.value() === "" ? undefined : parsed(field.value(), label)) };
}

function object(label, schema, required, depth) {
  const members = Object.entries(schema.properties).filter(([, member]) => isSettable(schemaOf(member)))
    .map(([name, member]) => [name, part(name, member, schema.required?.includes(name), depth + 1)]);
  const nodes = members.map(([, { node }]) => node);
  const value = () => {
    const set = members.map(([name, member]) => [name, member.value()]).filter(([, of]) => of !== undefined);
    return set.length > 0 || required ? Object.fromEntries(set) : undefined;
  };
  return { node: depth === 0 ? h("div", { class: "stack" }, nodes) : h("fieldset", null, h("legend", null, label), h("div", { class: "nested" }, nodes)), value };
}

/** The form of a body: its node, and `value()`, which throws what is no JSON. */
export function schemaForm(schema) {
  const fields = part("Body", schema, true, 0);
  const raw = area("Body as JSON", { rows: 12 });
  const content = h("div", null, fields.node);
  let isRaw = false;
  const toggle = h("button", { type: "button", class: "plain small" }, "Write it as JSON");
  toggle.onclick = () => {
    isRaw = !isRaw;
    if (isRaw) raw.input.value = JSON.stringify(fields.value() ?? {}, null, 2);
    content.replaceChildren(isRaw ? raw : fields.node);
    toggle.textContent = isRaw ? "Back to the fields" : "Write it as JSON";
    content.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const node = h("section", { class: "stack" }, h("div", { class: "panel-head" }, h("h2", null, "Body"), toggle), content);
  return { node, value: () => (isRaw ? parsed(raw.value(), "The body") : fields.value()) };
}
