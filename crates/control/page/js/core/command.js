// The command line that does what an operation does. The server's description of an operation has its words;
// what options are called follows from its parameters and the schema of its body, as the command line itself
// makes them (`console` of crate isobar).

import { schemaOf } from "./operations.js";
import * as session from "./session.js";

/** Where a page begins is followed, not given. */
const PAGE = "$skipToken";
/** Options that every command has: no field is called so. */
const TAKEN = ["help", "output", "log", "log-json", "set", "body", "version"];

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
const hyphenated = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

/** The option of a parameter. One that names what the command is about is `name` or `id`. */
function optionOf(operation, name) {
  const last = operation.inPath.at(-1)?.name;
  const isOwn = name === last && (operation.path.endsWith(`{${last}}`) || operation.method === "POST");
  if (name === "subscriptionId") return "subscription";
  if (isOwn && name.endsWith("Name")) return "name";
  if (isOwn && name.endsWith("Id")) return "id";
  return name === "resourceGroupName" ? "group" : hyphenated(name.replace(/(Name|Id)$/, ""));
}

/** The option of a field of the body, by its place: `properties.nodeCount` is `node-count`, `sku.name` is `sku`. */
function fieldOption(path) {
  const below = path[0] === "properties" && path.length > 1 ? path.slice(1) : path;
  const named = below.length > 1 && below.at(-1) === "name" ? below.slice(0, -1) : below;
  return named.map(hyphenated).join("-");
}

/** What is set in a body: `[path, schema, value]`. */
function* settings(value, given, path = []) {
  const schema = schemaOf(given);
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  if (isObject && (path.length === 0 || schema.properties)) {
    for (const [name, member] of Object.entries(value)) yield* settings(member, schema.properties?.[name], [...path, name]);
  } else {
    yield [path, schema, value];
  }
}

/** The words behind an option. */
function wordsOf(schema, value) {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.map(quoted);
  if (value !== null && typeof value === "object" && schema.additionalProperties) return Object.entries(value).map(([name, of]) => quoted(`${name}=${of}`));
  return [quoted(typeof value === "string" ? value : JSON.stringify(value))];
}

/** The line, or nothing for an operation that has no command. */
export function commandLine(operation, params = {}, { body, query = {}, headers = {} } = {}) {
  if (!operation?.command) return null;
  const line = ["isobar", operation.command];
  const taken = new Set(TAKEN);
  const add = (option, words) => {
    taken.add(option);
    line.push(`--${option}`, ...words);
  };
  for (const { name } of operation.inPath) {
    const value = params[name] ?? (name === "subscriptionId" ? session.subscription() : "");
    const option = optionOf(operation, name);
    // The subscription is that of the profile, unless the command is about it.
    if (name !== "subscriptionId" || operation.path.endsWith("{subscriptionId}")) add(option, [quoted(value)]);
    else taken.add(option);
  }
  const given = { ...query, ...headers };
  for (const { name } of [...operation.inQuery, ...operation.inHeader]) {
    if (given[name] && name !== PAGE) add(hyphenated(name), [quoted(String(given[name]))]);
    else taken.add(hyphenated(name));
  }
  for (const [path, schema, value] of settings(body ?? {}, operation.schema)) {
    const option = fieldOption(path);
    // What the schema does not know has no option of its own.
    const isKnown = Object.keys(schema).length > 0 && !schema.readOnly;
    if (!isKnown || path.length === 0 || taken.has(option)) line.push("--set", quoted(`${path.join(".")}=${typeof value === "string" ? value : JSON.stringify(value)}`));
    else add(option, wordsOf(schema, value));
  }
  return line.join(" ");
}
