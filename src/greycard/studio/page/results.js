// The result of one run: its figures, what to do next, and its mistakes, which open in the grid of images.
import { calibrationFigure } from "./calibration.js";
import { button, element, made, open, says, tried } from "./dialogs.js";
import * as explanations from "./explanations.js";
import { labelOf, onChange, showThese } from "./images.js";
import * as imageMap from "./map.js";
import { matrix } from "./matrix.js";
import { get } from "./server.js";
import * as takeaway from "./takeaway.js";
import { number, percent, text } from "./texts.js";
import * as trial from "./trial.js";

const parts = [trial, explanations, imageMap, takeaway];
let result = null;

async function openRun(name) {
  element("run-result").hidden = false;
  element("run-parts").hidden = true;
  element("run-title").textContent = name;
  element("run-status").textContent = text("run_reading");
  result = null;
  for (const part of parts) part.close();
  const found = await tried(() => get(`/api/runs/${encodeURIComponent(name)}`));
  if (element("run-title").textContent !== name) return;  // another run was opened since
  element("run-status").textContent = "";
  element("run-result").hidden = !found;
  if (found) show(found);
}

function show(found) {
  result = found;
  element("run-parts").hidden = false;
  showHeadline();
  element("run-findings").replaceChildren(...result.findings.map(finding));
  showMistakes();
  element("matrix").replaceChildren(result.labels.length ? labelTable(result.labels) : matrix(result, showAnswers));
  element("matrix-note").hidden = result.labels.length > 0 || !element("matrix").querySelector("table");
  showTrust();
  for (const part of parts) part.open(result, mistakes, showAnswers);
  element("run-result").scrollIntoView({ block: "nearest" });
}

function showHeadline() {
  if (result.labels.length) return showLabelsHeadline();
  const { validation, test, train_images, architecture, seconds, kept } = result;
  const { accuracy, low, high, images } = test ?? validation;
  const [share, from, to] = [accuracy, low, high].map((each) => percent(each));
  const first = made("strong", text(test ? "test_right" : "validation_right", { n: images, share }));
  element("run-headline").replaceChildren(first, ` ${text("expect", { low: from, high: to })}`);
  const facts = [text("run_facts", { architecture, n: train_images, seconds: number(seconds, seconds < 10 ? 1 : 0) })];
  if (test) facts.push(text("validation_too", { share: percent(validation.accuracy), n: validation.images }));
  if (kept && !test) facts.push(text("kept", { kept }));
  element("run-facts").textContent = facts.join(" ");
}

// A run whose images can have several labels has no accuracy.
function showLabelsHeadline() {
  const { average_precision: found, labels, train_images, architecture, seconds } = result;
  const [share, low, high] = found ? [found.accuracy, found.low, found.high].map((each) => percent(each)) : ["–", "–", "–"];
  const words = text("several_labels", { share, low, high, labels: labels.length, n: found?.images ?? 0 });
  element("run-headline").replaceChildren(made("strong", words));
  const facts = { architecture, n: train_images, seconds: number(seconds, seconds < 10 ? 1 : 0) };
  element("run-facts").textContent = [text("run_facts", facts), text("several_labels_note")].join(" ");
}

function labelTable(labels) {
  const table = made("table"), head = made("tr");
  head.append(...["label", "average_precision", "f1", "threshold", "images_with"].map((key) => made("th", text(`several_${key}`), { scope: "col" })));
  const shown = (value) => (value === null ? "–" : percent(value));
  const rows = labels.map(({ name, average_precision, f1, threshold, images }) => {
    const line = made("tr");
    line.append(made("th", name, { scope: "row" }));
    line.append(...[shown(average_precision), shown(f1), number(threshold, 3), number(images)].map((cell) => made("td", cell)));
    return line;
  });
  table.append(head, ...rows);
  return table;
}

// A finding with its next step; what is between backticks is a command.
function finding({ name, sentence, next_step }) {
  const item = made("li");
  item.append(made("strong", name), withCode(made("p"), sentence), withCode(made("p", "→ "), next_step));
  return item;
}

function withCode(place, words) {
  words.split("`").forEach((part, number) => place.append(number % 2 ? made("code", part) : part));
  return place;
}

const isMistake = ({ label, answer }) => label !== answer;
const isPresent = ({ place }) => place !== null && !place.startsWith(".");  // the trash is in a hidden folder
export const mistakes = () => result.answers.filter(isMistake);

function showMistakes() {
  const wrong = mistakes();
  const here = wrong.filter(isPresent);
  const changed = here.filter(({ place, label }) => labelOf(place) !== result.classes[label]).length;
  element("show-mistakes").textContent = text("show_mistakes", { n: here.length });
  element("show-mistakes").disabled = !here.length;
  element("show-mistakes").hidden = result.labels.length > 0;
  if (result.labels.length) return void (element("mistakes-note").textContent = text("several_mistakes"));
  const notes = [wrong.length ? text("mistakes_note") : text("no_mistakes")];
  if (changed) notes.push(text("relabelled", { n: changed }));
  if (!result.answers.some(isPresent)) notes.push(text("other_images"));
  else if (here.length < wrong.length) notes.push(text("missing", { n: wrong.length - here.length }));
  element("mistakes-note").textContent = notes.join(" ");
}

// Show validation images in the grid, where keys relabel them; each has the prediction as its caption.
function showAnswers(answers, words) {
  const here = answers.filter(isPresent);
  if (!here.length) return says(text("none_here"));
  showThese(here.map(({ place }) => place), words, new Map(here.map((each) => [each.place, caption(each)])));
  open("images-view");
  element("grid").focus();
  if (here.length < answers.length) says(text("missing", { n: answers.length - here.length }));
}

function caption({ answer, probability }) {
  const share = probability === null ? "" : percent(probability, 0);
  return text("predicted", { class: result.classes[answer], share });
}

function showTrust() {
  const { trust } = result;
  element("trust-sentence").textContent = trust
    ? text("trust_sentence", { points: number(100 * trust.error, 1) })
    : text("trust_none");
  element("trust-figure").replaceChildren(...(trust ? [calibrationFigure(trust.bins)] : []));
}

// An image keeps its answer when its label, and so its id, changes.
function follow({ moves }) {
  if (!result) return;
  const targets = new Map(moves.map(({ source, target }) => [source, target]));
  for (const each of result.answers) each.place = targets.get(each.place) ?? each.place;
  showMistakes();
}

export function start() {
  document.addEventListener("run-opened", (event) => openRun(event.detail.name));
  element("show-mistakes").addEventListener("click", () => showAnswers(mistakes(), text("mistakes_of", { run: result.name })));
  onChange(follow);
  for (const part of parts) part.start();
}
