// The check of the images: its findings, each with its images to correct.
import { button, element, made, says, tried, watch } from "./dialogs.js";
import { isHere, showThese } from "./images.js";
import { get, post } from "./server.js";
import { text } from "./texts.js";

function show({ state, error, report }) {
  element("check").disabled = state === "running";
  const words = { running: text("checking"), failed: error, finished: report?.findings.length ? "" : text("nothing_found") };
  element("check-status").textContent = words[state] ?? "";
  element("findings").replaceChildren(...(report?.findings ?? []).map(finding));
}

function finding({ sentence, next_step, images }) {
  const item = made("li");
  item.append(made("p", sentence), made("p", next_step, { class: "note" }));
  const ids = images.flatMap((each) => each.ids);
  if (ids.length) item.append(button(text("show_images", { n: ids.length }), () => showImages(ids, sentence)));
  return item;
}

function showImages(ids, sentence) {
  const here = ids.filter(isHere);
  if (here.length) showThese(here, sentence);
  else says(text("moved"));
}

export function start() {
  element("check").addEventListener("click", async () => {
    if (await tried(() => post("/api/check"))) watch(() => get("/api/check"), show);
  });
}
