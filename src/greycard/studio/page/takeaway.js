// What the user takes away: report, model card, exports with their check, and the project as a zip archive.
import { button, element, made, tried } from "./dialogs.js";
import { watchOutput } from "./outputs.js";
import { get, post } from "./server.js";
import { number, percent, significant, text } from "./texts.js";

const PAGES = ["report", "card"];
let run = null;

export function open(result) {
  run = result;
  element("export-format").replaceChildren(...run.formats.map((each) => new Option(each, each)));
  showExports();
  for (const kind of PAGES) {
    showPage(kind, { state: "none", run: run.name });
    watchOutput(kind, (found) => showPage(kind, found));
  }
  watchOutput("export", showExport);
}

export function close() {
  run = null;
  for (const id of ["take-status", "export-status"]) element(id).textContent = "";
}

// An address that is valid once: a link cannot send the token.
const ticket = (what, format = null) => tried(() => post("/api/tickets", { run: run.name, what, format }));

async function download(what, format) {
  const found = await ticket(what, format);
  if (found) made("a", "", { href: found.address, download: "" }).click();
}

// A report or model card is made first; then its button opens it.
function showPage(kind, { state, run: name, error }) {
  if (name !== run?.name) return;
  const place = element(kind);
  place.disabled = state === "running";
  place.dataset.made = state === "finished";
  place.textContent = text(state === "finished" ? `${kind}_open` : `${kind}_make`);
  if (state === "running" || state === "failed") element("take-status").textContent = error ?? text("making");
  else if (PAGES.every((each) => !element(each).disabled)) element("take-status").textContent = "";
}

async function page(kind) {
  if (element(kind).dataset.made === "true") return kind === "card" ? download("card") : openReport();
  const begun = await tried(() => post(`/api/outputs/${kind}`, { run: run.name }));
  if (begun) watchOutput(kind, (found) => showPage(kind, found));
}

async function openReport() {
  const found = await ticket("report");
  if (found) window.open(found.address, "_blank", "noopener");
}

async function makeExport() {
  const format = element("export-format").value;
  if (await tried(() => post("/api/outputs/export", { run: run.name, format }))) watchOutput("export", showExport);
}

async function showExport({ state, run: name, error }) {
  if (name !== run?.name) return;
  element("export").disabled = state === "running";
  element("export-status").textContent = { running: text("exporting"), failed: error }[state] ?? "";
  if (state !== "finished") return;
  const found = await tried(() => get(`/api/runs/${encodeURIComponent(name)}`));
  if (found && run?.name === name) {
    run.exports = found.exports;
    showExports();
  }
}

const showExports = () => element("exports").replaceChildren(...run.exports.map(exported));

function exported({ format, images, largest_difference, not_checked, ...figures }) {
  const item = made("li");
  item.append(made("strong", format), " ", button(text("download"), () => download("export", format)));
  const small = largest_difference < 1e-4;
  const difference = small ? text("below", { value: number(1e-4, 4) }) : figures.mae === null ? number(largest_difference, 4) : significant(largest_difference);
  item.append(made("p", parity({ n: images, difference }, figures), { class: "note" }));
  if (not_checked) item.append(made("p", text("not_checked", { words: not_checked }), { class: "note" }));
  return item;
}

function parity(values, { same_answers, accuracy, original_accuracy, mae, original_mae }) {
  if (mae !== null) return text("parity_number", { ...values, error: significant(mae), original: significant(original_mae) });
  const shares = { accuracy: percent(accuracy), original: percent(original_accuracy) };
  return text(run.labels.length ? "parity_several" : "parity", { ...values, ...shares, same: same_answers });
}

export function start() {
  for (const kind of PAGES) element(kind).addEventListener("click", () => page(kind));
  element("export").addEventListener("click", makeExport);
  element("project-zip").addEventListener("click", () => download("project"));
}
