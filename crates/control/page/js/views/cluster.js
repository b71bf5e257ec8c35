// One cluster: how it is, what it does, its nodes, what can be done with it.

import { fill, h, own } from "../core/dom.js";
import { hear } from "../core/events.js";
import { bytes, count, percent, rate } from "../core/format.js";
import { sample, samplesOf } from "../core/history.js";
import { groupOf, isSame } from "../core/ids.js";
import { call, list } from "../core/operations.js";
import { go } from "../core/router.js";
import * as session from "../core/session.js";
import { activityPanel } from "../parts/activity.js";
import { note } from "../parts/announce.js";
import { chart } from "../parts/chart.js";
import { equivalent } from "../parts/equivalent.js";
import { LIVE_MS, live } from "../parts/live.js";
import { meter } from "../parts/meter.js";
import { notice } from "../parts/notice.js";
import { locksPanel, tagsPanel } from "../parts/panels.js";
import { kindOf, state } from "../parts/state.js";
import { view } from "../parts/view.js";
import { workPlace } from "../parts/work.js";
import { deletePanel, mountPanel, protectionPanel } from "./clusterpanels.js";
import { gaveUp, stateOf } from "./clusters.js";
import { nodesPanel } from "./nodes.js";
import { validationsPanel } from "./validations.js";

/** One that could not be made: what can be done about it. */
function notMade({ id, name, properties }) {
  const query = new URLSearchParams({ group: groupOf(id), name });
  const why = properties.provisioningState === "Canceled" ? "Making it was cancelled." : "What went wrong is told by the operation that failed.";
  return notice("bad", "It was not made", why, h("p", null, h("a", { href: `#/create?${query}` }, "Create it again"), " with the same name, or delete it."));
}

/** The sentence on its health, and what to do. */
function healthNotice({ properties }) {
  const { health, provisioningState: doing } = properties;
  if (kindOf(doing) === "busy" && !health) return notice("unknown", `It is being ${doing === "Deleting" ? "deleted" : "made"}`, "Its nodes and numbers appear when it is there.");
  if (!health) return notice("unknown", "Nobody has looked at it yet", "Its health is looked at every few seconds while this page is open.");
  const kind = kindOf(health.state);
  return notice(kind, h("span", { class: "statement" }, health.statement), (health.attention ?? []).length > 0 && h("ul", null, health.attention.map((line) => h("li", null, line))));
}

/** What was done with it last, if that went badly: it is there all the same. */
const lastNotice = ({ properties: { provisioningState: last } }) => ["Failed", "Canceled"].includes(last)
  && notice("warn", `The last operation on it ${last === "Failed" ? "failed" : "was cancelled"}`,
    last === "Failed" && "What went wrong is told by that operation.", "How it is now stands below.");

function figures({ properties: { capacity, throughput, health, nodeCount, dataRows, parityRows } }) {
  const of = (name, value, beside) => h("div", null, h("dt", null, name), h("dd", null, value), beside && h("dd", { class: "fine" }, beside));
  const may = health?.nodesMayBeLost;
  return h("dl", { class: "figures" },
    of("Nodes up", health ? `${health.nodesUp} of ${nodeCount}` : `– of ${nodeCount}`, health?.leader ? `${health.leader} leads` : "no leader is known"),
    of("May still be lost", may === undefined ? "–" : may, may === 1 ? "node" : "nodes"),
    of("Used", bytes(capacity?.usedBytes), capacity ? `${percent(capacity.usedBytes, capacity.totalBytes)} of ${bytes(capacity.totalBytes)}` : ""),
    of("Rows", `${dataRows} + ${parityRows}`, "data + parity"),
    of("Read", rate(throughput?.readBytesPerSecond), "now"),
    of("Written", rate(throughput?.writtenBytesPerSecond), "now"),
    of("Operations", throughput ? `${count(throughput.operationsPerSecond)}/s` : "–", "now"));
}

function facts(cluster) {
  const { properties, sku, location } = cluster;
  return h("dl", { class: "facts" },
    h("dt", null, "Capacity"), h("dd", null, meter(properties.capacity?.usedBytes, properties.capacity?.totalBytes)),
    h("dt", null, "Location"), h("dd", null, location),
    h("dt", null, "Size"), h("dd", null, sku?.name ?? "–"),
    h("dt", null, "Provider"), h("dd", null, properties.provider ?? "–"),
    h("dt", null, "Cluster id"), h("dd", null, properties.clusterId ? h("code", null, properties.clusterId) : "–"));
}

function charts() {
  const bytesChart = chart("Throughput", [{ label: "Read", of: ({ read }) => read }, { label: "Written", of: ({ written }) => written }], rate, 1000);
  const operationsChart = chart("Operations per second", [{ label: "Operations", of: ({ operations }) => operations }], (value) => `${count(value)}/s`, 10);
  const node = own(h("section", { class: "halves", "aria-label": "What it does now" }, bytesChart, operationsChart));
  node.draw = (samples) => {
    bytesChart.draw(samples);
    operationsChart.draw(samples);
  };
  return node;
}

export function clusterView({ params: { group, cluster: name }, signal }) {
  const params = { resourceGroupName: group, clusterName: name };
  const id = `/subscriptions/${session.subscription()}/resourceGroups/${group}/providers/Isobar.Storage/clusters/${name}`;
  const badge = own(h("span"));
  const side = own(h("div", { class: "stack" }));
  const graphs = charts();
  const protection = own(h("div", { class: "stack" }));
  const load = async () => {
    const [cluster, nodes] = await Promise.all([call("Clusters_Get", params, { signal }), list("Nodes_List", params, { signal })]);
    return { cluster: cluster.body, nodes };
  };
  const map = nodesPanel(params, id, () => shown.again());
  const shown = live(signal, LIVE_MS, load, ({ cluster, nodes }) => {
    sample(cluster);
    graphs.hidden = false;
    graphs.draw(samplesOf(cluster.id));
    map.draw(cluster, nodes);
    fill(badge, state(stateOf(cluster)));
    fill(side, h("section", { class: "panel" }, h("h2", null, "Cluster"), facts(cluster), equivalent(["Clusters_Get", params])), mountPanel(cluster, params));
    fill(protection, !gaveUp(cluster) && protectionPanel(cluster, params, () => shown.again()), deletePanel(cluster, params, id, () => shown.again()));
    return [gaveUp(cluster) ? notMade(cluster) : [lastNotice(cluster), healthNotice(cluster)], figures(cluster)];
  });
  const validations = validationsPanel(signal, params, id, () => shown.again());
  graphs.hidden = true;
  const check = async () => {
    const { body } = await call("Clusters_CheckHealth", params, { signal });
    note(body.statement);
    shown.again();
  };
  hear("work-ended", (item) => {
    if (!isSame(item.target, id)) return;
    if (item.status === "Succeeded" && /^Deleting the cluster/.test(item.title)) go("#/clusters");
    else {
      shown.again();
      validations.again();
    }
  }, signal);
  return view(name, {
    crumbs: [["#/clusters", "Clusters"], [`#/groups/${encodeURIComponent(group)}`, group]], beside: badge,
    actions: [h("button", { class: "plain", onclick: check }, "Look now")],
  }, workPlace(id, signal), shown.place, graphs, h("div", { class: "columns" },
    h("div", { class: "stack" }, map, validations.panel, activityPanel(signal, `resourceId eq '${id}'`)),
    h("div", { class: "stack" }, side, tagsPanel(signal, id), locksPanel(signal, id), protection)));
}
