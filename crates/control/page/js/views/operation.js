// One operation of the table: a form for what it takes, and what it answers.

import { fill, h, own } from "../core/dom.js";
import { Refused } from "../core/errors.js";
import { call, find, list } from "../core/operations.js";
import * as session from "../core/session.js";
import * as work from "../core/work.js";
import { announce } from "../parts/announce.js";
import { copyable } from "../parts/copy.js";
import { equivalents } from "../parts/equivalent.js";
import { text } from "../parts/field.js";
import { notice, problem } from "../parts/notice.js";
import { schemaForm } from "../parts/schemaform.js";
import { view } from "../parts/view.js";

/** Headers of an answer that tell something. */
const HEADERS = ["etag", "location", "azure-asyncoperation", "retry-after", "x-ms-request-id"];

/** A field of a parameter, with what is known already. */
function parameterField({ name, description, required }, suggestions) {
  const known = { subscriptionId: session.subscription(), scope: `/subscriptions/${session.subscription()}`, tenantId: "adfs" };
  const field = text(name, { value: known[name] ?? "", hint: description, optional: !required });
  if (suggestions) {
    const id = `known-${name}`;
    field.input.setAttribute("list", id);
    field.append(h("datalist", { id }, suggestions.map((value) => h("option", { value }))));
  }
  return field;
}

const valuesOf = (fields) => Object.fromEntries(fields.map(([name, field]) => [name, field.value()]));

function answered({ status, headers, body }) {
  const shown = HEADERS.map((name) => [name, headers.get(name)]).filter(([, value]) => value);
  return h("section", { class: "stack" }, notice("good", `Answered ${status}`, shown.map(([name, value]) => h("p", { class: "fine" }, h("code", null, `${name}: ${value}`)))),
    body !== null && copyable(typeof body === "string" ? body : JSON.stringify(body, null, 2), "answer"));
}

/** What is known about it beside its form. */
function facts(operation) {
  return h("dl", { class: "facts" },
    h("dt", null, "Call"), h("dd", null, h("code", null, `${operation.method} ${operation.path}`)),
    h("dt", null, "Version"), h("dd", null, operation.version ?? "none"),
    h("dt", null, "Allowed by"), h("dd", null, operation.isOpen ? "nobody has to be logged in" : h("code", null, operation.permission)),
    h("dt", null, "Answers"), h("dd", null, Object.entries(operation.responses).filter(([status]) => status !== "default").map(([status, { description }]) => h("div", null, `${status}: ${description}`))),
    operation.isLong && [h("dt", null, "Takes long"), h("dd", null, "it is followed under ", h("a", { href: "#/running" }, "Operations"))]);
}

export function operationView({ params: { operation: id }, signal }) {
  const operation = find(id);
  const crumbs = [["#/api", "All operations"]];
  if (!operation) return view(id, { crumbs }, notice("unknown", "This server has no such operation"));
  const groups = [];
  const fieldsOf = (parameters) => parameters.map((parameter) => [parameter.name, parameterField(parameter, parameter.name === "resourceGroupName" ? groups : null)]);
  const [inPath, inQuery, inHeader] = [operation.inPath, operation.inQuery, operation.inHeader].map(fieldsOf);
  const body = operation.schema && schemaForm(operation.schema);
  const equal = own(h("div", { class: "stack" }));
  const place = own(h("div", { class: "stack", "aria-live": "polite" }));
  const submit = h("button", { type: "submit", class: operation.method === "DELETE" ? "danger" : "primary" }, "Send");
  const request = () => [valuesOf(inPath), { query: valuesOf(inQuery), headers: valuesOf(inHeader), body: body?.value() }];
  const form = h("form", { class: "panel stack", novalidate: true },
    [["Path", inPath], ["Query", inQuery], ["Conditions", inHeader]].filter(([, fields]) => fields.length > 0)
      .map(([words, fields]) => h("fieldset", null, h("legend", null, words), h("div", { class: "pair" }, fields.map(([, field]) => field)))),
    body?.node, inPath.length + inQuery.length + inHeader.length === 0 && !body && h("p", { class: "quiet" }, "It takes nothing."),
    h("div", { class: "actions" }, submit));
  const drawEqual = () => {
    let texts = [];
    try {
      texts = equivalents(id, ...request());
    } catch {
      // What is not JSON yet is said when it is sent.
    }
    fill(equal, texts.map(([what, words]) => h("div", null, h("p", { class: "label" }, what), copyable(words, what))));
  };
  form.oninput = drawEqual;
  form.onsubmit = async (event) => {
    event.preventDefault();
    submit.disabled = true;
    fill(place);
    try {
      const missing = inPath.filter(([name, field]) => name !== "scope" && !field.value());
      for (const [, field] of inPath) field.wrong("");
      missing.forEach(([, field]) => field.wrong("It is a part of the path."));
      if (missing.length === 0) {
        const answer = await call(id, ...request(), { signal });
        fill(place, answered(answer));
        announce(`Answered ${answer.status}`);
        if (operation.isLong) work.follow(answer, operation.summary, "");
      }
    } catch (error) {
      fill(place, problem(error), error instanceof Refused && h("p", { class: "fine" }, `Status ${error.status}, code ${error.code}`));
    }
    submit.disabled = false;
  };
  drawEqual();
  if (operation.inPath.some(({ name }) => name === "resourceGroupName")) {
    list("ResourceGroups_List", {}, { signal }).then((all) => {
      form.querySelector("datalist")?.replaceChildren(...all.map(({ name }) => h("option", { value: name })));
    }, () => {});
  }
  return view(id, { crumbs, lead: operation.description }, h("div", { class: "columns" },
    h("div", { class: "stack" }, form, place),
    h("div", { class: "stack" }, h("section", { class: "panel" }, h("h2", null, "Operation"), facts(operation)), h("section", { class: "panel stack" }, h("h2", null, "The same elsewhere"), equal))));
}
