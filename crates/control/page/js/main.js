// The beginning: the table of operations, the login, the shell, the views.

import { h } from "./core/dom.js";
import { isAbort, titleOf } from "./core/errors.js";
import { hear } from "./core/events.js";
import { whenLoggedOut } from "./core/http.js";
import * as operations from "./core/operations.js";
import { route, start } from "./core/router.js";
import * as session from "./core/session.js";
import * as work from "./core/work.js";
import { note, title } from "./parts/announce.js";
import { problem } from "./parts/notice.js";
import { askAgain, loginView } from "./views/login.js";
import { shell } from "./views/shell.js";
import { views } from "./views/views.js";

const place = document.getElementById("shell");

async function open() {
  const { node, main, drawn, read } = shell();
  place.replaceChildren(node);
  await read();
  for (const [pattern, view] of views) route(pattern, view);
  const none = () => h("div", { class: "view" }, h("h1", { tabindex: "-1" }, "There is no such view"),
    h("p", null, h("a", { href: "#/clusters" }, "Go to the clusters")));
  start(main, { first: "clusters", none, drawn });
  work.resume();
  hear("work-ended", (item) => note(`${item.title}: ${item.status === "Succeeded" ? "done" : item.status.toLowerCase()}`, { href: "#/running", words: "Show" }));
}

// Addresses behind # are views, so the way past the navigation is not one of them.
document.querySelector(".skip").onclick = (event) => {
  event.preventDefault();
  document.getElementById("main")?.focus();
};

// What nobody has said in its place, such as what went wrong before a dialog was opened.
window.addEventListener("unhandledrejection", (event) => {
  if (isAbort(event.reason)) event.preventDefault();
  else note(`${titleOf(event.reason)}: ${event.reason?.message ?? event.reason}`);
});

async function begin() {
  try {
    await operations.load();
  } catch (error) {
    title("");
    place.replaceChildren(h("main", { class: "alone", id: "main" }, h("h1", null, "Isobar"), problem(error, { again: begin })));
    return;
  }
  whenLoggedOut(askAgain);
  if (!session.token()) await loginView(place);
  await open();
}

begin();
