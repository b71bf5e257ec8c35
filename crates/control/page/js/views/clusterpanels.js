// What stands beside a cluster: how to mount it, its protection, and how to delete it.

import { h } from "../core/dom.js";
import * as work from "../core/work.js";
import { note } from "../parts/announce.js";
import { copyable } from "../parts/copy.js";
import { confirmDialog, dialog } from "../parts/dialog.js";
import { equivalent } from "../parts/equivalent.js";
import { notice } from "../parts/notice.js";
import { gaveUp } from "./clusters.js";

async function showSecrets(params) {
  const answer = await confirmDialog("Show how clients log in?", {
    lines: ["Whoever has the credential can read and write every file of the cluster. That it was shown is in the activity log."],
    action: "Show it", danger: false, request: () => ["Clusters_ListSecrets", params],
  });
  if (!answer) return;
  const { clusterFile, clientCredential } = answer.body;
  await dialog("Files for clients", (close) => h("div", { class: "stack" },
    h("div", null, h("p", { class: "label" }, "Cluster file"), copyable(clusterFile, "cluster file")),
    h("div", null, h("p", { class: "label" }, "Credential of clients"), copyable(clientCredential, "credential")),
    h("div", { class: "actions" }, h("button", { class: "plain", onclick: () => close() }, "Close"))), { wide: true });
}

/** How to mount it. */
export function mountPanel(cluster, params) {
  const command = cluster.properties.clientInfo?.mountCommand;
  return h("section", { class: "panel stack tight" }, h("h2", null, "Mount it"),
    command ? [copyable(command, "mount command"), h("p", { class: "fine" }, "On another machine, ", h("button", { class: "link", onclick: () => showSecrets(params) }, "with these files"), ".")]
      : h("p", { class: "quiet" }, gaveUp(cluster) ? "It was not made." : "When it is there, the command stands here."));
}

async function protect(params, wanted, again) {
  const done = await confirmDialog(wanted ? "Protect it from deletion?" : "Take the protection away?", {
    lines: [wanted ? "It cannot be deleted then, nor its group, until somebody takes the protection away." : "It can be deleted then, with all its files, by whoever has the right."],
    action: wanted ? "Protect it" : "Take it away", danger: !wanted,
    request: () => ["Clusters_Update", params, { body: { properties: { deletionProtection: wanted } } }],
  });
  if (done) {
    note(wanted ? "It is protected." : "The protection is gone.");
    again();
  }
}

/** Whether it is protected. */
export function protectionPanel({ properties }, params, again) {
  const is = properties.deletionProtection;
  return h("section", { class: "panel stack tight" }, h("h2", null, "Protection"),
    h("p", null, is ? "It is protected: it cannot be deleted, nor its group." : "It is not protected: it can be deleted with all its files."),
    h("div", null, h("button", { class: "plain small", onclick: () => protect(params, !is, again) }, is ? "Take the protection away" : "Protect it")));
}

async function remove(cluster, params, id, again) {
  const isEmpty = gaveUp(cluster);
  if (cluster.properties.deletionProtection && !isEmpty) {
    await dialog(`${cluster.name} is protected`, (close) => h("div", { class: "stack" },
      notice("warn", "The files of the cluster would be lost", "Take the protection away first, under Protection. Then it can be deleted."),
      equivalent(["Clusters_Update", params, { body: { properties: { deletionProtection: false } } }]),
      h("div", { class: "actions" }, h("button", { class: "primary", onclick: () => close() }, "Keep it"),
        h("button", { class: "plain", onclick: async () => { close(); await protect(params, false, again); } }, "Take the protection away"))));
    return;
  }
  const answer = await confirmDialog(`Delete the cluster ${cluster.name}?`, {
    lines: [isEmpty ? "It was not made, so no files are lost."
      : h("p", null, "All its files are lost, at once and for ever: ", h("strong", null, "there is no way back"), ".")],
    name: !isEmpty && cluster.name, action: "Delete the cluster", request: () => ["Clusters_Delete", params],
  });
  if (answer) {
    work.follow(answer, `Deleting the cluster ${cluster.name}`, id);
    again();
  }
}

/** How to delete it. */
export function deletePanel(cluster, params, id, again) {
  return h("section", { class: "panel stack tight" }, h("h2", null, "Delete"),
    h("p", null, gaveUp(cluster) ? "It was not made, and has no files." : "The cluster goes with all its files."),
    h("div", null, h("button", { class: "danger small", onclick: () => remove(cluster, params, id, again) }, "Delete the cluster")));
}
