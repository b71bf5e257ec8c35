// Making a cluster: what it shall be, with advice while one types; then a last look, and the same in other words.

import { fill, h, own } from "../core/dom.js";
import { isAbort, wrongFields } from "../core/errors.js";
import { call, find, list } from "../core/operations.js";
import { asked, go } from "../core/router.js";
import * as work from "../core/work.js";
import { announce, note } from "../parts/announce.js";
import { copyable } from "../parts/copy.js";
import { equivalents } from "../parts/equivalent.js";
import { box, choice, filledTags, number, sayWrong, tags, text } from "../parts/field.js";
import { notice, problem } from "../parts/notice.js";
import { view } from "../parts/view.js";
import { advice, misfits } from "./advice.js";
import { gaveUp } from "./clusters.js";
import { newGroup } from "./groups.js";

const PAUSE_MS = 300;

/** The fields, and what they say. */
function form(groups, locations) {
  const given = asked();
  const group = choice("Resource group", groups.map(({ name }) => [name, name]), { value: given.get("group") ?? groups[0]?.name, name: "resourceGroupName" });
  const name = text("Name", { value: given.get("name") ?? "", hint: "It is a part of addresses and of mount commands.", name: "clusterName" });
  const groupPlace = groups.find(({ name: of }) => of === group.value())?.location;
  const location = choice("Location", locations.map((one) => [one.name, one.displayName]), { value: groupPlace, name: "location" });
  const size = choice("Size of a node", [["", "The smallest"]], { name: "sku" });
  const nodes = number("Nodes", { value: 5, min: 3, max: 64, name: "properties.nodeCount", hint: "From 3 to 64. It stays as it is." });
  const data = number("Data rows", { min: 1, name: "properties.dataRows", optional: true, hint: "How many parts of a file are its bytes." });
  const parity = number("Parity rows", { min: 1, name: "properties.parityRows", optional: true, hint: "How many of them may be lost." });
  const guard = box("Protect it from deletion", { value: true, name: "properties.deletionProtection", hint: "It has to be taken away before the cluster, or its group, can be deleted." });
  const paper = text("Reservation", { optional: true, name: "properties.reservationId", hint: "The id of what was bought, under which it is counted. It can be said later." });
  const label = tags();
  const all = [group, name, location, size, nodes, data, parity, guard, paper, label];
  const body = () => {
    const set = { nodeCount: nodes.value(), dataRows: data.value(), parityRows: parity.value(), deletionProtection: guard.value(), reservationId: paper.value() || undefined };
    return {
      location: location.value(), ...filledTags(label), ...(size.value() && { sku: { name: size.value() } }),
      properties: Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined)),
    };
  };
  const params = () => ({ resourceGroupName: group.value(), clusterName: name.value() });
  /** The call that makes it, unless a group has one of this name. */
  const request = (condition = { "If-None-Match": "*" }) => ["Clusters_CreateOrUpdate", params(), { body: body(), headers: condition }];
  return { group, name, location, size, nodes, data, parity, guard, paper, label, all, body, params, request };
}

/** Sizes of nodes at a location, in words. */
async function readSizes(fields) {
  const sizes = await list("Skus_List", { location: fields.location.value() });
  const words = (one) => [one.name, one.description].filter(Boolean).join(": ");
  const chosen = fields.size.input.value;
  fields.size.input.replaceChildren(...sizes.map((one) => h("option", { value: one.name }, words(one))));
  if (sizes.some((one) => one.name === chosen)) fields.size.input.value = chosen;
}

/** A template for deployments that makes the same. */
function template(fields) {
  const { location, ...body } = fields.body();
  const version = find("Clusters_CreateOrUpdate").version;
  return JSON.stringify({
    $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", contentVersion: "1.0.0.0",
    resources: [{ type: "Isobar.Storage/clusters", apiVersion: version, name: fields.name.value(), location, ...body }],
  }, null, 2);
}

/** The last look before it is made. */
function review(fields, plan, { back, make }) {
  const { sku, location, tags: labels = {}, properties } = fields.body();
  const place = own(h("div"));
  const button = h("button", { class: "primary" }, "Create the cluster");
  button.onclick = async () => {
    button.disabled = true;
    fill(place);
    try {
      await make();
    } catch (error) {
      if (error.status === 412) back(Object.assign(error, { target: "clusterName", message: "The group has a cluster of this name already." }));
      else if (wrongFields(error).size > 0) back(error);
      else fill(place, problem(error));
    }
    button.disabled = false;
  };
  const row = (name, value) => [h("dt", null, name), h("dd", null, value)];
  const params = fields.params();
  return h("div", { class: "stack" },
    h("dl", { class: "facts" }, row("Name", params.clusterName), row("Resource group", params.resourceGroupName), row("Location", location), row("Size of a node", sku?.name ?? "the smallest"),
      row("Nodes", properties.nodeCount), row("Rows", plan ? `${plan.dataRows} data, ${plan.parityRows} parity` : "by the number of nodes"),
      row("Protection", properties.deletionProtection ? "protected from deletion" : "not protected"),
      properties.reservationId && row("Reservation", properties.reservationId),
      Object.keys(labels).length > 0 && row("Tags", Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(", "))),
    place, h("div", { class: "actions" }, button, h("button", { class: "plain", onclick: () => back() }, "Back")),
    h("section", { class: "stack" }, h("h2", null, "The same by other means"),
      [...equivalents(...fields.request()), ["ARM template", template(fields)]]
        .map(([what, words]) => h("div", null, h("p", { class: "label" }, what), copyable(words, what)))));
}

