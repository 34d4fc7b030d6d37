// New images: chosen, dropped, pasted, or from the camera.
import { camera } from "./camera.js";
import { element, says, tried } from "./dialogs.js";
import { after, shownClass } from "./images.js";
import { send } from "./server.js";
import { text } from "./texts.js";

const AT_ONCE = 4;
const named = (file, label) => ({ name: file.name || "image", ...(label === null ? {} : { class: label }) });
const isArchive = (file) => /\.(zip|tm)$/i.test(file.name);

async function add(files) {
  const label = shownClass() || null;
  await addImages([...files].filter((file) => !isArchive(file)), label);
  for (const file of [...files].filter(isArchive)) await addArchive(file, label);
}

async function addArchive(file, label) {
  const [status, name] = [element("add-status"), file.name];
  status.textContent = text("adding", { name });
  const changed = await tried(() => send("/api/archives", named(file, label), file, "application/zip"));
  status.textContent = changed ? text("added", { n: changed.added, name }) : "";
  if (!changed) return;
  const { count: n, reasons } = changed.left_out;
  if (n) status.textContent += ` ${text("left_out", { n, why: reasons.join("; ") })}`;
  after(changed);
}

async function addImages(queue, label) {
  const [all, refused] = [queue.length, []];
  const status = element("add-status");
  const work = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      try {
        after(await send("/api/images", named(file, label), file));
      } catch (error) {
        refused.push(error.message);
      }
      status.textContent = text("uploading", { done: all - queue.length - refused.length, n: all });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (!all) return;
  const [n, why] = [refused.length, refused.slice(0, 5).join("; ")];
  status.textContent = [text("uploaded", { n: all - n }), n ? text("not_added", { n, why }) : ""].join(" ");
}

async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const [reader, found] = [entry.createReader(), []];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const each of some) if (!each.name.startsWith(".")) found.push(...(await filesIn(each)));
  }
}

async function dropped(event) {
  event.preventDefault();
  document.body.classList.remove("dropping");
  if (element("images-view").hidden) return void (element("run-parts").hidden && says(text("drop_elsewhere")));
  const [files, items] = [[...event.dataTransfer.files], [...event.dataTransfer.items]];
  const entries = items.map((item) => item.webkitGetAsEntry()).filter(Boolean);  // folders, too, where the browser has them
  await tried(async () => add(entries.length ? (await Promise.all(entries.map(filesIn))).flat() : files));
}

export function start() {
  document.addEventListener("paste", (event) => event.clipboardData.files.length && add(event.clipboardData.files));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dropping"));
  document.addEventListener("drop", dropped);
  for (const name of ["files", "photo"]) {
    element(name).addEventListener("change", (event) => add(event.target.files).then(() => (event.target.value = "")));
  }
  element("camera").addEventListener("click", camera(element("recorder"), (file) => add([file]), says));
}
