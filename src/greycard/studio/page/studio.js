// The page: classes and images, what changes them, the check and the training. Names are always set as text.
import { camera } from "./camera.js";
import { Grid } from "./grid.js";
import { get, load, post, upload } from "./server.js";

const element = (id) => document.getElementById(id);
const TRASH = ".greycard/trash/", UPLOADS = 4, AGAIN = 1500;
const state = { images: new Map(), classes: [], shown: "", found: null };
const grid = new Grid(element("grid"), element("rows"), showSelection);
const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
const labelOf = (id) => (id.includes("/") ? id.slice(0, id.indexOf("/")) : "");
const title = (label) => label || "No label yet";

let hiding;
function says(words) {
  element("message").textContent = words;
  element("message").hidden = !words;
  clearTimeout(hiding);
  if (words) hiding = setTimeout(() => says(""), 9000);
}

async function tried(work) {
  try {
    return await work();
  } catch (error) {
    says(error.message);
  }
}

// Images and classes

async function begin() {
  const found = await get("/api/images");
  element("folder").textContent = found.folder;
  state.images = new Map(Object.entries(found.images));
  const first = found.images[""].length || !found.classes.length ? "" : found.classes[0];
  state.shown = first;
  after(found, false);
}

function after(change, keepFocus = true) {
  state.classes = change.classes;
  for (const { source, target } of change.moves) {
    take(source);
    put(target);
    state.found = state.found?.flatMap((id) => (id !== source ? [id] : target.startsWith(TRASH) ? [] : [target])) ?? null;
  }
  for (const name of ["", ...change.classes]) if (!state.images.has(name)) state.images.set(name, []);
  for (const name of state.images.keys()) if (name && !change.classes.includes(name)) state.images.delete(name);
  if (state.shown !== null && !state.images.has(state.shown)) [state.shown, keepFocus] = ["", false];
  step("undo", change.undo);
  step("redo", change.redo);
  showClasses();
  grid.show(state.found ?? state.images.get(state.shown), keepFocus);
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
  images.splice(low, 0, id);
  grid.renew(id);
}

function step(name, what) {
  element(name).disabled = !what;
  element(name).title = what ? `${name}: ${what}` : "";
}

function showClasses() {
  const items = ["", ...state.classes].map((label, place) => {
    const item = document.createElement("li"), button = document.createElement("button");
    const [name, number] = [document.createElement("span"), document.createElement("small")];
    name.textContent = title(label);
    number.textContent = state.images.get(label).length.toLocaleString("en");
    if (place <= 9) {
      const key = document.createElement("kbd");
      key.textContent = place;
      button.append(key);
    }
    button.append(name, number);
    button.setAttribute("aria-current", label === state.shown);
    button.addEventListener("click", () => show(label));
    item.append(button);
    return item;
  });
  element("classes").replaceChildren(...items);
  element("label-as").replaceChildren(new Option("choose", "?"), ...["", ...state.classes].map((each) => new Option(title(each), each)));
  if (!state.found) element("shown").textContent = title(state.shown);
  element("rename").hidden = element("remove").hidden = !state.shown;
}

function show(label) {
  [state.shown, state.found] = [label, null];
  grid.selected.clear();
  showClasses();
  grid.show(state.images.get(label), false);
}

function showSelection() {
  const [images, selected] = [grid.ids.length, grid.selected.size];
  element("selection").textContent = selected ? `${count(selected, "image")} of ${images.toLocaleString("en")} selected` : count(images, "image");
  element("discard").disabled = element("label-as").disabled = !grid.chosen.length;
}

async function change(path, fields) {
  const changed = await tried(() => post(`/api/${path}`, fields));
  if (!changed) return undefined;
  says("");
  after(changed);
  return changed;
}

function label(place) {
  const chosen = place === 0 ? null : state.classes[place - 1];
  if (chosen !== undefined && grid.chosen.length) return change("label", { ids: grid.chosen, class: chosen });
}

function discard() {
  if (grid.chosen.length) return change("discard", { ids: grid.chosen });
}

// Questions and the large view

function question(words, note, value) {
  const dialog = element("ask");
  dialog.querySelector("label").textContent = words;
  dialog.querySelector("p").textContent = note;
  element("answer").hidden = value === null;
  element("answer").value = value ?? "";
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? element("answer").value : null), { once: true });
  });
}

async function rename() {
  const old = state.shown;
  const name = await question(`New name of ${old}`, "With the name of another class, the images are added to it.", old);
  if (name === null || name === old) return;
  const changed = await change("classes/rename", { class: old, name });
  if (changed) show(changed.classes.find((each) => each.toLowerCase() === name.trim().toLowerCase()) ?? "");
}

async function remove() {
  const name = state.shown;
  const yes = await question(`Remove the class ${name}?`, "Its images stay in the folder, without a label.", null);
  if (yes !== null) change("classes/remove", { class: name });
}

async function enlarge() {
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

// Uploads

async function add(files) {
  const [label, queue, refused] = [state.shown || null, [...files], []];
  const work = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      try {
        after(await upload(file, label));
      } catch (error) {
        refused.push(error.message);
      }
    }
  };
  await Promise.all(Array.from({ length: UPLOADS }, work));
  if (refused.length) says(refused.length === 1 ? refused[0] : `${count(refused.length, "file")} not added: ${refused[0]} …`);
}

async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const [reader, found] = [entry.createReader(), []];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const each of some) if (!each.name.startsWith(".")) found.push(...(await filesIn(each)));
  }
}

