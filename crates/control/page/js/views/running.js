// Operations that this tab has begun: those that run, and what came of the others.

import { fill, h, own } from "../core/dom.js";
import { hear } from "../core/events.js";
import * as work from "../core/work.js";
import { empty } from "../parts/notice.js";
import { view } from "../parts/view.js";
import { workItem } from "../parts/work.js";

export function runningView({ signal }) {
  const place = own(h("div", { class: "stack" }));
  const draw = () => {
    const running = work.running();
    const ended = work.known().filter((item) => !running.includes(item));
    fill(place,
      running.length + ended.length === 0 && empty("Nothing runs",
        "What takes longer than a moment stands here with its progress, also when you look at something else: making and deleting clusters, restarting and replacing nodes."),
      running.length > 0 && h("section", { class: "panel" }, h("h2", null, "Running"), running.map(workItem)),
      ended.length > 0 && h("section", { class: "panel" },
        h("div", { class: "panel-head" }, h("h2", null, "Ended"), h("button", { class: "plain small", onclick: work.forget }, "Clear")), ended.map(workItem)));
  };
  hear("work", draw, signal);
  draw();
  return view("Operations", { lead: ["What you have begun in this tab. What anybody has done is in the ", h("a", { href: "#/activity" }, "activity log"), "."] }, place);
}
