// Who may do what, and who can log in.

import { h } from "../core/dom.js";
import { assignmentsPart } from "./assignments.js";
import { principalsPart } from "./principals.js";
import { view } from "../parts/view.js";

const PARTS = [["assignments", "Roles", assignmentsPart], ["principals", "Who can log in", principalsPart]];

export function accessView({ params, signal }) {
  const [present, , draw] = PARTS.find(([name]) => name === params.part) ?? PARTS[0];
  const { node, actions } = draw(signal);
  return view("Access", { lead: "Nobody may do anything without a role. A role of a group or a subscription holds for everything that is in it.", actions },
    h("nav", { class: "tabs", "aria-label": "Parts of access" }, PARTS.map(([name, words]) => h("a", { href: `#/access/${name}`, "aria-current": name === present ? "page" : null }, words))),
    node);
}
