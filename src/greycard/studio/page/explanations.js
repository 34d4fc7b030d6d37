// Heat maps and feature maps of chosen images, and the augmentation of training, drawn by processes on the server.
import { button, element, made, says, tried } from "./dialogs.js";
import { grid, isHere } from "./images.js";
import { watchOutput } from "./outputs.js";
import { load, post } from "./server.js";
import { text } from "./texts.js";

const OF_MISTAKES = 6, MOST = 12;
let run = null, mistakes = null, shown = [];

const address = (what) => `runs/${encodeURIComponent(run.name)}/${what}`;

export function open(result, wrong) {
  [run, mistakes] = [result, wrong];
  element("explain-mistakes").textContent = text(run.classes.length && !run.labels.length ? "heat_of_mistakes" : "heat_of_worst");
  element("augmentation-note").textContent = text(run.augmented ? "augmentation_note" : "augmentation_none");
  watchOutput("explain", showDrawings);
  watchOutput("augmentation", showSheet);
}

export function close() {
  run = null;
  shown.forEach(URL.revokeObjectURL);
  shown = [];
  element("drawings").replaceChildren();
  element("augmentation-sheet").hidden = true;
  for (const id of ["explain-status", "augmentation-status"]) element(id).textContent = "";
}

async function explain(ids) {
  if (!ids.length) return says(text("heat_none"));
  element("drawings").replaceChildren();
  if (await tried(() => post("/api/outputs/explain", { run: run.name, ids: ids.slice(0, MOST) }))) watchOutput("explain", showDrawings);
}

function showDrawings({ state, run: name, error, drawings }) {
  if (name !== run?.name) return;
  element("explain-status").textContent = { running: text("drawing"), failed: error }[state] ?? "";
  element("drawings").replaceChildren(...drawings.map(figure));
}

function figure({ id, heat, maps }) {
  const found = made("figure");
  found.append(image(heat, text("heat_of", { id })), made("figcaption", id, { class: "note" }));
  if (maps) {
    const more = made("details");
    more.append(made("summary", text("feature_maps")));
    more.addEventListener("toggle", () => more.append(image(maps, text("maps_of", { id }))), { once: true });
    found.append(more);
  }
  return found;
}

// A figure that a click enlarges.
function image(file, alt) {
  const found = made("img", "", { alt });
  const place = button("", () => enlarge(found));
  place.className = "figure";
  place.append(found);
  fill(found, "drawing", file);
  return place;
}

function enlarge({ src, alt }) {
  const dialog = element("large");
  dialog.querySelector("img").src = src;
  dialog.querySelector("img").alt = dialog.querySelector("p").textContent = alt;
  dialog.showModal();
}

async function fill(place, what, file = "") {
  const found = await tried(() => load(address(what), file, Date.now()));
  if (!found) return;
  shown.push(found);
  place.src = found;
}

async function augmentation() {
  element("augmentation-sheet").hidden = true;
  if (await tried(() => post("/api/outputs/augmentation", { run: run.name }))) watchOutput("augmentation", showSheet);
}

function showSheet({ state, run: name, error }) {
  if (name !== run?.name) return;
  element("augmentation-status").textContent = { running: text("drawing"), failed: error }[state] ?? "";
  element("augmentation-sheet").hidden = state !== "finished";
  if (state === "finished") fill(element("augmentation-sheet"), "augmentation");
}

export function start() {
  const here = () => mistakes().map(({ place }) => place).filter((place) => place !== null && isHere(place));
  element("explain-mistakes").addEventListener("click", () => explain(here().slice(0, OF_MISTAKES)));
  element("explain-selected").addEventListener("click", () => explain([...grid.selected]));
  element("augmentation").addEventListener("click", augmentation);
}
