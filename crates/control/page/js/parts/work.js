// An operation that goes on, as it is shown.

import { fill, h, keyed, own } from "../core/dom.js";
import { hear } from "../core/events.js";
import { clock, span } from "../core/format.js";
import { pageOf } from "../core/ids.js";
import * as work from "../core/work.js";
import { kindOf, state } from "./state.js";
import { progress } from "./meter.js";

/** One operation: what it does, how far it is, what came of it. */
export function workItem(item) {
  const page = pageOf(item.target);
  const ended = Boolean(item.endedAt);
  return keyed(item.url, h("div", { class: `work ${kindOf(item.status)}` },
    h("div", { class: "row" }, h("span", { class: "strong grow" }, page && !/^Delet/.test(item.title) ? h("a", { href: page }, item.title) : item.title), state(item.status)),
    !ended && h("div", { class: "row" }, progress(item.percent, item.title), h("span", { class: "number percent" }, `${Math.round(item.percent)} %`)),
    h("p", { class: "fine" }, ended ? `Ended at ${clock(item.endedAt)} after ${span(item.startedAt, item.endedAt)}` : item.message || "Waiting for its turn"),
    item.error && h("p", { class: "bad" }, h("code", null, item.error.code), ` ${item.error.message}`)));
}

/** The operation on a resource that this tab follows, while it runs or when it has ended badly. */
export function workPlace(id, signal) {
  const place = own(h("div"));
  const draw = () => {
    const item = work.of(id);
    fill(place, item && item.status !== "Succeeded" && h("div", { class: "panel" }, workItem(item)));
  };
  hear("work", draw, signal);
  draw();
  return place;
}
