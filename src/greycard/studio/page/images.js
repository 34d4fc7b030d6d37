// The images by class, what changes them, and the grid that shows some of them. Names are always set as text.
import { element, made, question, says, tried } from "./dialogs.js";
import { Grid } from "./grid.js";
import { get, load, post } from "./server.js";
import { number, text } from "./texts.js";

const TRASH = ".greycard/trash/";
const state = { images: new Map(), classes: [], shown: "", found: null, stays: () => true };
const listeners = [];
export const grid = new Grid(element("grid"), element("rows"), showSelection);
export const classes = () => state.classes;
export const shownClass = () => state.shown;
export const labelOf = (id) => (id.includes("/") ? id.slice(0, id.indexOf("/")) : "");
export const isHere = (id) => state.images.get(labelOf(id))?.includes(id) ?? false;
export const onChange = (listener) => listeners.push(listener);
const title = (label) => label || text("no_label");

export async function begin() {
  const found = await get("/api/images");
  element("folder").textContent = found.folder;
  state.images = new Map(Object.entries(found.images));
  const first = found.images[""].length || !found.classes.length ? "" : found.classes[0];
  state.shown = first;
  after(found, false);
}

// The lists again: another page has changed the folder.
export async function refresh() {
  const found = await get("/api/images");
  state.images = new Map(Object.entries(found.images));
  state.found = state.found?.filter(isHere) ?? null;
  after(found);
}

// Show what a change has moved.
export function after(change, keepFocus = true) {
  state.classes = change.classes;
  for (const { source, target } of change.moves) {
    take(source);
    put(target);
    state.found = state.found?.flatMap((id) => (id !== source ? [id] : target.startsWith(TRASH) ? [] : [target])) ?? null;
    grid.rename(source, target);
    if (grid.captions.has(target) && labelOf(source) !== labelOf(target)) grid.captions.set(target, labelOf(target));
  }
  state.found = state.found?.filter(state.stays) ?? null;
  for (const name of ["", ...change.classes]) if (!state.images.has(name)) state.images.set(name, []);
  for (const name of state.images.keys()) if (name && !change.classes.includes(name)) state.images.delete(name);
  if (state.shown !== null && !state.images.has(state.shown)) [state.shown, keepFocus] = ["", false];
  step("undo", change.undo);
  step("redo", change.redo);
  showClasses();
  grid.show(state.found ?? state.images.get(state.shown), keepFocus);
  for (const listener of listeners) listener(change);
}

function take(id) {
  if (id.startsWith(TRASH)) return;
  const images = state.images.get(labelOf(id)) ?? [];
  const place = images.indexOf(id);
  if (place >= 0) images.splice(place, 1);
}

function put(id) {
  if (id.startsWith(TRASH)) return;
  const label = labelOf(id);
  if (!state.images.has(label)) state.images.set(label, []);
  const images = state.images.get(label);
  let [low, high] = [0, images.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (images[middle] < id) low = middle + 1;
    else high = middle;
  }
  if (images[low] !== id) images.splice(low, 0, id);
  grid.renew(id);
}

function step(name, what) {
  element(name).disabled = !what;
  element(name).title = what ? text(`${name}_what`, { what }) : "";
}

function showClasses() {
  element("classes").replaceChildren(...["", ...state.classes].map(classItem));
  const choices = ["", ...state.classes].map((each) => new Option(title(each), each));
  element("label-as").replaceChildren(new Option(text("choose"), "?"), ...choices);
  if (!state.found) element("shown").textContent = title(state.shown);
  element("rename").hidden = element("remove").hidden = !state.shown;
}

function classItem(label, place) {
  const [item, button] = [document.createElement("li"), document.createElement("button")];
  if (place <= 9) button.append(made("kbd", place));
  button.append(made("span", title(label)), made("small", number(state.images.get(label).length)));
  button.setAttribute("aria-current", label === state.shown);
  button.addEventListener("click", () => show(label));
  item.append(button);
  return item;
}

function show(label) {
  document.dispatchEvent(new Event("shown"));
  [state.shown, state.found] = [label, null];
  grid.selected.clear();
  grid.setCaptions(new Map());
  showClasses();
  grid.show(state.images.get(label), false);
}

// Show chosen images, each with a caption if it has one. After a change those stay that `stays` accepts.
export function showThese(ids, words, captions = new Map(), stays = () => true) {
  document.dispatchEvent(new Event("shown"));
  [state.shown, state.found, state.stays] = [null, ids, stays];
  element("shown").textContent = words;
  grid.selected.clear();
  grid.setCaptions(captions);
  showClasses();
  grid.show(ids, false);
  element("shown").scrollIntoView({ block: "nearest" });
}

// Other images in the same place, with the same selection and focus.
export function exchange(ids, captions) {
  state.found = ids;
  grid.setCaptions(captions);
  grid.show(ids);
}

function showSelection() {
  const [all, n] = [grid.ids.length, grid.selected.size];
  element("selection").textContent = n ? text("selected", { n, all }) : text("images", { n: all });
  element("discard").disabled = element("label-as").disabled = element("accept").disabled = !grid.chosen.length;
  element("accept").textContent = text("accept", { n: grid.chosen.length });
  element("select-all").hidden = !all;
  element("nothing").hidden = all > 0 || state.found !== null;
  element("nothing").textContent = state.shown ? text("nothing_in_class", { name: state.shown }) : text("nothing_here");
}

export async function change(path, fields) {
  const changed = await tried(() => post(`/api/${path}`, fields));
  if (!changed) return undefined;
  says("");
  after(changed);
  return changed;
}

export function label(place) {
  const chosen = place === 0 ? null : state.classes[place - 1];
  if (chosen !== undefined && grid.chosen.length) return change("label", { ids: grid.chosen, class: chosen });
  return undefined;
}

export function discard() {
  return grid.chosen.length ? change("discard", { ids: grid.chosen }) : undefined;
}

async function rename() {
  const old = state.shown;
  const name = await question(text("new_name", { name: old }), text("new_name_note"), old);
  if (name === null || name === old) return;
  const changed = await change("classes/rename", { class: old, name });
  if (changed) show(changed.classes.find((each) => each.toLowerCase() === name.trim().toLowerCase()) ?? "");
}

async function remove() {
  const name = state.shown;
  const yes = await question(text("remove_what", { name }), text("remove_note"));
  if (yes !== null) change("classes/remove", { class: name });
}

export async function enlarge() {
  const id = grid.focused;
  if (id === undefined) return;
  const address = await tried(() => load("image", id, Date.now()));
  if (!address) return;
  const dialog = element("large");
  dialog.querySelector("img").src = address;
  dialog.querySelector("img").alt = dialog.querySelector("p").textContent = id;
  dialog.showModal();
  dialog.addEventListener("close", () => URL.revokeObjectURL(address), { once: true });
}

export function start() {
  element("undo").addEventListener("click", () => change("undo"));
  element("redo").addEventListener("click", () => change("redo"));
  element("rename").addEventListener("click", rename);
  element("remove").addEventListener("click", remove);
  element("discard").addEventListener("click", discard);
  element("select-all").addEventListener("click", () => grid.select(grid.ids));
  element("rows").addEventListener("dblclick", enlarge);
  element("large").querySelector("button").addEventListener("click", () => element("large").close());
  element("label-as").addEventListener("change", ({ target: { value } }) => {
    if (value !== "?") change("label", { ids: grid.chosen, class: value || null });
  });
  element("new-class").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await change("classes/add", { name: element("class-name").value })) element("class-name").value = "";
  });
}
