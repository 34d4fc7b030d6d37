// Try the model: an image that is chosen, dropped or pasted, or the camera, about five times a second.
import { element, made, says, tried } from "./dialogs.js";
import { get, post, send } from "./server.js";
import { number, percent, text } from "./texts.js";

const EVERY = 200, LOOK = 400, FRAME = 320, MOST_BARS = 10;
let run = null, stream = null, shown = null;

export const open = (result) => {
  run = result;
};

export function close() {
  run = null;
  stopCamera();
  element("try-shown").hidden = true;
  element("try-status").textContent = "";
}

// Wait until the model is loaded; it is loaded at the first use.
async function ready(name) {
  let found = await post("/api/try/start", { run: name });
  while (found.state === "running") {
    element("try-status").textContent = text("loading");
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    found = await get("/api/try");
  }
  element("try-status").textContent = "";
  if (found.state !== "ready") throw new Error(found.error ?? text("no_model"));
}

const ask = (image, heat) => send("/api/try", { run: run.name, heat: heat ? "1" : "0" }, image);

async function tryImage(file) {
  if (!run || !file) return;
  stopCamera();
  const name = run.name;
  const found = await tried(async () => {
    await ready(name);
    element("try-status").textContent = text("looking");
    return ask(file, true);
  });
  element("try-status").textContent = "";
  if (!found || run?.name !== name) return;
  showImage(file);
  showBars(found);
  element("try-heat").hidden = !found.heat;
  if (found.heat) element("try-heat").src = found.heat;
  element("try-status").textContent = answerText(found);
}

// All labels that reach their thresholds where an image can have several, else its class or its number.
function answerText({ class: name, probability, refused, labels, ...found }) {
  if (isNumber(found)) return refused ? text("number_refused", { value: inUnit(found.number) }) : numberText(found);
  if (labels && !refused) return labels.length ? text("several_answer", { labels: labels.join(", ") }) : text("several_none");
  return refused ? text("none_of_these", { class: name }) : text("answer", { class: name, share: percent(probability) });
}

const isNumber = ({ number: value }) => value !== undefined;
const inUnit = (value) => number(value, run.number?.decimals ?? 2);

function numberText({ number: value, interval }) {
  if (!interval) return inUnit(value);
  const share = percent(run.number?.intervals?.share ?? 0, 0);
  return text("number_answer", { value: inUnit(value), ...ends(interval), share });
}

const ends = ([low, high]) => ({ low: inUnit(low), high: inUnit(high) });

function numberItem({ number: value, interval }) {
  const item = made("li", inUnit(value), { class: "number" });
  if (interval) item.append(made("small", text("number_interval", ends(interval))));
  return item;
}

function showImage(file) {
  if (shown) URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(file);
  element("try-image").src = shown;
  element("try-image").alt = file.name;
  element("try-image").hidden = element("try-shown").hidden = false;
}

// A bar for each class, always in the same order; for many classes, the likeliest first. A number has no bars.
function showBars({ class: answer, probabilities, refused, labels, ...found }) {
  element("try-refused").hidden = !refused;
  element("try-refused").textContent = text(isNumber(found) ? "try_number_refused" : "try_refused");
  if (isNumber(found)) return element("try-bars").replaceChildren(numberItem(found));
  const many = run.classes.length > MOST_BARS;
  const likeliest = Object.entries(probabilities).sort(([, one], [, other]) => other - one).slice(0, MOST_BARS);
  const bars = many ? likeliest : run.classes.map((name) => [name, probabilities[name] ?? 0]);
  const isAnswer = (name) => (labels ? labels.includes(name) : !refused && name === answer);
  element("try-bars").replaceChildren(...bars.map(([name, share]) => bar(name, share, isAnswer(name))));
}

function bar(name, share, isAnswer) {
  const item = made("li", "", isAnswer ? { class: "answer" } : {});
  const figure = made("progress", "", { "aria-label": name });
  figure.value = share;
  item.append(made("span", name), figure, made("small", percent(share, 0)));
  return item;
}

async function startCamera() {
  const name = run.name;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  } catch {
    return says(text("no_camera"));
  }
  const mine = stream;
  element("try-camera").setAttribute("aria-pressed", true);
  element("try-camera").textContent = text("try_camera_stop");
  if (!(await tried(() => ready(name).then(() => true)))) return stopCamera();
  if (stream !== mine) return;
  element("try-video").srcObject = stream;
  element("try-video").hidden = element("try-shown").hidden = false;
  element("try-image").hidden = element("try-heat").hidden = true;
  await element("try-video").play();
  watchCamera(mine);
}

// One request at a time; the next is sent 200 ms after the one before, or when that is answered.
async function watchCamera(mine) {
  while (stream === mine && !element("training-view").hidden && !document.hidden) {
    const next = new Promise((resolve) => setTimeout(resolve, EVERY));
    const found = await tried(async () => ask(await frame(), false));
    if (stream !== mine) return;
    if (!found) break;
    showBars(found);
    await next;
  }
  if (stream === mine) stopCamera();
}

async function frame() {
  const video = element("try-video");
  const scale = FRAME / Math.max(video.videoWidth, video.videoHeight);
  const canvas = new OffscreenCanvas(Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale));
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
}

function stopCamera() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  element("try-video").srcObject = null;
  element("try-video").hidden = true;
  element("try-camera").setAttribute("aria-pressed", false);
  element("try-camera").textContent = text("try_camera");
}

// With a run opened, files that are dropped or pasted here are tried, not added to a class.
function dropped(event) {
  if (!run) return;
  event.preventDefault();
  event.stopPropagation();
  document.body.classList.remove("dropping");
  tryImage(event.dataTransfer.files[0]);
}

function pasted(event) {
  if (!run || element("training-view").hidden || !event.clipboardData.files.length) return;
  event.stopPropagation();
  tryImage(event.clipboardData.files[0]);
}

export function start() {
  element("try-camera").addEventListener("click", () => (stream ? stopCamera() : startCamera()));
  element("try-file").addEventListener("change", (event) => tryImage(event.target.files[0]).then(() => (event.target.value = "")));
  element("training-view").addEventListener("drop", dropped);
  window.addEventListener("paste", pasted, true);
}
