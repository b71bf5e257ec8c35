// Logging in with a client id and its secret, at first and when the token has ended.

import { fill, h, s } from "../core/dom.js";
import { call } from "../core/operations.js";
import * as session from "../core/session.js";
import { announce, title } from "../parts/announce.js";
import { dialog } from "../parts/dialog.js";
import { text } from "../parts/field.js";
import { notice, problem } from "../parts/notice.js";

async function ask(clientId, secret) {
  const body = { grant_type: "client_credentials", client_id: clientId, client_secret: secret, scope: `${location.origin}/.default` };
  const { body: answer } = await call("Login_TokenAdfs", {}, { body });
  session.begin(clientId, answer);
}

/** What was wrong, in the words of the page for what people get wrong. */
function refusal(error) {
  if (error.code !== "invalid_client") return problem(error);
  const node = notice("bad", "Not logged in", "This client id and this secret do not belong together.");
  node.setAttribute("role", "alert");
  return node;
}

function loginForm(done) {
  const client = text("Client id", { value: session.client() });
  const secret = text("Secret", { type: "password" });
  client.input.autocomplete = "username";
  secret.input.autocomplete = "current-password";
  const place = h("div");
  const submit = h("button", { class: "primary", type: "submit" }, "Log in");
  const form = h("form", { class: "stack" }, client, secret, place, h("div", { class: "actions" }, submit));
  form.onsubmit = async (event) => {
    event.preventDefault();
    fill(place);
    client.wrong(client.value() ? "" : "It was told at the first start.");
    secret.wrong(secret.value() ? "" : "It was told once, with the client id.");
    if (!client.value() || !secret.value()) return;
    submit.disabled = true;
    try {
      await ask(client.value(), secret.value());
      secret.input.value = "";
      done();
    } catch (error) {
      fill(place, refusal(error));
      secret.input.select();
    }
    submit.disabled = false;
  };
  const first = () => (client.value() ? secret : client).input;
  return { form, first };
}

/** Lines like those on a map of the weather: each at the same pressure. */
function contours() {
  const path = (level) => {
    const y = (x) => 420 + level * 46 + 120 * Math.sin(x / 310 + level * 0.09) + 54 * Math.sin(x / 131 + level * 0.3);
    return `M${Array.from({ length: 61 }, (_, at) => `${at * 25},${y(at * 25).toFixed(1)}`).join("L")}`;
  };
  return s("svg", { class: "contours", viewBox: "0 0 1500 900", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" },
    Array.from({ length: 22 }, (_, at) => s("path", { d: path(at - 11), fill: "none", stroke: "currentColor", "stroke-width": 1 })));
}

/** Shows the login instead of everything else; ends when somebody has logged in. */
export function loginView(place) {
  return new Promise((done) => {
    const { form, first } = loginForm(done);
    form.prepend(h("div", { class: "brand" }, h("img", { src: "/page/icon.svg", alt: "", width: 32, height: 32 }), h("h1", null, "Isobar")),
      h("p", { class: "quiet" }, "Log in to the control plane with the client id and the secret of a service principal."));
    form.append(h("p", { class: "fine" }, "The first administrator’s were shown when the control plane was started for the first time. The secret is not kept in this browser."));
    title("Log in");
    place.replaceChildren(h("main", { class: "login", id: "main", tabindex: "-1" }, contours(), form));
    first().focus();
  });
}

/** Asks again, over whatever is shown: nothing of it is lost. */
export async function askAgain() {
  announce("Your login has ended.");
  await dialog("Log in again", (close) => {
    const { form, first } = loginForm(() => close(true));
    form.prepend(h("p", null, "Your login has ended. What you were doing goes on as soon as you have logged in again."));
    form.querySelector(".actions").append(h("button", { type: "button", onclick: session.end }, "Leave"));
    queueMicrotask(() => first().focus());
    return form;
  }, { stays: true });
}
