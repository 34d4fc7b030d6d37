// The page's one script: pictures in, answers shown. Names and labels are only ever set as text.
const element = (id) => document.getElementById(id);
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const headers = token ? { Authorization: `Bearer ${token}` } : {};
const percent = (value) => (value > 0.9995 ? "> 99.9 %" : value < 0.0005 ? "< 0.1 %" : `${(100 * value).toFixed(1)} %`);

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
  const content = await response.json().catch(() => ({ error: `the server answers with ${response.status}` }));
  if (!response.ok) throw new Error(content.error);
  return content;
}

async function showModels() {
  const { models } = await ask("/api/models");
  element("models").textContent = models.map(sentence).join(" ");
}

function sentence(model) {
  const shown = model.classes.length > 12 ? [...model.classes.slice(0, 11), "…"] : model.classes;
  const [low, high] = model.val_accuracy_interval.map((value) => (100 * value).toFixed(1));
  return `${model.name} tells ${shown.join(", ")} apart: right on ${percent(model.val_accuracy)} of `
    + `${model.val_images} validation pictures (95 % interval ${low} to ${high} %).`;
}

async function answer(files) {
  for (const file of files) {
    says(`Looking at ${file.name || "the picture"} …`);
    const form = new FormData();
    form.append("file", file, file.name || "picture");
    try {
      const heat = element("heat").checked ? "?heat=true" : "";
      const { pictures } = await ask(`/api/predict${heat}`, { method: "POST", body: form });
      show(file, pictures[0]);
      says(pictures[0].answers.map((each) => `${each.model}: ${each.class}, ${percent(each.probability)}`).join("; "));
    } catch (error) {
      says(`${file.name || "The picture"}: ${error.message}`, true);
    }
  }
}

function show(file, picture) {
  const item = element("picture").content.cloneNode(true);
  const image = item.querySelector("img");
  image.src = URL.createObjectURL(file);
  image.onload = () => URL.revokeObjectURL(image.src);
  image.alt = picture.name;
  item.querySelector("figcaption").textContent = picture.name;
  item.querySelector(".models").append(...picture.answers.map(modelAnswer));
  element("answers").prepend(item);
}

function modelAnswer(found) {
  const part = element("model").content.cloneNode(true);
  part.querySelector("h3").textContent = found.model;
  part.querySelector(".answer").textContent = found.class;
  part.querySelector("tbody").append(...likeliestFirst(found.probabilities).map(row));
  if (found.heat) {
    const map = part.querySelector(".map");
    map.hidden = false;
    map.querySelector("img").src = found.heat;
    map.querySelector("img").alt = `the picture, coloured where it speaks for ${found.class}`;
  }
  return part;
}

// A label such as "7" comes first in any object of JavaScript's, however unlikely it is.
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
  answer([...event.dataTransfer.files]);
});
document.addEventListener("paste", (event) => answer([...event.clipboardData.files]));
showModels().catch((error) => says(error.message, true));
