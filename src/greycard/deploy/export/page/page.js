// The page itself. Names of classes and files are always set as text, never as HTML.
const element = (id) => document.getElementById(id);
const percent = (value) => (value > 0.9995 ? "> 99.9\u00a0%" : value < 0.0005 ? "< 0.1\u00a0%" : `${(100 * value).toFixed(1)}\u00a0%`);
const SHOWN = 5;

const facts = stated("facts");
const about = stated("about");
const colours = bytesOf(about.colours);
const [height, width, channels] = facts.input.shape.slice(1);
const shape = [height, width, channels];
const ready = loadModel(shape);

function says(words, wrong = false) {
  element("status").textContent = words;
  element("status").classList.toggle("wrong", wrong);
}

// The run's own rule for one class per image: the first of the most likely.
const likeliest = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

// The probabilities of the classes, or the number, come first in the model's first output.
const WIDTH = facts.classes.length || 1;

// Whether the image is unlike all training images, by the run's own limit; false for a run without one. The strangeness
// follows the probabilities.
const isRefused = (row) => Boolean(facts.refuse_above != null && row[WIDTH] > facts.refuse_above);

async function answerTo(pixels, live) {
  const model = await ready;
  const outputs = await model(pixels);
  const probabilities = outputs[0].slice(0, WIDTH);
  const label = likeliest(probabilities);
  const heat = element("heat").checked ? await heatOf(model, about, pixels, outputs, label, shape, live) : null;
  return { pixels, probabilities, label, refused: isRefused(outputs[0]), heat };
}

async function answerFiles(files) {
  let failed = 0;
  for (const file of files) {
    says(`Looking at ${nameOf(file)} …`);
    try {
      await ready;
      const answer = await answerTo((await pixelsOf(file, facts.input)).data, false);
      show(file, shown(answer));
      says(`${nameOf(file)}: ${sentence(answer)}`);
    } catch (error) {
      failed += 1;
      show(file, failure(error.message));
      says(`${nameOf(file)}: ${error.message}`, true);
    }
  }
  if (files.length > 1) says(`${files.length - failed} of ${files.length} files ${isNumber() ? "predicted" : "classified"}.`, failed > 0);
}

const nameOf = (file) => file.name || "image";

const sentence = ({ refused, label, probabilities }) =>
  refused ? "none of these" : isNumber() ? numberText(probabilities[0]) : facts.thresholds ? labelsOf(probabilities) : `${facts.classes[label]}, ${percent(probabilities[label])}`;

// The class or the number; or all labels that reach their thresholds, where an image can have several.
const labelsOf = (probabilities) => facts.classes.filter((_, each) => probabilities[each] >= facts.thresholds[each]).join(", ") || "none of the labels";
const answerOf = ({ label, probabilities }) => (isNumber() ? inUnit(probabilities[0]) : facts.thresholds ? labelsOf(probabilities) : facts.classes[label]);

// What a refused image is closest to.
function closestOf({ label, probabilities }) {
  const most = isNumber() ? `Its number would be ${inUnit(probabilities[0])}.` : `Of its classes, ${facts.classes[label]} is the most likely.`;
  return `It is too different from the images that the model was trained on. ${most}`;
}

// A card for each file, the newest first: the image, and its prediction.
function show(file, part) {
  const item = element("image").content.cloneNode(true);
  const image = item.querySelector("img");
  image.onload = () => URL.revokeObjectURL(image.src);
  image.onerror = () => image.remove();
  image.src = URL.createObjectURL(file);
  image.alt = nameOf(file);
  item.querySelector("figcaption").textContent = nameOf(file);
  item.querySelector("li").append(part);
  element("answers").prepend(item);
}

function failure(reason) {
  const words = document.createElement("p");
  words.className = "failure";
  words.textContent = `No prediction: ${reason}.`;
  return words;
}

function shown(answer) {
  const part = element("answer").content.cloneNode(true);
  fill(part, answer);
  return part;
}

function fill(part, { pixels, probabilities, label, refused, heat }) {
  part.querySelector(".class").textContent = refused ? "None of these" : answerOf({ label, probabilities });
  const closest = part.querySelector(".closest");
  closest.hidden = !refused;
  closest.textContent = closestOf({ label, probabilities });
  part.querySelector("table").hidden = isNumber();
  part.querySelector(".between").textContent = isNumber() && !refused ? intervalText(probabilities[0]) : "";
  const order = isNumber() ? [] : [...probabilities.keys()].sort((one, other) => probabilities[other] - probabilities[one]).slice(0, SHOWN);
  part.querySelector("tbody").replaceChildren(...order.map((each) => row(facts.classes[each], probabilities[each])));
  const map = part.querySelector(".map");
  map.hidden = !heat;
  if (heat) drawMap(map, pixels, heat, isNumber() ? "the number" : facts.classes[label]);
}

