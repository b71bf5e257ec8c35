// All clusters: how they are, how full, what they do now.

import { h } from "../core/dom.js";
import { bytes, count, percent, plural, rate } from "../core/format.js";
import { sample } from "../core/history.js";
import { groupOf, pageOf } from "../core/ids.js";
import { find, list } from "../core/operations.js";
import { datatable } from "../parts/datatable.js";
import { equivalent } from "../parts/equivalent.js";
import { different, filters, found } from "../parts/filters.js";
import { live, LIVE_MS } from "../parts/live.js";
import { meter } from "../parts/meter.js";
import { empty, notice } from "../parts/notice.js";
import { kindOf, state } from "../parts/state.js";
import { tagList, view } from "../parts/view.js";

/** Whether it could not be made: it has no nodes then, and no files. */
export const gaveUp = ({ properties }) => ["Failed", "Canceled"].includes(properties.provisioningState) && !properties.clusterId;

/** The state to show of a cluster: what is being done with it, or else how it is. */
export function stateOf(cluster) {
  const { provisioningState: doing, health } = cluster.properties;
  return kindOf(doing) === "busy" || gaveUp(cluster) ? doing : health?.state ?? "Unknown";
}

const createLink = () => h("a", { class: "button primary", href: "#/create" }, "Create a cluster");
const sum = (clusters, of) => clusters.reduce((all, { properties }) => all + (of(properties) ?? 0), 0);
const tagsOf = (cluster) => Object.entries(cluster.tags ?? {}).map(([name, value]) => `${name}=${value}`);

/** What narrow screens have no columns for. */
const narrow = ({ properties: { capacity, throughput } }) => throughput && h("div", { class: "fine number narrow-only" },
  `${rate(throughput.readBytesPerSecond)} read, ${rate(throughput.writtenBytesPerSecond)} written, ${percent(capacity?.usedBytes, capacity?.totalBytes)} full`);

const COLUMNS = [
  { label: "Name", sort: ({ name }) => name, cell: (cluster) => [h("a", { class: "name", href: pageOf(cluster.id) }, cluster.name), h("div", { class: "fine" }, groupOf(cluster.id))] },
  {
    label: "Health", sort: (cluster) => ["bad", "warn", "busy", "unknown", "off", "good"].indexOf(kindOf(stateOf(cluster))),
    cell: (cluster) => [state(stateOf(cluster)), h("div", { class: "fine" }, cluster.properties.health?.statement ?? ""), narrow(cluster)],
  },
  {
    label: "Nodes up", end: true, wide: true, sort: ({ properties }) => properties.nodeCount,
    cell: ({ properties }) => `${properties.health?.nodesUp ?? "–"} of ${properties.nodeCount}`,
  },
  {
    label: "Capacity", wide: true, sort: ({ properties: { capacity } }) => (capacity?.totalBytes ? capacity.usedBytes / capacity.totalBytes : 0),
    cell: ({ properties: { capacity } }) => meter(capacity?.usedBytes, capacity?.totalBytes, { short: true }),
  },
  { label: "Read", end: true, wide: true, sort: ({ properties }) => properties.throughput?.readBytesPerSecond ?? 0, cell: ({ properties }) => rate(properties.throughput?.readBytesPerSecond) },
  { label: "Written", end: true, wide: true, sort: ({ properties }) => properties.throughput?.writtenBytesPerSecond ?? 0, cell: ({ properties }) => rate(properties.throughput?.writtenBytesPerSecond) },
  { label: "Operations/s", end: true, wide: true, sort: ({ properties }) => properties.throughput?.operationsPerSecond ?? 0, cell: ({ properties }) => count(properties.throughput?.operationsPerSecond) },
  { label: "Location", wide: true, sort: ({ location }) => location, cell: ({ location, tags }) => [location, h("div", null, tagList(tags))] },
];

function figures(clusters) {
  const attention = clusters.filter((cluster) => ["bad", "warn"].includes(kindOf(stateOf(cluster)))).length;
  const [used, total] = [sum(clusters, ({ capacity }) => capacity?.usedBytes), sum(clusters, ({ capacity }) => capacity?.totalBytes)];
  const of = (name, value, beside) => h("div", null, h("dt", null, name), h("dd", null, value), beside && h("dd", { class: "fine" }, beside));
  return h("dl", { class: "figures" },
    of("Clusters", clusters.length, attention ? h("span", { class: "warn" }, `${plural(attention, "needs", "need")} attention`) : "all are well"),
    of("Nodes up", sum(clusters, ({ health }) => health?.nodesUp), `of ${sum(clusters, ({ nodeCount }) => nodeCount)}`),
    of("Used", bytes(used), total ? `${percent(used, total)} of ${bytes(total)}` : "nothing there yet"),
    of("Read", rate(sum(clusters, ({ throughput }) => throughput?.readBytesPerSecond)), "now"),
    of("Written", rate(sum(clusters, ({ throughput }) => throughput?.writtenBytesPerSecond)), "now"),
    of("Operations", `${count(sum(clusters, ({ throughput }) => throughput?.operationsPerSecond))}/s`, "now"));
}

const NOTHING = () => empty("There is no cluster yet",
  "A cluster is a file system of 3 to 64 nodes. Say how large it has to be, see what it will survive, and it is made in about a minute.", createLink());

export function clustersView({ signal }) {
  let order = { by: "Name", down: false };
  const bar = filters([["group", "All groups"], ["location", "All locations"], ["tag", "All tags"]], () => shown.redraw(), { search: "Search clusters" });
  const draw = (clusters) => {
    clusters.forEach(sample);
    bar.hidden = clusters.length === 0;
    if (clusters.length === 0) return NOTHING();
    bar.offer("group", different(clusters.map(({ id }) => groupOf(id))));
    bar.offer("location", different(clusters.map(({ location }) => location)));
    bar.offer("tag", different(clusters.flatMap(tagsOf)));
    const { search, group, location, tag } = bar.values();
    const fitting = clusters.filter((cluster) => (!group || groupOf(cluster.id) === group) && (!location || cluster.location === location)
      && (!tag || tagsOf(cluster).includes(tag)) && found(search, [cluster.name, groupOf(cluster.id), cluster.location, stateOf(cluster), ...tagsOf(cluster)]));
    const onorder = (wanted) => {
      order = wanted;
      shown.redraw();
    };
    return [figures(fitting), fitting.length > 0
      ? datatable("Clusters", COLUMNS, fitting, ({ id }) => id, { order, onorder })
      : empty("No cluster fits", "Search for something else, or choose all groups, locations and tags."),
    equivalent(["Clusters_ListBySubscription"])];
  };
  if (!find("Clusters_ListBySubscription")) {
    return view("Clusters", {}, notice("unknown", "This server makes no clusters", "It was built without them. Everything else works."));
  }
  const shown = live(signal, LIVE_MS, () => list("Clusters_ListBySubscription", {}, { signal }), draw);
  return view("Clusters", { actions: [createLink()] }, bar, shown.place);
}
