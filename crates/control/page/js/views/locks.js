// All locks of the subscription.

import { h } from "../core/dom.js";
import { pageOf, scopeOf, scopeWords } from "../core/ids.js";
import { list } from "../core/operations.js";
import * as session from "../core/session.js";
import { datatable } from "../parts/datatable.js";
import { equivalent } from "../parts/equivalent.js";
import { CALM_MS, live } from "../parts/live.js";
import { empty } from "../parts/notice.js";
import { levelWords, newLock, removeLock } from "../parts/panels.js";
import { view } from "../parts/view.js";
import { scopes } from "./assignments.js";

export function locksView({ signal }) {
  const scope = `/subscriptions/${session.subscription()}`;
  const add = async () => (await newLock(await scopes())) && shown.again();
  const addButton = () => h("button", { class: "primary", onclick: add }, "Add a lock");
  const columns = [
    { label: "Name", cell: ({ name, properties }) => [h("span", { class: "name" }, name), h("div", { class: "fine" }, properties.notes ?? "")] },
    { label: "For", cell: ({ id }) => (pageOf(scopeOf(id)) ? h("a", { href: pageOf(scopeOf(id)) }, scopeWords(scopeOf(id))) : scopeWords(scopeOf(id))) },
    { label: "Forbids", cell: ({ properties }) => levelWords(properties.level) },
    { label: "", end: true, cell: (lock) => h("button", { class: "plain small", onclick: async () => (await removeLock(lock)) && shown.again() }, "Remove", h("span", { class: "hidden" }, ` lock ${lock.name}`)) },
  ];
  const shown = live(signal, CALM_MS, () => list("Locks_List", { scope }, { signal }), (locks) => [
    locks.length > 0 ? datatable("Locks", columns, locks, ({ id }) => id)
      : empty("There is no lock", "A lock keeps a subscription, a group or a cluster from being deleted or changed, also by those who have the right.", addButton()),
    equivalent(["Locks_List", { scope }])]);
  return view("Locks", { actions: [addButton()] }, shown.place);
}
