// The result of one run: its figures, what to do next, and its mistakes, which open in the grid of images.
import { button, element, made, open, says, tried } from "./dialogs.js";
import * as explanations from "./explanations.js";
import { onChange, showThese } from "./images.js";
import * as imageMap from "./map.js";
import * as numbers from "./numbers.js";
import * as oneClass from "./oneclass.js";
import { get } from "./server.js";
import * as several from "./several.js";
import * as takeaway from "./takeaway.js";
import { number, text } from "./texts.js";
import * as trial from "./trial.js";

const parts = [trial, explanations, imageMap, takeaway];
let result = null;

// What the page shows depends on the task of the run.
const kind = () => (result.labels.length ? several : result.classes.length ? oneClass : numbers);

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
  showFigures();
  showTrust();
  for (const part of parts) part.open(result, mistakes, showAnswers);
  element("run-result").scrollIntoView({ block: "nearest" });
}

function showHeadline() {
  const [first, rest] = kind().headline(result);
  element("run-headline").replaceChildren(made("strong", first), ` ${rest}`);
  const { train_images: n, architecture, seconds } = result;
  const facts = [text("run_facts", { architecture, n, seconds: number(seconds, seconds < 10 ? 1 : 0) }), ...kind().facts(result)];
  element("run-facts").textContent = facts.join(" ");
}

function showFigures() {
  const figures = kind().figures(result, showAnswers);
  element("matrix").replaceChildren(...figures);
  element("matrix-note").textContent = element("matrix").querySelector("table, svg") ? kind().figuresNote(result) : "";
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

const isPresent = ({ place }) => place !== null && !place.startsWith(".");  // the trash is in a hidden folder
export const mistakes = () => kind().mistakes(result);

function showMistakes() {
  element("mistakes-title").textContent = kind().mistakesTitle();
  const wrong = mistakes();
  const here = wrong.filter(isPresent);
  element("show-mistakes").textContent = kind().buttonText(here.length);
  element("show-mistakes").disabled = !here.length;
  const notes = kind().notes(result, wrong, here);
  if (!result.answers.some(isPresent)) notes.push(text("other_images"));
  else if (here.length < wrong.length) notes.push(text("missing", { n: wrong.length - here.length }));
  element("mistakes-note").textContent = notes.join(" ");
}

// Show validation images in the grid, where keys relabel them; each has the prediction as its caption.
function showAnswers(answers, words) {
  const here = answers.filter(isPresent);
  if (!here.length) return says(text("none_here"));
  showThese(here.map(({ place }) => place), words, new Map(here.map((each) => [each.place, kind().caption(result, each)])));
  open("images-view");
  element("grid").focus();
  if (here.length < answers.length) says(text("missing", { n: answers.length - here.length }));
}

function showTrust() {
  const [sentence, figures] = kind().trust(result);
  element("trust-title").textContent = kind().trustTitle();
  element("trust-sentence").textContent = sentence;
  element("trust-figure").replaceChildren(...figures);
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
