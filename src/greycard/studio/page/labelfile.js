// A label file in the folder: use its classes once, or set it aside, so that it never contradicts the folders.
import { element, tried } from "./dialogs.js";
import { change, onChange } from "./images.js";
import { get } from "./server.js";
import { text } from "./texts.js";

const SOON = 500;
let timer = null;
const section = element("label-file");

function words({ name, images, moves, missing, has_split, several, numbers, train }) {
  if (several || numbers) return text(several ? "label_file_several" : "label_file_numbers", { n: images, name, train });
  const found = [text("label_file_found", { n: images, name }), text(moves ? "label_file_offer" : "label_file_agrees")];
  if (missing) found.push(text("label_file_missing", { n: missing }));
  if (has_split) found.push(text("label_file_split"));
  return found.join(" ");
}

async function refresh() {
  const answer = await tried(() => get("/api/label-file"));
  const file = answer?.label_file ?? null;
  section.hidden = !file;
  if (!file) return;
  element("label-file-status").textContent = words(file);
  element("use-label-file").hidden = !file.moves;
}

export function start() {
  element("use-label-file").addEventListener("click", () => change("label-file", { use: true }));
  element("label-file-aside").addEventListener("click", () => change("label-file", { use: false }));
  onChange(() => {  // undo can bring the file back, and new images may be those that it names
    clearTimeout(timer);
    timer = setTimeout(refresh, SOON);
  });
  refresh();
}