async function dropped(event) {
  event.preventDefault();
  document.body.classList.remove("dropping");
  const [files, items] = [[...event.dataTransfer.files], [...event.dataTransfer.items]];
  const entries = items.map((item) => item.webkitGetAsEntry()).filter(Boolean);  // folders, too, where the browser has them
  await tried(async () => add(entries.length ? (await Promise.all(entries.map(filesIn))).flat() : files));
}

// Check and training

async function watch(path, shown) {
  for (;;) {
    const found = await tried(() => get(path));
    if (!found) return;
    shown(found);
    if (found.state !== "running") return;
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}

function showCheck({ state: how, error, report }) {
  element("check").disabled = how === "running";
  const words = { running: "looking at every image …", failed: error, finished: report?.findings.length ? "" : "nothing found" };
  element("check-status").textContent = words[how] ?? "";
  element("findings").replaceChildren(...(report?.findings ?? []).map(finding));
}

function finding({ sentence, next_step, images }) {
  const item = document.createElement("li");
  const [what, next] = [document.createElement("p"), document.createElement("p")];
  what.textContent = sentence;
  next.textContent = next_step;
  next.className = "note";
  item.append(what, next);
  const ids = images.flatMap((each) => each.ids);
  if (ids.length) {
    const button = document.createElement("button");
    button.textContent = `Show ${count(ids.length, "image")}`;
    button.addEventListener("click", () => showThese(ids, sentence));
    item.append(button);
  }
  return item;
}

function showThese(ids, words) {
  const here = ids.filter((id) => state.images.get(labelOf(id))?.includes(id));
  if (!here.length) return says("these images have moved since the check; check again");
  [state.shown, state.found] = [null, here];
  element("shown").textContent = words;
  grid.selected.clear();
  showClasses();
  grid.show(here, false);
}

function showTraining({ state: how, log, error, run }) {
  element("train").hidden = how === "running";
  element("stop").hidden = how !== "running";
  element("training-log").hidden = !log;
  element("training-log").textContent = log;
  element("training-log").scrollTop = element("training-log").scrollHeight;
  element("training-status").textContent = { running: "training …", failed: error, stopped: "stopped", finished: result(run) }[how] ?? "";
}

function result(run) {
  if (!run) return "finished";
  const percent = (value) => `${(100 * value).toFixed(1)}\u00a0%`;
  return `${percent(run.accuracy)} of ${count(run.val_images, "validation image")} are right`
    + ` (95\u00a0% interval ${percent(run.low)} to ${percent(run.high)}). Try it: greycard serve ${run.path}`;
}

async function train() {
  const minutes = element("minutes").value === "" ? null : Number(element("minutes").value);
  if (await tried(() => post("/api/training", { minutes }))) watch("/api/training", showTraining);
}

// Keys and events

const KEYS = {
  ArrowLeft: (event) => grid.move(-1, event.shiftKey),
  ArrowRight: (event) => grid.move(1, event.shiftKey),
  ArrowUp: (event) => grid.move(-grid.columns, event.shiftKey),
  ArrowDown: (event) => grid.move(grid.columns, event.shiftKey),
  Home: (event) => grid.move(-grid.ids.length, event.shiftKey),
  End: (event) => grid.move(grid.ids.length, event.shiftKey),
  " ": () => grid.toggle(),
  Enter: enlarge,
  Escape: () => grid.select([]),
  Delete: discard,
  Backspace: discard,
};

const COMMANDS = {
  z: (event) => change(event.shiftKey ? "redo" : "undo"),
  y: () => change("redo"),
  a: () => grid.select(grid.ids),
};

function action(event) {
  if (event.altKey || event.target.closest("input, dialog")) return undefined;
  if (event.ctrlKey || event.metaKey) return COMMANDS[event.key.toLowerCase()];
  if (/^[0-9]$/.test(event.key)) return () => label(Number(event.key));
  return event.target === element("grid") ? KEYS[event.key] : undefined;
}

// Each key acts on what the one before has left: who types fast must not label an image twice.
let keys = Promise.resolve();
function pressed(event) {
  const act = action(event);
  if (!act) return;
  event.preventDefault();
  keys = keys.then(() => act(event));
}

document.addEventListener("keydown", pressed);
document.addEventListener("paste", (event) => event.clipboardData.files.length && add(event.clipboardData.files));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dropping"));
document.addEventListener("drop", dropped);
element("files").addEventListener("change", (event) => add(event.target.files).then(() => (event.target.value = "")));
element("camera").addEventListener("click", camera(element("recorder"), (file) => add([file]), says));
element("undo").addEventListener("click", () => change("undo"));
element("redo").addEventListener("click", () => change("redo"));
element("rename").addEventListener("click", rename);
element("remove").addEventListener("click", remove);
element("label-as").addEventListener("change", ({ target: { value } }) => {
  if (value !== "?") change("label", { ids: grid.chosen, class: value || null });
});
element("discard").addEventListener("click", discard);
element("rows").addEventListener("dblclick", enlarge);
element("large").querySelector("button").addEventListener("click", () => element("large").close());
element("new-class").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await change("classes/add", { name: element("class-name").value })) element("class-name").value = "";
});
element("check").addEventListener("click", async () => {
  if (await tried(() => post("/api/check"))) watch("/api/check", showCheck);
});
element("train").addEventListener("click", train);
element("stop").addEventListener("click", () => tried(() => post("/api/training/stop")));
tried(begin).then(() => {
  element("grid").focus();
  watch("/api/training", showTraining);
});
