// How something stands: a shape, a colour and a word.

import { h } from "../core/dom.js";
import { icon } from "./icon.js";

const KINDS = {
  Healthy: "good", Up: "good", Succeeded: "good", Enabled: "good", Passed: "good", Registered: "good",
  Degraded: "warn", Warned: "warn", Canceled: "off", Disabled: "off", Suspended: "off", Deleted: "off",
  Unhealthy: "bad", Down: "bad", Failed: "bad",
  Accepted: "busy", Creating: "busy", Updating: "busy", Deleting: "busy", InProgress: "busy", Canceling: "busy", Running: "busy",
};
const WORDS = { InProgress: "Running" };

/** The kind of a state: good, warn, bad, busy, off or unknown. */
export const kindOf = (name) => KINDS[name] ?? "unknown";

/** The state as a badge. */
export const state = (name) => {
  const kind = kindOf(name);
  return h("span", { class: `state ${kind}` }, icon(kind), WORDS[name] ?? name ?? "Unknown");
};
