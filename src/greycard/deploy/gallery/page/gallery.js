"use strict";
// The gallery's only script. Labels and paths are always set as text. Thousands of images are in a grid of which only
// the rows in view, and some around them, are elements of the page.
const element = (id) => document.getElementById(id);
const data = JSON.parse(element("data").textContent);
const CELL = 116, AROUND = 2, PATH = 0, THUMBNAIL = 1, GROUPS = 2, PROBABILITY = 3, FILE = 4, LABELS = 5;
const images = data.images, cells = new Map(), marks = new Map(), selected = new Set();
const STORE = `greycard gallery ${location.pathname}`;
let first = 0, count = 0, focus = 0, anchor = 0, unsaved = false;

// If an image can have several labels, `data.between` separates those of a list; otherwise it is null.
const textOf = (names) => names.join(data.between) || data.none;
const answers = images.map((image) => image[LABELS] ? textOf(image[LABELS].map((each) => data.classes[each])) : data.labels[image[GROUPS][0]]);
const noLabels = new Set(data.labels.slice(data.classes.length).filter((each) => !data.between || each !== data.none));
const imageAt = (place) => images[places[place]];
const answerAt = (place) => answers[places[place]];
const markAt = (place) => marks.get(places[place]);
const isAbsolute = (path) => path.startsWith("/") || path.startsWith("\\") || /^[A-Za-z]:/.test(path);

// The image that a label file names: an absolute path, so that the file may lie anywhere.
function fileOf([path, , , , file]) {
  return file ?? (isAbsolute(path) ? path : data.folder + data.separator + path);
}

const percent = (value) => `${(100 * value).toFixed(value > 0.9995 ? 0 : 1)}\u00a0%`;
const columns = () => Math.max(1, Math.floor(element("grid").clientWidth / CELL));
const chosen = () => (selected.size ? [...selected].sort((a, b) => a - b) : count ? [focus] : []);

// The groups: the images of each answer lie beside each other. An image with several labels has a place in each.
const groups = data.labels.map((label, number) => ({ label, number, first: 0, count: 0, members: [] }));
images.forEach((image, index) => { for (const each of image[GROUPS]) groups[each].members.push(index); });
const places = [];
for (const group of groups) {
  group.first = places.length;
  group.count = group.members.length;
  for (const index of group.members) places.push(index);
}
const shown = groups.filter((group) => group.count);

function start() {
  for (const label of data.classes) {
    element("labels").append(new Option(label, label));
    if (data.between) addBox(label);
  }
  for (const group of shown) element("groups").append(groupItem(group));
  restore();
  element("grid").addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(draw).observe(element("grid"));
  element("rows").addEventListener("click", clicked);
  element("form").addEventListener("submit", (event) => {
    event.preventDefault();
    correct(element("label").value);
  });
  element("right").addEventListener("click", () => mark(answerAt));
  element("undo").addEventListener("click", () => mark(() => undefined));
  element("save").addEventListener("click", save);
  document.addEventListener("keydown", pressed);
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
  if (shown.length) show(shown[0]);
  else element("group").textContent = "no images";
  told();
}

function groupItem(group) {
  const item = document.createElement("li"), button = document.createElement("button");
  button.type = "button";
  const name = document.createElement("span"), number = document.createElement("small");
  name.textContent = group.label;
  number.textContent = group.count.toLocaleString("en");
  button.append(name, number);
  if (group.number < 9 && group.number < data.classes.length) {
    const key = document.createElement("kbd");
    key.textContent = group.number + 1;
    button.prepend(key);
  }
  button.addEventListener("click", () => show(group));
  group.button = button;
  item.append(button);
  return item;
}

function show(group) {
  for (const each of shown) each.button.setAttribute("aria-current", each === group);
  ({ first, count } = group);
  focus = anchor = first;
  selected.clear();
  for (const cell of cells.values()) cell.remove();
  cells.clear();
  element("group").textContent = `${group.label}: ${count.toLocaleString("en")}`;
  element("grid").scrollTop = 0;
  draw();
  about();
}

function draw() {
  const wide = columns(), grid = element("grid");
  element("rows").style.height = `${Math.ceil(count / wide) * CELL}px`;
  const from = first + Math.max(0, Math.floor(grid.scrollTop / CELL) - AROUND) * wide;
  const to = Math.min(first + count, first + (Math.ceil((grid.scrollTop + grid.clientHeight) / CELL) + AROUND) * wide);
  for (const [place, cell] of cells) {
    if (place < from || place >= to) {
      cell.remove();
      cells.delete(place);
    }
  }
  for (let place = from; place < to; place++) drawCell(place, wide);
  if (count) grid.setAttribute("aria-activedescendant", `image-${focus}`);
}

