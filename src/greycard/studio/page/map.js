// A map of a run's validation images: a point for each, with the colour and shape of its class; a click opens the image.
import { drawn } from "./calibration.js";
import { element, made, tried } from "./dialogs.js";
import { isHere } from "./images.js";
import { watchOutput } from "./outputs.js";
import { get, load, post } from "./server.js";
import { number, percent, text } from "./texts.js";

const WIDTH = 480, HEIGHT = 440, EDGE = 12, COLOURS = 6, NEAR = 23;
const SHAPES = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "M0-5L4.6 3.4H-4.6z", "M-3.6-3.6h7.2v7.2h-7.2z",
  "M0-5L4.6 0L0 5L-4.6 0z", "M-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z", "M0 5L4.6-3.4H-4.6z",
];
let run = null, opens = null, preview = 0, shown = null;

const isWrong = ({ answer }) => answer.label !== answer.answer;
const address = () => `/api/runs/${encodeURIComponent(run.name)}/map`;

export async function open(result, mistakes, showAnswers) {
  const isOneClass = result.classes.length > 0 && !result.labels.length;  // its points have the looks of classes
  element("map").hidden = !isOneClass;
  if (!isOneClass) return;
  [run, opens] = [result, showAnswers];
  const found = await tried(() => get(address()));
  if (run !== result) return;
  if (found) show(found);
  watchOutput("map", follow);
}

export function close() {
  run = null;
  element("map-status").textContent = "";
  element("map-make").hidden = false;
  element("map-parts").hidden = true;
  element("map-image").hidden = true;
  element("map-words").textContent = text("map_hint");
}

async function make() {
  if (await tried(() => post("/api/outputs/map", { run: run.name }))) watchOutput("map", follow);
}

async function follow({ state, run: name, error }) {
  if (name !== run?.name) return;
  element("map-status").textContent = { running: text("map_making"), failed: error }[state] ?? "";
  if (state !== "finished" || !element("map-parts").hidden) return;
  const asked = run, found = await tried(() => get(address()));
  if (run === asked && found) show(found);
}

function show({ share, of, points }) {
  const answers = new Map(run.answers.map((answer) => [answer.recorded, answer]));
  const known = points.filter(({ recorded }) => answers.has(recorded));
  const every = placed(known.map((point) => ({ ...point, answer: answers.get(point.recorded) })));
  every.sort((one, other) => isWrong(one) - isWrong(other));  // mistakes lie on top
  const figure = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", class: "image-map", "aria-label": text("map_label", { n: every.length }) });
  figure.append(...every.map((point) => mark(point, every)));
  element("map-figure").replaceChildren(figure);
  element("map-legend").replaceChildren(...legend(every));
  const images = every.length < of ? text("map_sample", { n: every.length, of }) : text("map_images", { n: every.length });
  element("map-note").textContent = `${images} ${text("map_share", { share: percent(share) })}`;
  element("map-make").hidden = true;
  element("map-parts").hidden = false;
}

// Both axes have one scale, so that distances stay true.
function placed(points) {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = Math.min((WIDTH - 2 * EDGE) / (right - left || 1), (HEIGHT - 2 * EDGE) / (high - low || 1));
  const [middle, centre] = [(left + right) / 2, (low + high) / 2];
  return points.map((point) => ({ ...point, x: WIDTH / 2 + (point.x - middle) * scale, y: HEIGHT / 2 - (point.y - centre) * scale }));
}

// No two of 36 classes look the same; the others are grey circles.
function look(label) {
  if (label >= COLOURS * SHAPES.length) return { class: "map-0", d: SHAPES[0] };
  return { class: `map-${1 + (label % COLOURS)}`, d: SHAPES[(label + Math.floor(label / COLOURS)) % SHAPES.length] };
}

function mark(point, every) {
  const { x, y, answer } = point;
  const found = drawn("g", { transform: `translate(${x} ${y})`, role: "button", tabindex: isWrong(point) ? 0 : -1, "aria-label": words(answer) });
  if (isWrong(point)) found.append(drawn("circle", { r: 8, class: "ring" }));
  found.append(drawn("path", look(answer.label)), drawn("circle", { r: 9, class: "target" }));
  for (const event of ["pointerenter", "focus"]) found.addEventListener(event, () => showPreview(answer));
  found.addEventListener("click", () => openNear(point, every));
  found.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    openNear(point, every);
  });
  return found;
}

function words({ recorded, label, answer }) {
  const name = run.classes[label];
  return label === answer ? text("map_right", { id: recorded, label: name }) : text("map_wrong", { id: recorded, label: name, answer: run.classes[answer] });
}

// The image first, then those that are nearest to it on the map.
function openNear(point, every) {
  const distance = ({ x, y }) => (x - point.x) ** 2 + (y - point.y) ** 2;
  const near = every.filter((each) => each !== point).sort((one, other) => distance(one) - distance(other)).slice(0, NEAR);
  opens([point, ...near].map(({ answer }) => answer), text("map_near", { id: point.recorded }));
}

async function showPreview(answer) {
  const [asked, image] = [(preview += 1), element("map-image")];
  element("map-words").textContent = words(answer);
  image.hidden = true;
  if (answer.place === null || !isHere(answer.place)) return;
  const found = await load("thumbnail", answer.place, Date.now()).catch(() => null);
  if (!found) return;
  if (asked !== preview) return URL.revokeObjectURL(found);
  if (shown) URL.revokeObjectURL(shown);
  shown = image.src = found;
  image.hidden = false;
}

function legend(points) {
  const counts = new Map();
  for (const { answer: { label } } of points) counts.set(label, (counts.get(label) ?? 0) + 1);
  const lines = [...counts].sort(([one], [other]) => one - other).map(([label, count]) =>
    entry(`${run.classes[label]} (${number(count)})`, drawn("path", look(label))));
  if (points.some(isWrong)) lines.push(entry(text("map_mistake"), drawn("circle", { r: 5, class: "ring" })));
  return lines;
}

function entry(name, shape) {
  const [item, sign] = [made("li"), drawn("svg", { viewBox: "-7 -7 14 14", "aria-hidden": "true" })];
  sign.append(shape);
  item.append(sign, name);
  return item;
}

export function start() {
  element("map-make").addEventListener("click", make);
}
