// Who did what, and how it went.

import { fill, h, own } from "../core/dom.js";
import { list as listOf, call, below } from "../core/operations.js";
import { send } from "../core/http.js";
import { asked } from "../core/router.js";
import { actionWords, COLUMNS } from "../parts/activity.js";
import { datatable } from "../parts/datatable.js";
import { equivalent } from "../parts/equivalent.js";
import { different, filters, found } from "../parts/filters.js";
import { live } from "../parts/live.js";
import { empty } from "../parts/notice.js";
import { view } from "../parts/view.js";

const ROWS = 100;
const EVERY_MS = 5000;
const HOUR_MS = 3600 * 1000;
const TIMES = { 1: "Last hour", 24: "Last day", 168: "Last week" };

const quoted = (value) => value.replaceAll("'", "''");

/** The conditions of the log for what was chosen; the time is rounded, so that it is the same for a while. */
function filterOf({ group, status, time }) {
  const since = time && new Date(Math.floor((Date.now() - time * HOUR_MS) / 60000) * 60000).toISOString();
  return [since && `eventTimestamp ge '${since}'`, group && `resourceGroupName eq '${quoted(group)}'`, status && `status eq '${status}'`].filter(Boolean).join(" and ");
}

export function activityView({ signal }) {
  const more = own(h("div", { class: "row" }));
  let older = [];
  let next = null;
  const query = () => ({ $filter: filterOf(bar.values()), $top: ROWS });
  const bar = filters([["group", "All groups"], ["status", "All outcomes"], ["time", "Any time"]], () => {
    older = [];
    shown.again();
  }, { search: "Search activity" });
  bar.offer("status", [["Succeeded"], ["Accepted"], ["Failed"]]);
  bar.offer("time", Object.entries(TIMES));
  const offerGroups = async () => bar.offer("group", different([asked().get("group"), ...(await listOf("ResourceGroups_List", {}, { signal })).map(({ name }) => name)]));
  offerGroups().catch(() => bar.offer("group", different([asked().get("group")])));
  const load = async () => {
    const { body } = await call("ActivityLogs_List", {}, { query: query(), signal });
    if (older.length === 0) next = body.nextLink;
    return body.value;
  };
  let reading = false;
  const readMore = async () => {
    if (reading) return;
    reading = true;
    const before = older;
    try {
      const { body } = await send({ method: "GET", url: below(next), signal });
      // Somebody may have chosen other entries meanwhile.
      if (older !== before) return;
      older.push(...body.value);
      next = body.nextLink;
    } finally {
      reading = false;
    }
    shown.again();
  };
  const shown = live(signal, EVERY_MS, load, (newest) => {
    const known = new Set(newest.map(({ eventDataId }) => eventDataId));
    const entries = [...newest, ...older.filter(({ eventDataId }) => !known.has(eventDataId))];
    const { search } = bar.values();
    const fitting = entries.filter((entry) => found(search, [entry.operationName.value, actionWords(entry.operationName.value), entry.resourceId, entry.caller, entry.properties?.code]));
    fill(more, next && h("button", { class: "plain", onclick: readMore }, "Show older entries"));
    return [fitting.length > 0 ? datatable("Activity", COLUMNS, fitting, ({ eventDataId }) => eventDataId)
      : empty("Nothing fits", "Every change is kept here for ever. Choose another time, outcome or group.")];
  });
  return view("Activity log", { lead: "Every change and every refused one, the newest first." }, bar, shown.place, more, equivalent(["ActivityLogs_List", {}, { query: { $top: ROWS } }]));
}