function drawMap(map, pixels, heat, name) {
  const canvas = map.querySelector("canvas");
  const some = heat.some((value) => value >= LEAST);
  canvas.hidden = !some;
  if (some) drawHeat(canvas, pixels, heat, colours, shape);
  canvas.setAttribute("aria-label", `the image, coloured where it supports ${name}`);
  map.querySelector("figcaption").textContent = some ? about.caption : `no heat map: no region changes ${isNumber() ? name : `the probability of ${name} by one point`}`;
}

function row(name, probability) {
  const line = element("row").content.cloneNode(true);
  line.querySelector("th").textContent = name;
  line.querySelector("progress").value = probability;
  line.querySelector("td:last-child").textContent = percent(probability);
  return line;
}

// What the camera shows; a screen reader is told only when the class changes: a number changes all the time.
let told = "";
async function answerVideo(video) {
  const answer = await answerTo(frameOf(video, facts.input).data, true);
  fill(element("live-answer"), answer);
  const words = answer.refused ? "None of these" : isNumber() ? "the number is on the page" : answerOf(answer);
  if (words !== told) says(`Camera: ${words}`);
  told = words;
}

function introduction() {
  if (isNumber()) return numberIntroduction(facts);
  const { name, classes, validation: { images, accuracy, interval } } = facts;
  const listed = classes.length > 12 ? [...classes.slice(0, 11), "…"] : classes;
  if (facts.thresholds) return severalIntroduction(name, listed);
  const [low, high] = interval.map((value) => (100 * value).toFixed(1));
  return `${name} classifies ${listed.join(", ")}: accuracy ${(100 * accuracy).toFixed(1)}\u00a0% on ${images.toLocaleString("en")} `
    + `validation images (95\u00a0% interval ${low} to ${high}\u00a0%). Probabilities are calibrated on images like those.`;
}

function severalIntroduction(name, listed) {
  const { images, mean_average_precision: figure } = facts.validation;
  const [value, low, high] = figure ? [figure.value, figure.low, figure.high].map((each) => (100 * each).toFixed(1)) : ["–", "–", "–"];
  return `${name} finds several labels in an image (${listed.join(", ")}): mean average precision ${value}\u00a0% on `
    + `${images.toLocaleString("en")} validation images (95\u00a0% interval ${low} to ${high}\u00a0%). Probabilities are calibrated on images like those.`;
}

function begin() {
  element("classes").textContent = introduction();
  if (isNumber()) document.title = element("title").textContent = "A number from an image";
  const known = isNumber() ? "images like those it was trained on" : "its own classes";
  const others = facts.refuse_above == null ? `For any other image it also returns ${isNumber() ? "a number" : "one of its classes"}.` : "An image that is too different from those gets “none of these”.";
  element("limits").textContent = `The model knows only ${known}. ${others}`;
  element("live-answer").append(element("answer").content.cloneNode(true));
  for (const id of ["files", "photo"]) {
    element(id).addEventListener("change", (event) => answerFiles([...event.target.files]).then(() => { event.target.value = ""; }));
  }
  document.addEventListener("dragover", (event) => { event.preventDefault(); element("drop").classList.add("over"); });
  document.addEventListener("dragleave", () => element("drop").classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    element("drop").classList.remove("over");
    const files = [...event.dataTransfer.files];
    if (files.length) answerFiles(files);
    else says("That was not a file. Save the image first, or choose it with the button.", true);
  });
  document.addEventListener("paste", (event) => answerFiles([...event.clipboardData.files]));
  camera(answerVideo, says);
  ready.then(() => says("Ready."), (error) => says(`The model does not start in this browser: ${error.message}`, true));
}

// For the check of the export, which runs this page in a browser. Pixels and files come in base64.
globalThis.greycard = {
  ready,
  outputsFor: async (base64) => {
    const [model, all, size] = [await ready, bytesOf(base64), height * width * channels];
    const found = [];
    for (let start = 0; start < all.length; start += size) {
      found.push((await model(all.subarray(start, start + size))).map((each) => [...each]));
    }
    return found;
  },
  pixelsOf: async (base64, expected = facts.input) => [...(await pixelsOf(new File([bytesOf(base64)], "image"), expected)).data],
  heatFor: async (base64, label) => {
    const [model, pixels] = [await ready, bytesOf(base64)];
    return [...await heatOf(model, about, pixels, await model(pixels), label, shape, false)];
  },
};

begin();
