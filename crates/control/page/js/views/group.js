// One resource group.

import { h } from "../core/dom.js";
import { hear } from "../core/events.js";
import { moment } from "../core/format.js";
import { isSame, pageOf } from "../core/ids.js";
import { call, list } from "../core/operations.js";
import { go } from "../core/router.js";
import * as session from "../core/session.js";
import * as work from "../core/work.js";
import { activityPanel } from "../parts/activity.js";
import { datatable } from "../parts/datatable.js";
import { confirmDialog } from "../parts/dialog.js";
import { equivalent } from "../parts/equivalent.js";
import { LIVE_MS, live } from "../parts/live.js";
import { empty } from "../parts/notice.js";
import { locksPanel, tagsPanel } from "../parts/panels.js";
import { state } from "../parts/state.js";
import { view } from "../parts/view.js";
import { workPlace } from "../parts/work.js";

const COLUMNS = [
  { label: "Name", cell: ({ id, name }) => (pageOf(id) ? h("a", { class: "name", href: pageOf(id) }, name) : name) },
  { label: "Type", cell: ({ type }) => type.split("/").slice(1).join("/") },
  { label: "State", cell: ({ provisioningState }) => state(provisioningState) },
  { label: "Location", wide: true, cell: ({ location }) => location },
];

async function remove(name, id) {
  const resources = await list("Resources_ListByResourceGroup", { resourceGroupName: name });
  const params = { resourceGroupName: name };
  const answer = await confirmDialog(`Delete the group ${name}?`, {
    lines: [resources.length === 0 ? "There is nothing in it. Its locks, roles and tags go with it."
      : `Everything in it goes with it, and cannot be brought back: ${resources.map((one) => one.name).join(", ")}.`],
    name, action: "Delete the group", request: () => ["ResourceGroups_Delete", params],
  });
  if (answer) work.follow(answer, `Deleting the group ${name}`, id);
}

export function groupView({ params: { group: name }, signal }) {
  const id = `/subscriptions/${session.subscription()}/resourceGroups/${name}`;
  const params = { resourceGroupName: name };
  const facts = live(signal, LIVE_MS, async () => (await call("ResourceGroups_Get", params, { signal })).body, (group) => [
    h("dl", { class: "facts" },
      h("dt", null, "State"), h("dd", null, state(group.properties.provisioningState)),
      h("dt", null, "Location"), h("dd", null, group.location),
      group.systemData && [h("dt", null, "Made"), h("dd", null, moment(group.systemData.createdAt))],
      h("dt", null, "Id"), h("dd", null, h("code", null, group.id)))]);
  const content = live(signal, LIVE_MS * 2, () => list("Resources_ListByResourceGroup", params, { query: { $expand: "provisioningState" }, signal }), (resources) => [
    resources.length === 0 ? empty("Nothing is in this group", "Clusters that are made in it stand here.", h("a", { class: "button", href: `#/create?group=${encodeURIComponent(name)}` }, "Create a cluster"))
      : datatable("Resources", COLUMNS, resources, (one) => one.id)]);
  hear("work-ended", (item) => {
    if (isSame(item.target, id) && item.status === "Succeeded" && !signal.aborted) go("#/groups");
  }, signal);
  return view(name, {
    crumbs: [["#/groups", "Resource groups"]],
    actions: [h("button", { class: "danger", onclick: () => remove(name, id) }, "Delete the group")],
  }, workPlace(id, signal), h("div", { class: "columns" },
    h("div", { class: "stack" }, h("section", { class: "panel" }, h("h2", null, "Resources"), content.place), activityPanel(signal, `resourceGroupName eq '${name}'`)),
    h("div", { class: "stack" }, h("section", { class: "panel" }, h("h2", null, "Group"), facts.place, equivalent(["ResourceGroups_Get", params])), tagsPanel(signal, id), locksPanel(signal, id))));
}
