// The map of a cluster's nodes by fault domain, and what can be done with one.

import { fill, h, keyed, own } from "../core/dom.js";
import { ago, bytes, count, plural, rate } from "../core/format.js";
import { isSame } from "../core/ids.js";
import { call } from "../core/operations.js";
import * as work from "../core/work.js";
import { dialog, formDialog } from "../parts/dialog.js";
import { equivalent } from "../parts/equivalent.js";
import { icon } from "../parts/icon.js";
import { meter } from "../parts/meter.js";
import { notice } from "../parts/notice.js";
import { kindOf, state } from "../parts/state.js";
import { gaveUp } from "./clusters.js";

const ACTIONS = {
  restart: { id: "Nodes_Restart", words: "Restart", doing: "Restarting", title: "Restart" },
  replace: { id: "Nodes_Replace", words: "Replace", doing: "Replacing", title: "Replace" },
};

/** From so many nodes on, the map says less of each. */
const MANY = 24;

/** What is being done with a node, or else how it is. */
const stateOfNode = ({ properties: { provisioningState: doing, state: is } }) => (kindOf(doing) === "busy" ? doing : is);

const total = (node, of) => (node.properties.targets ?? []).reduce((sum, target) => sum + (target[of] ?? 0), 0);

/** What may be lost while a node is away, in words. */
function meanwhile(may) {
  if (may === undefined) return "What may be lost meanwhile is not known";
  return may === 0 ? "No other node may be lost meanwhile" : `${plural(may, "more node")} may be lost meanwhile`;
}

/** Tries an action without doing it, shows what would happen, and does it when told to. */
async function act(params, node, { id, words, doing, title }, clusterId) {
  const of = { ...params, nodeName: node.name };
  const { body: plan } = await call(id, of, { body: { dryRun: true } });
  const may = plan.nodesMayBeLostMeanwhile;
  const lines = h("ul", null, plan.statements.map((line) => h("li", null, line)));
  if (!plan.allowed) {
    await dialog(`${title} ${node.name}`, (close) => h("div", { class: "stack" }, notice("bad", "Not as things are now", lines),
      h("p", { class: "fine" }, "Nothing was done: this was a dry run."), h("div", { class: "actions" }, h("button", { class: "primary", onclick: () => close() }, "Close"))));
    return null;
  }
  const answer = await formDialog(`${title} ${node.name}`, {
    fields: [
      notice(may > 0 ? "good" : "warn", meanwhile(may), "This is what will happen:", lines),
      h("p", { class: "fine" }, "Nothing was done yet: this was a dry run."),
    ],
    action: `${words} ${node.name}`, danger: !(may > 0), request: () => [id, of, { body: { dryRun: false } }],
  });
  return answer && work.follow(answer, `${doing} ${node.name} of ${params.clusterName}`, clusterId);
}

function tile(node, leader, chosen, choose) {
  const { properties } = node;
  const name = stateOfNode(node);
  const leads = isSame(node.name, leader);
  return keyed(node.name, h("li", null, h("button", { class: `node ${kindOf(name)}`, "aria-pressed": String(chosen), onclick: choose },
    h("span", { class: "row" }, h("strong", { class: "grow" }, node.name), state(name)),
    h("span", { class: "marks" }, properties.votes && h("span", null, icon("vote"), "votes"), leads && h("span", null, icon("leader"), "leads"),
      !properties.votes && !leads && h("span", null, "stores")),
    meter(total(node, "usedBytes"), total(node, "totalBytes"), { short: true }),
    h("span", { class: "rates fine number" }, h("span", null, "read"), h("span", null, rate(properties.throughput?.readBytesPerSecond)),
      h("span", null, "written"), h("span", null, rate(properties.throughput?.writtenBytesPerSecond))))));
}

