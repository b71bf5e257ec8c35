// Subscriptions: separate sets of groups, rights and locks.

import { h } from "../core/dom.js";
import { list } from "../core/operations.js";
import * as session from "../core/session.js";
import { note } from "../parts/announce.js";
import { datatable } from "../parts/datatable.js";
import { formDialog } from "../parts/dialog.js";
import { equivalent } from "../parts/equivalent.js";
import { choice, text } from "../parts/field.js";
import { CALM_MS, live } from "../parts/live.js";
import { state } from "../parts/state.js";
import { view } from "../parts/view.js";

const STATES = [
  ["Registered", "Registered: everything works"], ["Warned", "Warned: nothing can be made or changed"],
  ["Suspended", "Suspended: nothing can be made or changed"], ["Deleted", "Deleted: it is hidden, and kept"],
];
/** What a lifecycle's states are called where subscriptions are listed. */
const SHOWN = { Enabled: "Registered", Warned: "Warned", Disabled: "Suspended", Deleted: "Deleted" };

async function change(present) {
  const name = text("Name", { value: present?.displayName ?? "", name: "properties.displayName" });
  const lifecycle = choice("State", STATES, { value: SHOWN[present?.state] ?? "Registered", name: "state" });
  const id = present?.subscriptionId ?? crypto.randomUUID();
  const request = () => ["Subscriptions_PutLifecycle", { subscriptionId: id }, { body: { state: lifecycle.value(), properties: { displayName: name.value() } } }];
  const done = await formDialog(present ? `Change ${present.displayName}` : "Make a subscription", {
    fields: present ? [name, lifecycle] : [name], action: present ? "Change it" : "Make it", request,
  });
  if (done) note(present ? "The subscription was changed." : "The subscription was made. It is among the choices on top when the page is loaded again.");
  return done;
}

export function subscriptionsView({ signal }) {
  const changing = (present) => async () => (await change(present)) && shown.again();
  const columns = [
    { label: "Name", cell: ({ displayName, subscriptionId }) => [h("span", { class: "name" }, displayName), subscriptionId === session.subscription() && h("span", { class: "fine" }, " (this one)")] },
    { label: "State", cell: (one) => state(one.state) },
    { label: "Id", wide: true, cell: ({ subscriptionId }) => h("code", null, subscriptionId) },
    { label: "", end: true, cell: (one) => h("button", { class: "plain small", onclick: changing(one) }, "Change", h("span", { class: "hidden" }, ` ${one.displayName}`)) },
  ];
  const shown = live(signal, CALM_MS, () => list("Subscriptions_List", {}, { signal }), (all) => [
    datatable("Subscriptions", columns, all, ({ subscriptionId }) => subscriptionId), equivalent(["Subscriptions_List"])]);
  return view("Subscriptions", { actions: [h("button", { class: "primary", onclick: changing(null) }, "Make a subscription")] }, shown.place);
}