function drawCell(place, wide) {
  const cell = cells.get(place) ?? newCell(place), at = place - first;
  cell.style.transform = `translate(${(at % wide) * CELL}px, ${Math.floor(at / wide) * CELL}px)`;
  cell.setAttribute("aria-selected", selected.has(place));
  cell.classList.toggle("focused", place === focus);
  const mark = markAt(place);
  cell.classList.toggle("marked", mark !== undefined);
  const probability = percent(imageAt(place)[PROBABILITY]);
  cell.lastChild.textContent = mark === undefined ? probability : mark === answerAt(place) ? `✓ ${probability}` : `→ ${mark}`;
}

function newCell(place) {
  const cell = document.createElement("div"), image = document.createElement("img");
  cell.className = "cell";
  cell.role = "option";
  cell.id = `image-${place}`;
  cell.dataset.place = place;
  cell.setAttribute("aria-posinset", place - first + 1);
  cell.setAttribute("aria-setsize", count);
  image.alt = imageAt(place)[PATH];
  image.src = imageAt(place)[THUMBNAIL] ? `thumbnails/${imageAt(place)[THUMBNAIL]}.jpg` : "data:,";
  cell.append(image, document.createElement("small"));
  cells.set(place, cell);
  element("rows").append(cell);
  return cell;
}

// What the form is about: the image in focus, or the selected ones.
function about() {
  const several = selected.size > 1, link = element("open");
  link.hidden = several || !count;
  if (!link.hidden) {
    link.textContent = imageAt(focus)[PATH];
    link.href = addressOf(fileOf(imageAt(focus)));
  }
  element("about").textContent = several ? `${selected.size.toLocaleString("en")} images selected`
    : count ? `${answerAt(focus)}, ${percent(imageAt(focus)[PROBABILITY])}` : "";
  if (data.between) showBoxes();
}

// A box for each label, if an image can have several: they say which labels the chosen images get.
const boxes = () => [...element("boxes").querySelectorAll("input")];

function addBox(label) {
  const known = boxes().find((each) => each.value === label);
  if (known) return known;
  const item = document.createElement("label"), box = document.createElement("input");
  box.type = "checkbox";
  box.value = label;
  item.append(box, ` ${label}`);
  element("boxes").append(item);
  return box;
}

const namesOf = (text) => (text === data.none || noLabels.has(text) ? [] : text.split(data.between));
const namesAt = (place) => namesOf(markAt(place) ?? answerAt(place));

// A box is half checked if only some of the chosen images have its label; they then keep what they have.
function showBoxes() {
  const lists = chosen().map(namesAt);
  for (const box of boxes()) {
    const having = lists.filter((names) => names.includes(box.value)).length;
    box.checked = having > 0 && having === lists.length;
    box.indeterminate = having > 0 && having < lists.length;
  }
}

function boxesFor(place) {
  const names = namesAt(place);
  return textOf(boxes().filter((box) => (box.indeterminate ? names.includes(box.value) : box.checked)).map((box) => box.value));
}

function toggleBox(label) {
  const box = addBox(label);
  box.checked = box.indeterminate || !box.checked;
  box.indeterminate = false;
}

function addressOf(file) {
  const path = file.replaceAll("\\", data.separator === "\\" ? "/" : "\\");
  return `file://${path.startsWith("/") ? "" : "/"}${encodeURI(path).replaceAll("#", "%23").replaceAll("?", "%3F")}`;
}

function refresh() {
  draw();
  about();
}

function move(by, more) {
  if (!count) return;
  focus = Math.min(first + count - 1, Math.max(first, focus + by));
  if (more) selectUpTo(focus);
  else {
    anchor = focus;
    selected.clear();
  }
  reveal();
  refresh();
}

function selectUpTo(place) {
  selected.clear();
  for (let each = Math.min(anchor, place); each <= Math.max(anchor, place); each++) selected.add(each);
}

function toggle(place) {
  if (!selected.delete(place)) selected.add(place);
  anchor = focus = place;
  refresh();
}

function clicked(event) {
  const cell = event.target.closest(".cell");
  if (!cell) return;
  const place = Number(cell.dataset.place);
  if (event.ctrlKey || event.metaKey || event.pointerType === "touch") return toggle(place);
  focus = place;
  if (event.shiftKey) selectUpTo(place);
  else {
    anchor = place;
    selected.clear();
  }
  refresh();
}