function details(node, doing, problemPlace) {
  const { properties } = node;
  const action = (one) => h("button", { class: "plain", onclick: () => doing(one) }, `${one.words}…`, h("span", { class: "hidden" }, ` ${node.name}`));
  const targets = properties.targets ?? [];
  return h("section", { class: "chosen stack tight", "aria-labelledby": "chosen-node" },
    h("div", { class: "row" }, h("h3", { id: "chosen-node", class: "grow" }, `${node.name}: ${properties.statement ?? properties.state}`), action(ACTIONS.restart), action(ACTIONS.replace)),
    problemPlace,
    h("dl", { class: "facts" },
      h("dt", null, "Address"), h("dd", null, h("code", null, properties.address ?? "–")),
      h("dt", null, "Version"), h("dd", null, properties.version ?? "–"),
      h("dt", null, "Metadata"), h("dd", null, properties.votes ? "has a vote" : "has no vote"),
      h("dt", null, "Targets"), h("dd", null, targets.length === 0 ? "–" : targets.map((target) => h("div", { class: "row" }, state(target.state), h("code", null, target.id), h("span", { class: "fine" }, `${bytes(target.usedBytes)} of ${bytes(target.totalBytes)}`)))),
      h("dt", null, "Operations"), h("dd", null, properties.throughput ? `${count(properties.throughput.operationsPerSecond)}/s` : "–"),
      h("dt", null, "Seen"), h("dd", null, properties.observedAt ? ago(properties.observedAt) : "–"),
      properties.provisioningState !== "Succeeded" && [h("dt", null, "Last operation"), h("dd", null, state(properties.provisioningState))]));
}

/** Words on what the map means. */
function survival(cluster, domains) {
  const { health, parityRows } = cluster.properties;
  const named = domains.filter(([name]) => name).length;
  return h("p", { class: "quiet" }, health?.nodesMayBeLost === undefined ? `Every file has ${plural(parityRows, "parity row")}.`
    : health.nodesMayBeLost > 0 ? `Now any ${plural(health.nodesMayBeLost, "more node")} may be lost, and nothing is lost.` : "Now no further node may be lost.",
  named > 1 ? ` The nodes are in ${plural(named, "fault domain")}.` : "");
}

/** The panel; it has `draw(cluster, nodes)`. */
export function nodesPanel(params, clusterId, again) {
  const place = own(h("div", { class: "stack tight" }, h("p", { class: "quiet" }, "Loading…")));
  const problemPlace = own(h("div"));
  let chosen = null;
  let present = null;
  const doing = async (node, action) => {
    fill(problemPlace);
    try {
      await act(params, node, action, clusterId);
      again();
    } catch (error) {
      fill(problemPlace, notice("bad", "It cannot be tried", error.message));
    }
  };
  const node = own(h("section", { class: "panel" }, h("h2", null, "Nodes"), place));
  node.draw = (cluster, nodes) => {
    present = [cluster, nodes];
    if (nodes.length === 0) {
      fill(place, h("p", { class: "quiet" }, gaveUp(cluster) ? "It has none: it was not made." : "They appear when the cluster is there."));
      return;
    }
    const choose = (name) => () => {
      chosen = name;
      fill(problemPlace);
      node.draw(...present);
    };
    const first = nodes.find((one) => kindOf(stateOfNode(one)) !== "good") ?? nodes[0];
    const shown = nodes.find((one) => one.name === chosen) ?? first;
    const names = [...new Set(nodes.map(({ properties }) => properties.faultDomain ?? ""))].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    const domains = names.map((name) => [name, nodes.filter(({ properties }) => (properties.faultDomain ?? "") === name)]);
    fill(place, survival(cluster, domains),
      h("div", { class: ["domains", domains.length === 1 && "one", nodes.length > MANY && "many"].filter(Boolean).join(" ") }, domains.map(([name, inside]) => {
        const up = inside.filter(({ properties }) => properties.state === "Up").length;
        return keyed(`domain ${name}`, h("div", { class: "domain" },
          h("h3", null, name || (domains.length > 1 ? "No fault domain" : "All nodes"), h("span", { class: "fine" }, `${up} of ${inside.length} up`)),
          h("ul", { class: "nodes" }, inside.map((one) => tile(one, cluster.properties.health?.leader, one === shown, choose(one.name))))));
      })),
      details(shown, (action) => doing(shown, action), problemPlace), equivalent(["Nodes_List", params]));
  };
  return node;
}
