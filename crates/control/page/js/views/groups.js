// Resource groups: what belongs together and is deleted together.

import { h } from "../core/dom.js";
import { moment } from "../core/format.js";
import { list } from "../core/operations.js";
import { go } from "../core/router.js";
import { note } from "../parts/announce.js";
import { datatable } from "../parts/datatable.js";
import { formDialog } from "../parts/dialog.js";
import { equivalent } from "../parts/equivalent.js";
import { choice, filledTags, tags, text } from "../parts/field.js";
import { different, filters, found } from "../parts/filters.js";
import { CALM_MS, live } from "../parts/live.js";
import { empty } from "../parts/notice.js";
import { state } from "../parts/state.js";
import { tagList, view } from "../parts/view.js";

/** Asks for a new group and makes it; gives its name. */
export async function newGroup() {
  const locations = await list("Subscriptions_ListLocations");
  const name = text("Name", { hint: "Letters, digits, and - _ . ( )", name: "resourceGroupName" });
  const place = choice("Location", locations.map((one) => [one.name, one.displayName]), { name: "location" });
  const tagField = tags();
  const request = () => ["ResourceGroups_CreateOrUpdate", { resourceGroupName: name.value() },
    { body: { location: place.value(), ...filledTags(tagField) }, headers: { "If-None-Match": "*" } }];
  const check = () => {
    name.wrong(name.value() ? "" : "Give the group a name.");
    return Boolean(name.value());
  };
  const made = await formDialog("Make a resource group", { fields: [name, place, tagField], action: "Make the group", request, check });
  if (made) note(`The group ${made.body.name} was made.`);
  return made?.body.name;
}

const COLUMNS = [
  { label: "Name", sort: ({ name }) => name, cell: ({ name }) => h("a", { class: "name", href: `#/groups/${encodeURIComponent(name)}` }, name) },
  { label: "State", cell: ({ properties }) => state(properties.provisioningState) },
  { label: "Location", sort: ({ location }) => location, cell: ({ location }) => location },
  { label: "Tags", wide: true, cell: ({ tags: all }) => tagList(all) || "" },
  { label: "Made", wide: true, sort: ({ systemData }) => systemData?.createdAt ?? "", cell: ({ systemData }) => moment(systemData?.createdAt) },
];

export function groupsView({ signal }) {
  let order = { by: "Name", down: false };
  const make = async () => {
    const name = await newGroup();
    if (name) go(`#/groups/${encodeURIComponent(name)}`);
  };
  const makeButton = () => h("button", { class: "primary", onclick: make }, "Make a group");
  const bar = filters([["location", "All locations"]], () => shown.redraw(), { search: "Search groups" });
  const shown = live(signal, CALM_MS, () => list("ResourceGroups_List", {}, { signal }), (groups) => {
    bar.hidden = groups.length === 0;
    if (groups.length === 0) {
      return empty("There is no resource group yet", "A group holds clusters that belong together: they get rights and locks together, and are deleted together.", makeButton());
    }
    bar.offer("location", different(groups.map(({ location }) => location)));
    const { search, location } = bar.values();
    const fitting = groups.filter((group) => (!location || group.location === location)
      && found(search, [group.name, group.location, ...Object.entries(group.tags ?? {}).flat()]));
    const onorder = (wanted) => {
      order = wanted;
      shown.redraw();
    };
    return [fitting.length > 0 ? datatable("Resource groups", COLUMNS, fitting, ({ id }) => id, { order, onorder })
      : empty("No group fits", "Search for something else, or choose all locations."), equivalent(["ResourceGroups_List"])];
  });
  return view("Resource groups", { actions: [makeButton()] }, bar, shown.place);
}
