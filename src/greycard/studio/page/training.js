// Training, in a process of its own.
import { element, tried, watch } from "./dialogs.js";
import { get, post } from "./server.js";
import { percent, text } from "./texts.js";

const status = () => get("/api/training");

function show({ state, log, error, run }) {
  element("train").hidden = state === "running";
  element("stop").hidden = state !== "running";
  element("training-log").hidden = !log;
  element("training-log").textContent = log;
  element("training-log").scrollTop = element("training-log").scrollHeight;
  const words = { running: text("training"), failed: error, stopped: text("stopped"), finished: result(run) };
  element("training-status").textContent = words[state] ?? "";
}

function result(run) {
  if (!run) return text("finished");
  const [share, low, high] = [run.accuracy, run.low, run.high].map((each) => percent(each));
  return text("result", { n: run.val_images, share, low, high, path: run.path });
}

async function train() {
  const minutes = element("minutes").value === "" ? null : Number(element("minutes").value);
  if (await tried(() => post("/api/training", { minutes }))) watch(status, show);
}

export function start() {
  element("train").addEventListener("click", train);
  element("stop").addEventListener("click", () => tried(() => post("/api/training/stop")));
  watch(status, show);
}
