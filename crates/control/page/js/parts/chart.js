// A chart of the last minutes: lines that differ by shape as well as colour, values to read with the pointer
// or the arrow keys, and the same as a table.

import { fill, h, own, s } from "../core/dom.js";
import { clock } from "../core/format.js";
import { WINDOW_MS } from "../core/history.js";

const HEIGHT = 148;
const LEFT = 64;
const BOTTOM = 20;
const TOP = 8;
/** Samples that are farther apart have nothing between them. */
const GAP_MS = 15000;
const ROWS_MAX = 60;

/** The least of 1, 2, 5, 10, … that is not below a value. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999);
}

/** A chart; its node has `draw(samples)`. `series` are `{label, of}`; `words` writes a value. */
export function chart(title, series, words, least) {
  const legend = h("div", { class: "legend" });
  const time = h("span", { class: "fine number" });
  const plot = s("svg", { class: "plot", height: HEIGHT, "aria-hidden": "true" });
  const slider = h("div", {
    class: "plot-focus", role: "slider", tabindex: "0", "aria-label": `${title}, last 5 minutes`, "aria-valuemin": 0,
  }, plot);
  const rows = h("tbody");
  const table = h("details", { class: "same" }, h("summary", null, "Values as a table"),
    h("div", { class: "table-scroll low", tabindex: "0", role: "region", "aria-label": `Values of ${title}` }, h("table", null, h("caption", { class: "hidden" }, title),
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Time"), series.map(({ label }) => h("th", { scope: "col", class: "end" }, label)))), rows)));
  let samples = [];
  let cursor = null;

  const shown = () => samples.filter(({ at }) => at >= Date.now() - WINDOW_MS);
  const redraw = () => {
    const visible = shown();
    if (cursor !== null) cursor = Math.min(cursor, visible.length - 1);
    const at = cursor === null || cursor < 0 ? visible.at(-1) : visible[cursor];
    fill(time, cursor === null ? "Now" : at ? clock(at.at) : "");
    fill(legend, series.map(({ label, of }, number) => h("div", { class: `series-${number}` },
      s("svg", { class: "key", viewBox: "0 0 20 4", width: 20, height: 4, "aria-hidden": "true" }, s("line", { x1: 0, y1: 2, x2: 20, y2: 2 })),
      h("span", { class: "label" }, label), h("span", { class: "figure number" }, at ? words(of(at)) : "–"))));
    slider.setAttribute("aria-valuemax", Math.max(visible.length - 1, 0));
    slider.setAttribute("aria-valuenow", Math.max(cursor ?? visible.length - 1, 0));
    slider.setAttribute("aria-valuetext", at ? `${clock(at.at)}: ${series.map(({ label, of }) => `${label} ${words(of(at))}`).join(", ")}` : "No values yet");
    paint(plot, slider.clientWidth, visible, series, words, least, cursor === null ? null : at);
    if (table.open) {
      fill(rows, visible.slice(-ROWS_MAX).reverse().map((one) => h("tr", null, h("th", { scope: "row", class: "number" }, clock(one.at)),
        series.map(({ of }) => h("td", { class: "end number" }, words(of(one)))))));
    }
  };
  slider.onpointermove = (event) => {
    const visible = shown();
    const box = slider.getBoundingClientRect();
    const when = Date.now() - WINDOW_MS * (1 - (event.clientX - box.left - LEFT) / (box.width - LEFT));
    const near = visible.reduce((best, { at }, index) => (Math.abs(at - when) < Math.abs(visible[best].at - when) ? index : best), 0);
    cursor = visible.length ? near : null;
    redraw();
  };
  slider.onpointerleave = slider.onblur = () => { cursor = null; redraw(); };
  slider.onkeydown = (event) => {
    const last = shown().length - 1;
    const from = cursor ?? last;
    const to = { ArrowLeft: from - 1, ArrowDown: from - 1, ArrowRight: from + 1, ArrowUp: from + 1, PageDown: from - 10, PageUp: from + 10, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    cursor = Math.max(0, Math.min(last, to));
    redraw();
  };
  table.ontoggle = redraw;
  new ResizeObserver(redraw).observe(slider);
  const node = own(h("figure", { class: "chart panel" }, h("figcaption", { class: "row" }, h("h2", { class: "grow" }, title), time), legend, slider, table));
  node.draw = (given) => {
    samples = given;
    redraw();
  };
  return node;
}

function paint(plot, width, samples, series, words, least, at) {
  if (width < LEFT + 10) return;
  plot.setAttribute("width", width);
  const now = Date.now();
  const top = roundUp(Math.max(least, ...samples.flatMap((sample) => series.map(({ of }) => of(sample) || 0))));
  const x = (time) => LEFT + (width - LEFT - 2) * (1 - (now - time) / WINDOW_MS);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const grid = [0, 0.5, 1].flatMap((share) => [
    s("line", { class: "grid", x1: LEFT, x2: width, y1: Math.round(y(share * top)) + 0.5, y2: Math.round(y(share * top)) + 0.5 }),
    s("text", { x: LEFT - 8, y: y(share * top) + 4, "text-anchor": "end" }, words(share * top)),
  ]);
  const minutes = width > 420 ? [5, 4, 3, 2, 1, 0] : [5, 2.5, 0];
  const times = minutes.map((ago, number) => s("text", {
    x: x(now - ago * 60000), y: HEIGHT - 4, "text-anchor": number === 0 ? "start" : ago === 0 ? "end" : "middle",
  }, ago === 0 ? "now" : `−${ago} min`));
  const lines = series.flatMap(({ of }, number) => {
    const runs = [];
    samples.forEach((sample, index) => {
      const before = samples[index - 1];
      if (!before || sample.at - before.at > GAP_MS) runs.push([]);
      runs.at(-1).push(`${x(sample.at).toFixed(1)},${y(of(sample) || 0).toFixed(1)}`);
    });
    return runs.flatMap((points) => [
      number === 0 && s("path", { class: "surface series-0", d: `M${points[0].split(",")[0]},${y(0)}L${points.join("L")}L${points.at(-1).split(",")[0]},${y(0)}Z` }),
      s("path", { class: `line series-${number}`, d: `M${points.join("L")}${points.length === 1 ? "h0.01" : ""}` }),
    ]);
  });
  const mark = at && [
    s("line", { class: "mark", x1: x(at.at), x2: x(at.at), y1: TOP, y2: HEIGHT - BOTTOM }),
    ...series.map(({ of }, number) => s("circle", { class: `dot series-${number}`, cx: x(at.at), cy: y(of(at) || 0), r: 3.5 })),
  ];
  fill(plot, grid, times, lines, mark);
}
