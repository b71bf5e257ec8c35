// How ready a cluster was when it was measured: measuring it, what came of it, and the report.

import { h, own } from "../core/dom.js";
import { ago } from "../core/format.js";
import { call, find, list } from "../core/operations.js";
import * as work from "../core/work.js";
import { note } from "../parts/announce.js";
import { datatable } from "../parts/datatable.js";
import { confirmDialog, dialog, formDialog } from "../parts/dialog.js";
import { equivalent } from "../parts/equivalent.js";
import { box, number, text } from "../parts/field.js";
import { CALM_MS, live } from "../parts/live.js";
import { notice } from "../parts/notice.js";
import { kindOf, state } from "../parts/state.js";

/** Long enough for the browser to have taken a file that is saved. */
const SAVED_MS = 10000;

/** What is said of a validation: its verdict once there is one. */
const stateOf = ({ properties: { verdict, provisioningState } }) => verdict ?? provisioningState;

/** A name that none of them has. */
function freeName(taken) {
  const day = new Date().toISOString().slice(0, 10);
  const names = new Set(taken.map(({ name }) => name));
  return [`readiness-${day}`, ...Array.from({ length: names.size }, (_, at) => `readiness-${day}-${at + 2}`)].find((name) => !names.has(name));
}

async function measure(params, id, taken) {
  const name = text("Name", { value: freeName(taken), name: "validationName" });
  const seconds = number("Seconds of each workload", { value: 10, min: 1, name: "properties.seconds", hint: "Longer measures better. All of it takes about twelve times as long." });
  const drill = box("Stop a node under load, and start it again", { value: true, name: "properties.drill", hint: "Shows that clients go on without it. Nothing is lost by that." });
  const request = () => ["Validations_CreateOrUpdate", { ...params, validationName: name.value() },
    { body: { properties: { seconds: seconds.value(), drill: drill.value() } } }];
  const answer = await formDialog("Measure how ready it is", {
    fields: [h("p", null, "Files are written, read, checked and removed again. Whoever uses the cluster meanwhile is slowed down, and slows it down."), name, seconds, drill],
    action: "Measure", request,
  });
  return answer && work.follow(answer, `Measuring ${params.clusterName}`, id);
}

/** Saves the report as a file: it is a page with styles of its own, which this page may not have inside. */
async function saveReport(of, cluster) {
  const { body } = await call("ValidationReports_Get", of);
  const url = URL.createObjectURL(new Blob([body.properties.html], { type: "text/html" }));
  const link = h("a", { href: url, download: `${cluster}-${of.validationName}.html` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), SAVED_MS);
  note("The report was saved.");
}

const VERDICTS = { pass: "Passed", FAIL: "Failed" };

/** What was measured, and what came of it. */
function results(params, { name, properties }) {
  const of = { ...params, validationName: name };
  const columns = [
    { label: "What", cell: ({ name: what, reason, verdict }) => [what, verdict !== "pass" && h("div", { class: "fine" }, reason)] },
    { label: "Measured", end: true, cell: ({ measured }) => h("span", { class: "nowrap" }, measured) },
    { label: "Model", end: true, wide: true, cell: ({ predicted }) => predicted },
    { label: "Target", end: true, wide: true, cell: ({ target }) => target },
    { label: "Verdict", cell: ({ verdict }) => (VERDICTS[verdict] ? state(VERDICTS[verdict]) : verdict) },
  ];
  return dialog(name, (close) => h("div", { class: "stack" },
    notice(kindOf(properties.verdict), properties.statement),
    datatable("Targets", columns, properties.checks, ({ name: what }) => what),
    equivalent(["Validations_Get", of], ["ValidationReports_Get", of]),
    h("div", { class: "actions" }, h("button", { class: "primary", onclick: () => saveReport(of, params.clusterName) }, "Save the report"),
      h("button", { class: "plain", onclick: () => close() }, "Close"))), { wide: true });
}

async function remove(of) {
  const gone = await confirmDialog(`Delete the validation ${of.validationName}?`, {
    lines: ["What was measured goes, with the report. The cluster stays as it is."], action: "Delete it", request: () => ["Validations_Delete", of],
  });
  if (gone) note("The validation is gone.");
  return gone;
}

async function cancel(of) {
  const done = await confirmDialog(`Stop measuring ${of.clusterName}?`, {
    lines: ["What was written is removed, and a node that was stopped is started again."], action: "Stop measuring", request: () => ["Validations_Cancel", of],
  });
  if (done) note("It will end in a moment.");
}

/** The panel. `again()` tells the view that something has begun. */
export function validationsPanel(signal, params, id, again) {
  let known = [];
  const line = (one) => {
    const { name, properties } = one;
    const of = { ...params, validationName: name };
    const button = (words, action) => h("button", { class: "plain small", onclick: action }, words, h("span", { class: "hidden" }, ` ${name}`));
    const isRunning = kindOf(properties.provisioningState) === "busy";
    return h("div", { class: "line" }, state(stateOf(one)), h("div", { class: "grow" }, h("div", null, h("strong", null, name)),
      h("div", { class: "fine" }, [properties.statement, ago(properties.startedAt)].filter(Boolean).join(" · "))),
    properties.checks && button("Results", () => results(params, one)),
    isRunning ? button("Stop", () => cancel(of)) : button("Delete", async () => (await remove(of)) && shown.again()));
  };
  const shown = live(signal, CALM_MS, () => list("Validations_List", params, { signal }), (found) => {
    known = [...found].sort((one, other) => String(other.properties.startedAt).localeCompare(String(one.properties.startedAt)));
    return [known.length === 0 ? h("p", { class: "quiet" }, "It was not measured yet.") : known.map(line), equivalent(["Validations_List", params])];
  });
  const begin = async () => {
    if (!await measure(params, id, known)) return;
    again();
    shown.again();
  };
  const button = own(h("button", { class: "plain small", onclick: begin }, "Measure…"));
  const panel = find("Validations_List") && h("section", { class: "panel stack tight" }, h("div", { class: "panel-head" }, h("h2", null, "Readiness"), button), shown.place);
  return { panel, again: shown.again };
}
