// The table of operations as the server describes it in its OpenAPI document. Every request of the page is
// made from it, by the operation's name: there is no other list.

import * as session from "./session.js";
import { send } from "./http.js";

/** Pages of a list that are followed at most. */
const PAGES_MAX = 50;

const byId = new Map();
let schemas = {};

function operationOf(path, method, document) {
  const parameters = document.parameters ?? [];
  const named = (place) => parameters.filter((parameter) => parameter.in === place);
  const version = parameters.find((parameter) => parameter.name === "api-version")?.schema;
  const [type, content] = Object.entries(document.requestBody?.content ?? {})[0] ?? [];
  const command = document["x-isobar-command"];
  return {
    id: document.operationId,
    tag: document.tags?.[0] ?? "",
    method: method.toUpperCase(),
    path,
    summary: document.summary,
    description: document.description,
    inPath: named("path"),
    inQuery: named("query").filter((parameter) => parameter.name !== "api-version"),
    inHeader: named("header"),
    version: version ? version.enum?.[0] ?? version.example : undefined,
    type,
    schema: content?.schema,
    responses: document.responses ?? {},
    permission: document["x-isobar-permission"],
    isOpen: document.security?.length === 0,
    isLong: document["x-ms-long-running-operation"] === true,
    command: typeof command === "string" ? command : undefined,
  };
}

/** Reads the document. */
export async function load() {
  const { body } = await send({ method: "GET", url: "/openapi.json", open: true });
  schemas = body.components?.schemas ?? {};
  for (const [path, methods] of Object.entries(body.paths)) {
    for (const [method, document] of Object.entries(methods)) {
      const operation = operationOf(path, method, document);
      byId.set(operation.id, operation);
    }
  }
}

/** All of them, in the document's order. */
export const all = () => [...byId.values()];

/** One, by its name; nothing if this server has none of this name. */
export const find = (id) => byId.get(id);

/** A schema with its references followed. */
export function schemaOf(schema) {
  let found = schema;
  for (let depth = 0; found?.$ref && depth < 8; depth += 1) {
    const { $ref, ...beside } = found;
    found = { ...schemas[$ref.split("/").at(-1)], ...beside };
  }
  if (found?.allOf) return Object.assign({}, ...found.allOf.map(schemaOf), found);
  return found ?? {};
}

function operation(id) {
  const found = byId.get(id);
  if (!found) throw new Error(`This server has no operation ${id}.`);
  return found;
}

function pathOf({ path, inPath }, params) {
  let filled = path;
  for (const { name } of inPath) {
    const given = params[name] ?? (name === "subscriptionId" ? session.subscription() : "");
    if (name === "scope") {
      const scope = given.split("/").filter(Boolean).map(encodeURIComponent).map((word) => `/${word}`).join("");
      filled = filled.replace("/{scope}", scope);
    } else {
      filled = filled.replace(`{${name}}`, encodeURIComponent(given));
    }
  }
  return filled;
}

function encoded(operation, body) {
  if (body === undefined || body === null) return undefined;
  if (operation.type === "application/x-www-form-urlencoded") return new URLSearchParams(body).toString();
  return JSON.stringify(body);
}

/** The request of an operation: method, address below the origin, body. `query` may have empty values, which are left out. */
export function requestOf(id, params = {}, { body, query = {}, headers = {} } = {}) {
  const found = operation(id);
  const asked = Object.entries({ "api-version": found.version, ...query }).filter(([, value]) => value !== undefined && value !== "");
  // OData's words are easier to read as they are.
  const words = new URLSearchParams(asked).toString().replaceAll("%24", "$");
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value));
  return {
    method: found.method,
    url: pathOf(found, params) + (words ? `?${words}` : ""),
    body: encoded(found, body),
    type: found.type ?? "application/json",
    headers: given,
    open: found.isOpen,
  };
}

/** Calls an operation; gives `{status, headers, body}`. */
export async function call(id, params, { signal, ...content } = {}) {
  return send({ ...requestOf(id, params, content), signal });
}

/** All items of a list, page after page. */
export async function list(id, params, { signal, ...content } = {}) {
  const items = [];
  let request = requestOf(id, params, content);
  for (let page = 0; request && page < PAGES_MAX; page += 1) {
    const { body } = await send({ ...request, signal });
    items.push(...(body.value ?? []));
    request = body.nextLink ? { ...request, url: below(body.nextLink) } : null;
  }
  return items;
}

/** An address of this server without its origin: by whatever name the server calls itself. */
export function below(url) {
  const { pathname, search } = new URL(url, location.origin);
  return pathname + search;
}
