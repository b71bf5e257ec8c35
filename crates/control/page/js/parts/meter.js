// How full something is.

import { h, s } from "../core/dom.js";
import { bytes, percent } from "../core/format.js";

/** From this share on it is nearly full, and full. */
const NEARLY = 0.8;
const FULL = 0.92;

/** A bar with words: `used` of `total` bytes. */
export function meter(used, total, { short = false } = {}) {
  if (!(total > 0)) return h("span", { class: "fine" }, "–");
  const share = Math.min(1, used / total);
  const kind = share >= FULL ? "bad" : share >= NEARLY ? "warn" : "good";
  const words = short ? `${percent(used, total)} of ${bytes(total)}` : `${bytes(used)} of ${bytes(total)} (${percent(used, total)})`;
  return h("span", { class: `meter ${kind}` },
    s("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
      s("rect", { class: "track", width: 100, height: 6 }), s("rect", { class: "level", width: Math.max(share * 100, share > 0 ? 1 : 0), height: 6 })),
    h("span", { class: "number" }, words, share >= NEARLY && (share >= FULL ? ": full" : ": nearly full")));
}

/** A part of a whole, as a progress bar. */
export const progress = (value, label) => h("progress", { max: 100, value, "aria-label": label }, `${value} %`);