function describe(fields, { next, place, changed }) {
  const moreGroups = h("button", { type: "button", class: "link" }, "Make another group");
  moreGroups.onclick = async () => {
    const made = await newGroup();
    if (!made) return;
    fields.group.input.append(h("option", { value: made }, made));
    fields.group.input.value = made;
    changed();
  };
  fields.group.append(h("p", { class: "hint" }, moreGroups));
  const node = h("form", { class: "stack", novalidate: true },
    h("div", { class: "pair" }, fields.group, fields.name), h("div", { class: "pair" }, fields.location, fields.size),
    h("div", { class: "pair" }, fields.nodes, fields.data, fields.parity), fields.guard, fields.paper, fields.label,
    place, h("div", { class: "actions" }, h("button", { type: "submit", class: "primary" }, "Review"), h("a", { class: "button", href: "#/clusters" }, "Cancel")));
  node.oninput = changed;
  node.onsubmit = (event) => {
    event.preventDefault();
    next();
  };
  return node;
}

const steps = (present) => h("ol", { class: "steps" }, ["Describe it", "Review and create"].map((words, at) => h("li", { "data-step": at + 1, "aria-current": at === present ? "step" : null }, words)));

export function createView({ signal }) {
  const content = own(h("div", { class: "pane" }, h("p", { class: "quiet" }, "Loading…")));
  const beside = own(h("aside", { class: "panel advice stack tight", "aria-label": "Advice", "aria-live": "polite" }, h("h2", null, "What it will be"), h("p", { class: "quiet" }, "…")));
  const stepPlace = own(h("div"));
  begin({ content, beside, stepPlace, signal }).catch((error) => !isAbort(error) && fill(content, problem(error)));
  return view("Create a cluster", { crumbs: [["#/clusters", "Clusters"]] }, stepPlace, h("div", { class: "columns" }, h("section", { class: "panel" }, content), beside));
}

async function begin({ content, beside, stepPlace, signal }) {
  if (!find("Clusters_CreateOrUpdate")) {
    fill(content, notice("unknown", "This server makes no clusters", "It was built without them."));
    return;
  }
  const [groups, locations] = await Promise.all([list("ResourceGroups_List", {}, { signal }), list("Subscriptions_ListLocations", {}, { signal })]);
  const fields = form(groups, locations);
  const place = own(h("div"));
  let plan = null;
  let timer = 0;
  let asking = new AbortController();
  const say = (error) => {
    const wrong = error ? wrongFields(error) : new Map();
    // Not every location has machines.
    if (error?.code === "LocationNotAvailableForResourceType") wrong.set("location", error.message);
    return sayWrong(fields.all, wrong);
  };
  const think = async () => {
    asking.abort();
    asking = new AbortController();
    try {
      plan = (await call("Clusters_Plan", { location: fields.location.value() }, { body: fields.body(), signal: asking.signal })).body;
      say(null);
      sayWrong(fields.all, misfits(plan));
      fill(beside, advice(plan));
      await checkName();
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      plan = null;
      const said = say(error);
      fill(beside, h("h2", null, "What it will be"), said.size > 0 ? notice("warn", "It cannot be like this", "What is wrong stands at the fields.") : problem(error));
    }
  };
  const checkName = async () => {
    const body = { name: fields.name.value(), type: "Isobar.Storage/clusters" };
    if (!body.name || !find("CheckNameAvailability")) return;
    const answer = await call("CheckNameAvailability", { location: fields.location.value() }, { body, signal: asking.signal });
    // One that another group has is free in this one.
    fields.name.wrong(answer.body.reason === "Invalid" ? answer.body.message : "");
  };
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(think, PAUSE_MS);
  };
  const show = (step, node) => {
    fill(stepPlace, steps(step));
    content.replaceChildren(node);
  };
  const back = (error) => {
    show(0, first);
    if (error) {
      const said = say(error);
      // An error that is about one field alone stands there.
      fill(place, said.size === 1 && error.details.length === 0 ? null : problem(error, { elsewhere: said }));
      content.querySelector("[aria-invalid=true]")?.focus();
    }
  };
  const make = async () => {
    const params = fields.params();
    const answer = await call(...fields.request()).catch(async (error) => {
      if (error.status !== 412) throw error;
      // One that could not be made leaves its name to the next try, unless somebody else has begun that.
      const { body: there } = await call("Clusters_Get", params);
      if (!gaveUp(there)) throw error;
      return call(...fields.request({ "If-Match": there.etag }));
    });
    work.follow(answer, `Creating the cluster ${params.clusterName}`, answer.body.id);
    note(`The cluster ${params.clusterName} is being made.`);
    go(`#/clusters/${encodeURIComponent(params.resourceGroupName)}/${encodeURIComponent(params.clusterName)}`);
  };
  const next = async () => {
    clearTimeout(timer);
    fill(place);
    await think();
    if (!fields.name.value()) fields.name.wrong("Give it a name.");
    fields.group.wrong(fields.group.value() ? "" : "Make a group for it first.");
    const invalid = content.querySelector("[aria-invalid=true]");
    if (invalid) {
      invalid.focus();
      announce("Something is wrong: it stands at the field.");
      return;
    }
    const reviewing = review(fields, plan, { back, make });
    show(1, reviewing);
    announce("Review the cluster, then create it.");
  };
  const sizesAgain = () => readSizes(fields).then(changed, changed);
  fields.group.input.onchange = () => {
    // A cluster is mostly where its group is.
    const place = groups.find(({ name }) => name === fields.group.value())?.location;
    if (!locations.some(({ name }) => name === place) || place === fields.location.value()) return;
    fields.location.input.value = place;
    sizesAgain();
  };
  fields.location.input.onchange = sizesAgain;
  const first = describe(fields, { next, place, changed });
  show(0, first);
  await readSizes(fields).catch(() => {
    // What is wrong is said by the advice, too.
  });
  await think();
}
