// The runs on this folder: a table, and the curves and the comparison of those that are chosen.
import { Curves } from "./charts.js";
import { button, element, made, tried } from "./dialogs.js";
import { showLadder, summary } from "./live.js";
import { get } from "./server.js";
import { fill } from "./tables.js";
import { duration, errors, figure, number, points, text } from "./texts.js";

const chosen = new Set();
let runs = [], onResume = () => {}, curves = null, asked = 0, loads = 0;

export const openRun = (name) => document.dispatchEvent(new CustomEvent("run-opened", { detail: { name } }));

export async function loadRuns() {
  const turn = ++loads;
  const found = await tried(() => get("/api/runs"));
  if (found && turn === loads) show(found.runs);
}

function show(found) {
  runs = found;
  for (const name of chosen) if (!runs.some((run) => run.name === name)) chosen.delete(name);
  element("runs-empty").hidden = runs.length > 0;
  element("runs").hidden = !runs.length;
  const measure = runs.every((run) => run.figure === null || run.figure.kind === "accuracy") ? "accuracy" : "result";
  fill(element("runs"), ["run", measure, "time", "begun"].map((key) => text(key)), runs.map(row));
  count();
}

function row(run) {
  const box = made("input", "", { type: "checkbox", "aria-label": text("choose_run_name", { name: run.name }) });
  box.checked = chosen.has(run.name);
  box.disabled = !run.epochs;
  box.addEventListener("change", () => {
    if (!chosen.delete(run.name)) chosen.add(run.name);
    count();
  });
  const name = made("span", "", { class: "run" });
  name.append(box, run.state === "finished" ? button(run.name, () => openRun(run.name)) : made("span", run.name), made("small", run.architecture));
  const begun = new Date(run.started).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  return [name, measured(run), run.seconds === null ? "" : duration(run.seconds), begun];
}

function measured(run) {
  const found = made("span");
  if (run.figure) {
    const [value, low, high] = [run.figure.value, run.figure.low, run.figure.high].map((each) => figure(run.figure, each));
    const words = text(run.figure.set_aside ? "set_aside" : "on_validation", { low, high, n: run.figure.images });
    found.append(text(`figure_${run.figure.kind}`, { value }), made("small", words));
  } else {
    found.append(text(`run_is_${run.state}`));
  }
  if (run.can_resume) found.append(button(text("resume"), () => onResume(run.name)));
  return found;
}

function count() {
  const n = chosen.size;
  element("compare").disabled = !n;
  element("compare").textContent = text(n > 1 ? "compare" : "show_curves");
}

async function compare() {
  const [names, turn] = [runs.filter((run) => chosen.has(run.name)).map((run) => run.name), ++asked];
  const histories = await tried(() => Promise.all(names.map((name) => get(`/api/runs/curves?${new URLSearchParams({ name })}`))));
  if (!histories || turn !== asked) return;
  element("chosen").hidden = false;
  curves ??= new Curves(element("chosen-curves"));
  if (names.length === 1) curves.showRun(histories[0].history, `${names[0]}. ${summary(histories[0].history)}`);
  else curves.showRuns(histories, text("validation_of", { names: names.join(", ") }));
  showLadder(element("chosen-ladder"), names.length === 1 ? histories[0].search : null);
  element("comparison-table").replaceChildren();
  element("comparison").textContent = names.length > 1 ? text("comparing") : "";
  if (names.length > 1) await showDifferences(names, turn);
}

async function showDifferences(names, turn) {
  const query = new URLSearchParams(names.map((name) => ["name", name]));
  let found = null, refused = "";
  try {
    found = await get(`/api/runs/compare?${query}`);
  } catch (error) {
    refused = error.message;
  }
  if (turn !== asked) return;
  if (!found) {
    element("comparison").textContent = text("not_comparable", { why: refused });
    return;
  }
  const { sentence, titles, cells } = runs.find((run) => run.name === names[0]).figure.kind === "error" ? ofNumbers : ofClasses;
  element("comparison").textContent = found.differences.length ? found.differences.map((each) => sentence(each, found.images)).join(" ") : text("seeds_of_one");
  if (found.differences.length) fill(element("comparison-table"), titles(), found.differences.map(cells));
}

const p = (value) => (value < 0.001 ? `< ${number(0.001, 3)}` : number(value, 3));

const decimals = (name) => runs.find((run) => run.name === name)?.figure.decimals ?? 2;

const ofClasses = {
  titles: () => ["pair", "difference", "p_value", "only_first", "only_second"].map((key) => text(key)),
  cells: (each) => [text("minus", each), points(each), p(each.p_adjusted), number(each.only_first.length), number(each.only_second.length)],
  sentence: (each, images) => text(each.is_real ? "is_better" : "not_significant", inOrder(each, images, points)),
};

// The better of two runs that predict a number has the smaller error.
const ofNumbers = {
  titles: () => ["pair", "difference", "p_value", "closer_first", "closer_second"].map((key) => text(key)),
  cells: (each) => [text("minus", each), errors(each, decimals([...chosen][0])), p(each.p_adjusted), number(each.first_closer), number(each.second_closer)],
  sentence: ({ first, second, ...each }, images) =>
    text(each.is_real ? "is_closer" : "not_significant", inOrder({ ...each, first: second, second: first }, images, (by) => errors(by, decimals([...chosen][0])))),
};

function inOrder({ first, second, difference, low, high, p_adjusted }, images, shown) {
  const turned = difference < 0;
  const by = shown(turned ? { difference: -difference, low: -high, high: -low } : { difference, low, high });
  return { better: turned ? second : first, worse: turned ? first : second, n: images, by, p: p(p_adjusted) };
}

export function start(resume) {
  onResume = resume;
  element("compare").addEventListener("click", compare);
}
