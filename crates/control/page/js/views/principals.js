// Service principals: programs and people who can log in, and their secrets.

import { h } from "../core/dom.js";
import { moment, plural } from "../core/format.js";
import { isSame } from "../core/ids.js";
import { call, list } from "../core/operations.js";
import * as session from "../core/session.js";
import { note } from "../parts/announce.js";
import { copyable } from "../parts/copy.js";
import { datatable } from "../parts/datatable.js";
import { confirmDialog, dialog, formDialog } from "../parts/dialog.js";
import { equivalent } from "../parts/equivalent.js";
import { text } from "../parts/field.js";
import { CALM_MS, live } from "../parts/live.js";
import { notice } from "../parts/notice.js";

/** All of them. */
export const principals = (signal) => list("ServicePrincipals_List", {}, { signal });

/** Shows a secret, this once. */
const showSecret = (person, secret) => dialog(`The secret of ${person.displayName}`, (close) => h("div", { class: "stack" },
  notice("warn", "It is shown this once", "Nobody can look it up later. Whoever loses it gets another one."),
  h("div", null, h("p", { class: "label" }, "Client id"), copyable(person.appId, "client id")),
  h("div", null, h("p", { class: "label" }, "Secret"), copyable(secret, "secret")),
  h("div", { class: "actions" }, h("button", { class: "primary", onclick: () => close() }, "I have kept it"))), { stays: true });

async function addSecret(person) {
  const params = { objectId: person.id };
  const answer = await confirmDialog(`Another secret for ${person.displayName}?`, {
    lines: ["The secrets that it has stay good. Remove the old ones when nobody uses them any more."], action: "Make a secret", danger: false,
    request: () => ["ServicePrincipals_AddPassword", params],
  });
  if (answer) await showSecret(person, answer.body.secretText);
  return answer;
}

async function removeSecret(person, secret) {
  const gone = await confirmDialog(`Remove the secret ${secret.hint}…?`, {
    lines: ["Whoever uses it cannot log in any more; tokens that it got are good until they end."], action: "Remove it",
    request: () => ["ServicePrincipals_RemovePassword", { objectId: person.id }, { body: { keyId: secret.keyId } }],
  });
  if (gone) note("The secret was removed.");
  return gone;
}

async function remove(person) {
  const gone = await confirmDialog(`Delete ${person.displayName}?`, {
    lines: ["It can do nothing any more, at once. Its roles and secrets go with it."], action: "Delete", name: person.displayName,
    request: () => ["ServicePrincipals_Delete", { objectId: person.id }],
  });
  if (gone) note(`${person.displayName} is gone.`);
  return gone;
}

async function make() {
  const name = text("Name", { hint: "What people call it: backup, grafana, Jo.", name: "displayName" });
  // Whoever was made and got no secret gets it at the next try.
  let made = null;
  const request = () => (made ? ["ServicePrincipals_AddPassword", { objectId: made.id }]
    : ["ServicePrincipals_Create", {}, { body: { displayName: name.value() } }]);
  const answer = await formDialog("Let somebody log in", {
    fields: [name, h("p", { class: "fine" }, "It gets a client id and a secret, which is shown once. It may do nothing until it is given a role.")],
    action: "Make it", request,
    send: async () => {
      made ??= (await call(...request())).body;
      name.input.disabled = true;
      return call(...request());
    },
  });
  if (answer) await showSecret(made, answer.body.secretText);
  return made;
}

export function principalsPart(signal) {
  const after = (doing) => async () => (await doing()) && shown.again();
  const secretRow = (person) => (secret) => h("div", { class: "row" }, h("code", null, `${secret.hint}…`), h("span", { class: "fine wide-only" }, moment(secret.startDateTime)),
    h("button", { class: "plain small", onclick: after(() => removeSecret(person, secret)) }, "Remove", h("span", { class: "hidden" }, ` the secret ${secret.hint} of ${person.displayName}`)));
  const columns = [
    { label: "Name", cell: ({ displayName, appId }) => [h("span", { class: "name" }, displayName), isSame(appId, session.client()) && h("span", { class: "fine" }, " (you)")] },
    { label: "Client id", wide: true, cell: ({ appId }) => h("code", null, appId) },
    { label: "Secrets", cell: (person) => [person.passwordCredentials.map(secretRow(person)), person.passwordCredentials.length === 0 && h("span", { class: "quiet" }, plural(0, "secret"))] },
    {
      label: "", end: true, cell: (person) => h("div", { class: "actions" },
        h("button", { class: "plain small", onclick: after(() => addSecret(person)) }, "New secret", h("span", { class: "hidden" }, ` for ${person.displayName}`)),
        !isSame(person.appId, session.client()) && h("button", { class: "plain small", onclick: after(() => remove(person)) }, "Delete", h("span", { class: "hidden" }, ` ${person.displayName}`))),
    },
  ];
  const shown = live(signal, CALM_MS, () => principals(signal), (people) => [
    datatable("Service principals", columns, people, ({ id }) => id), equivalent(["ServicePrincipals_List"])]);
  return { node: shown.place, actions: [h("button", { class: "primary", onclick: after(make) }, "Let somebody log in")] };
}
