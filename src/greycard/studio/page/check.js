// The check of the images: its findings, each with its images to correct, and again after changes.
import { button, element, made, says, tried, watch } from "./dialogs.js";
import { change, classes, isHere, labelOf, onChange, showThese } from "./images.js";
import { get, post } from "./server.js";
import { text } from "./texts.js";

const IDLE = 3000, QUICK = 20_000;
let [begun, lasted, timer] = [0, Infinity, null];

// What resolves a finding of each kind, with the images of its groups that are still where they were.
const RESOLVE = {
  duplicates: ["keep_one", keepOne],
  leakage: ["keep_one", keepOne],
  "conflicting labels": ["unlabel", (groups) => change("label", { ids: groups.flat(), class: null })],
  unreadable: ["discard", discardAll],
  "near-empty": ["discard", discardAll],
  "extreme size": ["discard", discardAll],
  "suspected labels": ["relabel", relabel],
};

function keepOne(groups) {
  return change("discard", { ids: [...new Set(groups.flatMap((ids) => ids.slice(1)))] });
}

function discardAll(groups) {
  return change("discard", { ids: groups.flat() });
}

async function relabel(groups, { instead }) {
  for (const name of new Set(instead)) {
    const ids = groups.flatMap((group, place) => (instead[place] === name ? group : []));
    if (ids.length && classes().includes(name) && !(await change("label", { ids, class: name }))) return;
  }
}

function show({ state, error, report }) {
  element("check").disabled = state === "running";
  if (state === "finished") lasted = Date.now() - begun;
  const words = { running: text("checking"), failed: error, finished: report?.findings.length ? "" : text("nothing_found") };
  element("check-status").textContent = words[state] ?? "";
  if (state !== "running") element("findings").replaceChildren(...(report?.findings ?? []).map(finding));
}

function finding({ kind, sentence, next_step, images, figures }) {
  const item = made("li");
  item.append(made("p", sentence), made("p", next_step, { class: "note" }));
  const n = images.flatMap((each) => each.ids).length;
  if (n) item.append(button(text("show_images", { n }), () => showImages(images, sentence)));
  const [words, act] = RESOLVE[kind] ?? [];
  if (n && act) item.append(button(text(words), () => act(images.map(({ ids }) => ids.filter(isHere)), figures)));
  return item;
}

function showImages(images, sentence) {
  const captions = new Map(images.flatMap(({ ids, detail }) => ids.map((id) => [id, detail || labelOf(id)])));
  const here = [...captions.keys()].filter(isHere);
  if (here.length) showThese(here, sentence, captions);
  else says(text("moved"));
}

async function run() {
  begun = Date.now();
  if (await tried(() => post("/api/check"))) watch(() => get("/api/check"), show);
}

export function start() {
  element("check").addEventListener("click", run);
  onChange(() => {
    clearTimeout(timer);
    if (lasted < QUICK) timer = setTimeout(() => element("check").disabled || run(), IDLE);
  });
}