function reveal() {
  const grid = element("grid"), top = Math.floor((focus - first) / columns()) * CELL;
  if (top < grid.scrollTop) grid.scrollTop = top;
  if (top + CELL > grid.scrollTop + grid.clientHeight) grid.scrollTop = top + CELL - grid.clientHeight;
}

// Give the chosen images a label, or undefined to take it back; the next image is then in focus.
function mark(labelFor) {
  const marked = chosen();
  for (const place of marked) {
    const label = labelFor(place);
    if (label === undefined) marks.delete(places[place]);
    else marks.set(places[place], label);
  }
  selected.clear();
  if (marked.length) focus = Math.min(first + count - 1, marked[marked.length - 1] + 1);
  anchor = focus;
  unsaved = marks.size > 0;
  keep();
  told();
  reveal();
  refresh();
}

function correct(typed) {
  const label = typed.trim();
  if (data.between) {
    if (label === data.none) for (const box of boxes()) Object.assign(box, { checked: false, indeterminate: false });
    else for (const each of label.split(data.between).map((name) => name.trim()).filter(Boolean)) Object.assign(addBox(each), { checked: true, indeterminate: false });
    mark(boxesFor);
  } else if (label) mark(() => label);
  else return element("label").focus();
  element("label").value = "";
  element("grid").focus();
}

function told() {
  const changed = [...marks].filter(([index, label]) => label !== answers[index]).length;
  element("status").textContent = `${changed.toLocaleString("en")} corrected, ${(marks.size - changed).toLocaleString("en")} confirmed`;
}

// A reload of the page keeps the corrections, where the browser allows a page to keep something.
function keep() {
  try {
    localStorage.setItem(STORE, JSON.stringify([...marks].map(([index, label]) => [images[index][PATH], label])));
  } catch { /* the page then warns before it is closed */ }
}

function restore() {
  try {
    const kept = new Map(JSON.parse(localStorage.getItem(STORE) ?? "[]"));
    if (kept.size) images.forEach((image, index) => { if (kept.has(image[PATH])) marks.set(index, kept.get(image[PATH])); });
    if (data.between) for (const label of marks.values()) namesOf(label).forEach(addBox);
  } catch { /* nothing was kept */ }
}

const quoted = (cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

// An answer that is no class, such as "none of these", is no label to train on.
function save() {
  const all = element("all").checked, lines = [data.between ? "path,labels" : "path,label"];
  images.forEach((image, index) => {
    const label = marks.get(index) ?? (all ? answers[index] : undefined);
    if (label !== undefined && !noLabels.has(label)) lines.push(`${quoted(fileOf(image))},${quoted(label)}`);
  });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
  link.download = "corrections.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  unsaved = false;
  element("status").textContent = `corrections.csv has ${(lines.length - 1).toLocaleString("en")} images`;
}

const PAGE = () => columns() * Math.max(1, Math.floor(element("grid").clientHeight / CELL));
const KEYS = {
  ArrowLeft: (more) => move(-1, more),
  ArrowRight: (more) => move(1, more),
  ArrowUp: (more) => move(-columns(), more),
  ArrowDown: (more) => move(columns(), more),
  PageUp: (more) => move(-PAGE(), more),
  PageDown: (more) => move(PAGE(), more),
  Home: (more) => move(-count, more),
  End: (more) => move(count, more),
  " ": () => toggle(focus),
  Enter: () => mark(data.between ? boxesFor : answerAt),
  Escape: () => { selected.clear(); refresh(); },
};

function pressed(event) {
  if (event.altKey || event.target.closest("input:not([type=checkbox])")) return;
  const key = event.key.toLowerCase(), digit = /^[1-9]$/.test(event.key) ? data.classes[event.key - 1] : undefined;
  let act;
  if (event.ctrlKey || event.metaKey) act = key === "a" && (() => { for (let place = first; place < first + count; place++) selected.add(place); refresh(); });
  else if (digit !== undefined) act = () => (data.between ? toggleBox(digit) : mark(() => digit));
  else if (key === "l") act = () => element("label").focus();
  else if (key === "u") act = () => mark(() => undefined);
  else if (key === "n") act = next;
  else if (event.target.id === "grid" && KEYS[event.key]) act = () => KEYS[event.key](event.shiftKey);
  if (!act) return;
  event.preventDefault();
  act();
}

function next() {
  const at = shown.findIndex((group) => group.first === first);
  show(shown[(at + 1) % shown.length]);
  element("grid").focus();
}

start();
