// The page's only script: it sends images and shows predictions. Names and labels are always set as text.
const element = (id) => document.getElementById(id);
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const headers = token ? { Authorization: `Bearer ${token}` } : {};
const percent = (value) => (value > 0.9995 ? "> 99.9\u00a0%" : value < 0.0005 ? "< 0.1\u00a0%" : `${(100 * value).toFixed(1)}\u00a0%`);

function says(words, wrong = false) {
  element("status").textContent = words;
  element("status").classList.toggle("wrong", wrong);
}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new Error("the server does not answer; is it still running?");
  }
  const content = await response.json().catch(() => ({ error: `the server returned status ${response.status}` }));
  if (!response.ok) throw new Error(content.error);
  return content;
}

const mapless = new Set();

async function showModels() {
  const { models } = await ask("/api/models");
  for (const model of models) if (!model.heat) mapless.add(model.name);
  element("models").textContent = models.map(sentence).join(" ");
}

const decimals = new Map();

const inUnit = (model, value) => value.toFixed(decimals.get(model) ?? 2);

function sentence(model) {
  if (model.number) {
    decimals.set(model.name, model.number.decimals);
    const [lowest, highest] = model.number.val_mae_interval.map((value) => inUnit(model.name, value));
    return `${model.name} predicts a number: off by ${inUnit(model.name, model.number.val_mae)} on average on `
      + `${model.val_images} validation images (95\u00a0% interval ${lowest} to ${highest}).${refusals(model)}`;
  }
  const shown = model.classes.length > 12 ? [...model.classes.slice(0, 11), "…"] : model.classes;
  if (model.val_accuracy === null)
    return `${model.name} finds several labels per image (${shown.join(", ")}): mean average precision `
      + `${percent(model.val_mean_average_precision)} on ${model.val_images} validation images.`;
  const [low, high] = model.val_accuracy_interval.map((value) => (100 * value).toFixed(1));
  return `${model.name} classifies ${shown.join(", ")}: accuracy ${percent(model.val_accuracy)} on `
    + `${model.val_images} validation images (95\u00a0% interval ${low} to ${high}\u00a0%).${refusals(model)}`;
}

// Many refused images mean that images have changed since training.
function refusals({ number, refuse_share: share, last_hour: { images, refused } }) {
  if (share === null) return ` It answers with ${number ? "a number" : "one of its classes"} for every image.`;
  const own = number ? "images like its own" : "its classes\u2019 own images";
  const promise = `At most ${percent(share)} of ${own} are \u201cnone of these\u201d`;
  return ` ${promise}; in the last hour it was ${refused} of ${images}.`;
}

async function answer(files) {
  let failed = 0;
  for (const file of files) {
    says(`Classifying ${nameOf(file)} …`);
    try {
      const { answers } = await askAbout(file);
      show(file, answers.map(modelAnswer));
      showModels();
      says(answers.map((each) => `${each.model}: ${said(each)}`).join("; "));
    } catch (error) {
      failed += 1;
      show(file, [failure(error.message)]);
      says(`${nameOf(file)}: ${error.message}`, true);
    }
  }
  if (files.length > 1) says(`${files.length - failed} of ${files.length} files classified.`, failed > 0);
}

// All labels of an image that can have several.
const labelsText = (found) => (found.refused ? found.answer : found.labels.join(", ") || "none of the labels");

function said(found) {
  if (found.labels) return labelsText(found);
  if (found.number === undefined) return `${found.answer}${found.refused ? "" : `, ${percent(found.probability)}`}`;
  if (found.refused) return `none of these; the number would be ${inUnit(found.model, found.number)}`;
  const between = found.interval ? `, between ${found.interval.map((end) => inUnit(found.model, end)).join(" and ")}` : "";
  return `${inUnit(found.model, found.number)}${between}`;
}

const nameOf = (file) => file.name || "image";

async function askAbout(file) {
  await file.slice(0, 1).arrayBuffer().catch(() => { throw new Error("the browser cannot read it; is it a folder?"); });
  const form = new FormData();
  form.append("file", file, nameOf(file));
  const heat = element("heat").checked ? "?heat=true" : "";
  const { images } = await ask(`/api/predict${heat}`, { method: "POST", body: form });
  return images[0];
}

// A card for each file, the newest first: the image, if the browser can show it, and its predictions.
function show(file, parts) {
  const item = element("image").content.cloneNode(true);
  const image = item.querySelector("img");
  image.onload = () => URL.revokeObjectURL(image.src);
  image.onerror = () => image.remove();
  image.src = URL.createObjectURL(file);
  image.alt = nameOf(file);
  item.querySelector("figcaption").textContent = nameOf(file);
  item.querySelector(".models").append(...parts);
  element("answers").prepend(item);
}

function failure(reason) {
  const words = document.createElement("p");
  words.className = "failure";
  words.textContent = `No prediction: ${reason}${/[.?!]$/.test(reason) ? "" : "."}`;
  return words;
}

function modelAnswer(found) {
  const part = element("model").content.cloneNode(true);
  part.querySelector("h3").textContent = found.model;
  const isNumber = found.number !== undefined;
  part.querySelector(".answer").textContent = isNumber || found.labels ? said(found) : found.answer;
  part.querySelector(".refused").hidden = !found.refused;
  if (isNumber) part.querySelector(".refused").textContent = "It is unlike all training images, so its number means little.";
  if (isNumber) part.querySelector("table").remove();
  else part.querySelector("tbody").append(...likeliestFirst(found.probabilities).map(row));
  const explained = isNumber ? "the number" : found.class;
  const map = part.querySelector(".map");
  if (found.heat === null) {
    map.hidden = false;
    map.querySelector("img").remove();
    map.querySelector("figcaption").textContent = mapless.has(found.model)
      ? "no heat map: the network has no convolutions"
      : `no heat map: no region changes ${isNumber ? "the number" : `the probability of ${found.class} by one point`}`;
  } else if (found.heat) {
    map.hidden = false;
    map.querySelector("img").src = found.heat;
    if (isNumber) map.querySelector("figcaption").textContent = "heat map: brighter regions raise the number more";
    map.querySelector("img").alt = `the image, coloured where it ${isNumber ? "raises" : "supports"} ${explained}`;
  }
  return part;
}

// JavaScript objects put a label such as "7" first, even if it is unlikely, so sort again.
function likeliestFirst(probabilities) {
  return Object.entries(probabilities).sort(([, one], [, other]) => other - one);
}

function row([label, probability]) {
  const line = document.createElement("tr");
  const name = line.appendChild(document.createElement("th"));
  name.scope = "row";
  name.textContent = label;
  const bar = line.appendChild(document.createElement("td"));
  bar.className = "bar";
  const progress = bar.appendChild(document.createElement("progress"));
  progress.value = probability;
  progress.ariaHidden = "true";
  line.appendChild(document.createElement("td")).textContent = percent(probability);
  return line;
}

for (const id of ["files", "camera"]) {
  element(id).addEventListener("change", (event) => {
    answer([...event.target.files]).then(() => { event.target.value = ""; });
  });
}
document.addEventListener("dragover", (event) => { event.preventDefault(); element("drop").classList.add("over"); });
document.addEventListener("dragleave", () => element("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  element("drop").classList.remove("over");
  const files = [...event.dataTransfer.files];
  if (files.length) answer(files);
  else says("That was not a file. Save the image first, or choose it with the button.", true);
});
document.addEventListener("paste", (event) => answer([...event.clipboardData.files]));
showModels().catch((error) => says(error.message, true));
