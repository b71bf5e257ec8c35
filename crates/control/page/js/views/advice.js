// What a cluster will be, as the planner says: how much it holds, what it survives, how that was reckoned.

import { h } from "../core/dom.js";
import { bytes, plural } from "../core/format.js";
import { notice } from "../parts/notice.js";

/** What of a form does not fit, by the names of its fields. */
export function misfits(plan) {
  const fields = { nodes: "properties.nodeCount", size: "sku" };
  return new Map((plan.misfits ?? []).filter(({ of }) => of in fields).map(({ of, message }) => [fields[of], message]));
}

/** The advice for a plan. */
export function advice(plan) {
  const may = plan.nodesMayBeLost;
  return [h("h2", null, "What it will be"),
    h("div", null, h("p", { class: "big" }, bytes(plan.usableBytes)), h("p", { class: "fine" }, `for large files, of ${bytes(plan.rawBytes)} on all targets`)),
    plan.fits === false && notice("warn", "It cannot be made now", plan.misfits.map(({ message }) => message)),
    notice(may > 1 ? "good" : "warn", `Any ${plural(may, "node")} may be lost`, may > 1 ? "and every file is still there." : "and every file is still there. While it is away, no other one may be."),
    h("dl", { class: "facts" },
      h("dt", null, "Nodes"), h("dd", null, `${plan.nodeCount}, of which ${plan.voters} vote`),
      h("dt", null, "Rows"), h("dd", null, `${plan.dataRows} data, ${plan.parityRows} parity`),
      h("dt", null, "Size"), h("dd", null, plan.sku?.name)),
    (plan.statements ?? []).length > 0 && h("div", { class: "stack tight" }, h("h3", null, "How that is reckoned"),
      h("ul", { class: "sums" }, plan.statements.map((line) => h("li", null, line))))];
}
