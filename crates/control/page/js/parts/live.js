// A part of a view that is asked for again and again: loading, drawn, or what went wrong.

import { fill, h, own } from "../core/dom.js";
import { Lost } from "../core/errors.js";
import { poll } from "../core/poll.js";
import { problem } from "./notice.js";

/** How often things are asked for that change by themselves, and those that people change. */
export const LIVE_MS = 2000;
export const CALM_MS = 10000;

/**
 * Keeps a place up to date: `load()` gives what `draw(it)` makes nodes of. Gives the place, `again`, which asks
 * at once, and `redraw`, which draws what was answered last. What was drawn stays when the server does not answer.
 */
export function live(signal, ms, load, draw) {
  const said = own(h("div"));
  const content = own(h("div", { class: "stack" }, h("p", { class: "quiet loading" }, "Loading…")));
  const place = own(h("div", { class: "stack live" }, said, content));
  let last;
  let drawn = false;
  const failed = (error) => {
    // The bar on top says it already, when there is something to look at.
    fill(said, error instanceof Lost && drawn ? null : problem(error, { again: () => again() }));
    if (!drawn) fill(content);
  };
  const redraw = () => drawn && fill(content, draw(last));
  const again = poll(ms, async () => {
    last = await load();
    if (signal.aborted) return;
    fill(said);
    fill(content, draw(last));
    drawn = true;
  }, signal, failed);
  return { place, again, redraw };
}
