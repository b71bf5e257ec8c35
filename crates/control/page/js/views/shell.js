// What stands around every view: navigation, subscription, theme, who is logged in, whether the server answers.

import { fill, h } from "../core/dom.js";
import { hear } from "../core/events.js";
import { clock } from "../core/format.js";
import { list } from "../core/operations.js";
import { path } from "../core/router.js";
import * as session from "../core/session.js";
import * as work from "../core/work.js";
import { announce, title } from "../parts/announce.js";
import { dialog } from "../parts/dialog.js";
import { icon } from "../parts/icon.js";
import { problem } from "../parts/notice.js";

const PLACES = [
  ["Storage", [["clusters", "Clusters"], ["groups", "Resource groups"]]],
  ["Watch", [["running", "Operations"], ["activity", "Activity log"]]],
  ["Govern", [["access", "Access"], ["locks", "Locks"], ["subscriptions", "Subscriptions"]]],
  ["Build", [["api", "All operations"]]],
];
const THEMES = { "": ["light", "Theme: as the system"], light: ["dark", "Theme: light"], dark: ["", "Theme: dark"] };

function navigation() {
  const running = h("span", { class: "pill" });
  const draw = () => {
    const count = work.running().length;
    running.hidden = count === 0;
    fill(running, count, h("span", { class: "hidden" }, " running"));
  };
  hear("work", draw);
  draw();
  const links = new Map();
  const item = ([to, words]) => {
    const link = h("a", { href: `#/${to}` }, words, to === "running" && running);
    links.set(to, link);
    return h("li", null, link);
  };
  const node = h("div", { class: "stack" }, PLACES.map(([words, places], at) =>
    h("div", null, h("h2", { id: `places-${at}` }, words), h("ul", { "aria-labelledby": `places-${at}` }, places.map(item)))));
  const mark = () => {
    const first = path().split("/")[0] || "clusters";
    for (const [to, link] of links) {
      if (to === first) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };
  return { node, mark };
}

function themeSwitch() {
  const root = document.documentElement;
  const button = h("button", { class: "icon" }, icon("theme"));
  const label = () => {
    const words = THEMES[root.dataset.theme ?? ""][1];
    button.setAttribute("aria-label", `${words}. Change it`);
    button.title = words;
  };
  button.onclick = () => {
    const [next] = THEMES[root.dataset.theme ?? ""];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    localStorage.setItem("isobar.theme", next);
    label();
    announce(button.title);
  };
  label();
  return button;
}

/** The subscriptions that there are; the chosen one is what every view looks at. */
function subscriptionChoice(changed) {
  const select = h("select", { "aria-label": "Subscription" }, h("option", null, "…"));
  const place = h("div", { class: "grow line subscription" }, h("span", { class: "fine", "aria-hidden": "true" }, "Subscription"), select);
  const read = async () => {
    const all = await list("Subscriptions_List");
    const is = all.find(({ subscriptionId }) => subscriptionId === session.subscription()) ?? all[0];
    select.replaceChildren(...all.map(({ subscriptionId, displayName }) => h("option", { value: subscriptionId }, displayName || subscriptionId)));
    if (!is) {
      fill(place, h("span", { class: "bad" }, "You have no role in any subscription."));
    } else {
      select.value = is.subscriptionId;
      session.chooseSubscription(is.subscriptionId);
    }
  };
  select.onchange = () => {
    session.chooseSubscription(select.value);
    changed();
  };
  return { place, read };
}

function account() {
  const show = () => dialog("You", (close) => h("div", { class: "stack" },
    h("dl", { class: "facts" },
      h("dt", null, "Client id"), h("dd", null, h("code", null, session.client())),
      h("dt", null, "Logged in"), h("dd", null, `until ${clock(session.until())}`),
      h("dt", null, "Server"), h("dd", null, location.host)),
    h("p", { class: "fine" }, "When the login ends you are asked for the secret again; nothing of what you do is lost."),
    h("div", { class: "actions" }, h("button", { class: "plain", onclick: session.end }, "Log out"), h("button", { class: "plain", onclick: () => close() }, "Close"))));
  return h("button", { class: "icon", "aria-label": "You: who is logged in", title: "You", onclick: show }, icon("person"));
}

function shortcuts(menu) {
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, textarea, select, dialog");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.querySelector("main [type=search]");
      event.preventDefault();
      if (search) search.focus();
      else location.hash = "#/clusters?search";
    }
    if (event.key === "Escape") menu(false);
  });
}

/** The shell: its node, where views go, and what to call when one was drawn. */
export function shell() {
  const { node: nav, mark } = navigation();
  const brand = () => h("a", { class: "brand", href: "#/clusters" }, h("img", { src: "/page/icon.svg", alt: "", width: 26, height: 26 }), "Isobar");
  const side = h("nav", { class: "side", id: "side", "aria-label": "Views" }, h("div", { class: "side-inner" }, brand(), nav));
  const button = h("button", { class: "icon menu", "aria-label": "Menu", "aria-expanded": "false", "aria-controls": "side" }, icon("menu"));
  const menu = (open) => {
    side.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
  };
  button.onclick = () => menu(!side.classList.contains("open"));
  const connection = h("div", { class: "connection", role: "status" });
  hear("lost", () => fill(connection, "The server does not answer. What you see may be old; the page goes on trying."));
  hear("connected", () => connection.firstChild && fill(connection));
  const main = h("main", { id: "main", tabindex: "-1" });
  main.onclick = () => menu(false);
  const { place, read } = subscriptionChoice(() => window.dispatchEvent(new HashChangeEvent("hashchange")));
  shortcuts(menu);
  const drawn = (view, moved) => {
    mark();
    menu(false);
    const heading = view.querySelector("h1");
    title(heading?.textContent);
    if (moved) {
      window.scrollTo(0, 0);
      heading?.focus({ preventScroll: true });
    }
  };
  const node = h("div", { class: "shell" }, side,
    h("div", null, h("header", { class: "top" }, button, place, themeSwitch(), account()), connection, main));
  return { node, main, drawn, read: () => read().catch((error) => fill(place, problem(error))) };
}
