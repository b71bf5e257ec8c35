// Icons of 16 by 16: shapes that differ, so that colour never says anything alone.

import { s } from "../core/dom.js";

const line = (d) => s("path", { d, fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" });
const solid = (d) => s("path", { d, fill: "currentColor" });

const SHAPES = {
  good: () => [solid("M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm3.6 5-4.2 5.2a.8.8 0 0 1-1.2 0L4.4 9.300a.8.8 0 0 1 1.2-1.1l1.200 1.300 3.600-4.500A.8.8 0 0 1 11.600 6Z")],
  warn: () => [solid("M7.100 1.800 1 13a1 1 0 0 0 .9 1.500h12.200A1 1 0 0 0 15 13L8.900 1.800a1 1 0 0 0-1.800 0ZM7.200 5.500h1.600v4.700H7.200Zm0 5.900h1.600V13H7.200Z")],
  bad: () => [solid("M5 1h6l4 4v6l-4 4H5l-4-4V5Zm.4 3.300L4.300 5.400 6.900 8l-2.600 2.600 1.100 1.100L8 9.100l2.600 2.600 1.100-1.100L9.100 8l2.600-2.600-1.100-1.100L8 6.900Z")],
  unknown: () => [line("M8 1.800a6.200 6.200 0 1 0 0 12.400A6.200 6.200 0 0 0 8 1.800Z"), line("M6.200 6.300c0-2.600 3.800-2.300 3.500-.2C9.500 7.400 8 7.400 8 9"), solid("M7.200 10.600h1.600v1.500H7.200Z")],
  busy: () => [line("M14.200 8A6.200 6.200 0 1 1 8 1.800")],
  off: () => [line("M8 1.800a6.200 6.200 0 1 0 0 12.400A6.200 6.200 0 0 0 8 1.800Z"), line("M5.200 8h5.600")],
  leader: () => [solid("m8 1.200 2 4.200 4.600.6-3.400 3.200.9 4.600L8 11.500l-4.100 2.300.9-4.600L1.400 6l4.600-.6Z")],
  vote: () => [line("M2.500 8.500h11v5h-11Z"), line("m5 6 2 2 4-5")],
  lock: () => [line("M3.500 7.200h9v6.600h-9Z"), line("M5.200 7V5a2.800 2.800 0 0 1 5.600 0v2")],
  copy: () => [line("M5.500 5.500h8v8h-8Z"), line("M10.500 2.500h-8v8")],
  search: () => [line("M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9Z"), line("m10.500 10.500 3.200 3.200")],
  menu: () => [line("M2 4h12M2 8h12M2 12h12")],
  theme: () => [line("M8 1.800a6.200 6.200 0 1 0 0 12.400Z"), solid("M8 1.800a6.200 6.200 0 0 1 0 12.400Z")],
  person: () => [line("M8 2.300a2.700 2.700 0 1 0 0 5.400 2.700 2.700 0 0 0 0-5.400Z"), line("M2.800 14c.4-3.200 2.400-4.500 5.200-4.500s4.800 1.300 5.200 4.500")],
};

/** An icon that says nothing by itself: words stand beside it. */
export const icon = (name) => s("svg", {
  class: `glyph glyph-${name}`, viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true", focusable: "false",
}, SHAPES[name]());
