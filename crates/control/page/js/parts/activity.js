// Entries of the activity log, as they are shown.

import { h } from "../core/dom.js";
import { ago, moment } from "../core/format.js";
import { isSame, pageOf, scopeWords } from "../core/ids.js";
import { all, call, find } from "../core/operations.js";
import * as session from "../core/session.js";
import { datatable } from "./datatable.js";
import { equivalent } from "./equivalent.js";
import { live } from "./live.js";
import { state } from "./state.js";

const PANEL_ROWS = 8;
const PANEL_MS = 5000;

/** What people call an action: the table's words for it. */
export const actionWords = (action) => all().find(({ permission }) => permission === action)?.summary ?? action;

/** Who did it. */
const callerWords = (caller) => (isSame(caller, session.client()) ? "you" : caller || "the control plane");

/** The columns of a list of entries. */
export const COLUMNS = [
  {
    label: "What", cell: ({ operationName, resourceId, eventTimestamp }) => {
      const page = pageOf(resourceId);
      const scope = scopeWords(resourceId);
      return [actionWords(operationName.value), h("div", { class: "fine" }, page ? h("a", { href: page }, scope) : scope),
        h("div", { class: "fine narrow-only" }, ago(eventTimestamp))];
    },
  },
  { label: "Outcome", cell: ({ status, subStatus, properties }) => [state(status.value), status.value === "Failed" && h("div", { class: "fine" }, [subStatus?.value, properties?.code].filter(Boolean).join(" "))] },
  { label: "When", wide: true, cell: ({ eventTimestamp }) => h("span", { class: "nowrap", title: moment(eventTimestamp) }, ago(eventTimestamp)) },
  { label: "By", wide: true, cell: ({ caller }) => h("span", { title: caller }, callerWords(caller)) },
];

/** The last entries about a resource or a group. */
export function activityPanel(signal, filter) {
  const query = { $filter: filter, $top: PANEL_ROWS };
  const { place } = live(signal, PANEL_MS, async () => (await call("ActivityLogs_List", {}, { query, signal })).body.value, (entries) => [
    entries.length === 0 ? h("p", { class: "quiet" }, "Nothing was done yet.") : datatable("Activity", COLUMNS, entries, ({ eventDataId }) => eventDataId)]);
  return find("ActivityLogs_List") && h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", null, "Activity"), h("a", { href: "#/activity" }, "All activity")),
    place, equivalent(["ActivityLogs_List", {}, { query }]));
}
