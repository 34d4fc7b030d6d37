// The queue: what runs and waits, then what has ended, the newest first, each with what can be done.
import { button, element, made } from "./dialogs.js";
import { text } from "./texts.js";

export const isOpen = ({ state }) => state === "waiting" || state === "running";

export const titleOf = ({ request: { how, name, minutes } }) => {
  const shown = how === "family" ? text(`family_${name}`) : name;
  const limit = minutes !== null && how !== "minutes" ? ` (${text("at_most_minutes", { minutes: String(minutes) })})` : "";
  return text(`job_${how}`, { name: shown, minutes: String(minutes) }) + limit;
};

let shown = "";

// `act` is called with the name of a change and the job's id. Who uses the keyboard stays at the same job.
export function showQueue(jobs, act) {
  if (shown === JSON.stringify(jobs)) return;
  shown = JSON.stringify(jobs);
  const focused = document.activeElement.closest("#queue li")?.dataset.id;
  const [open, ended] = [jobs.filter(isOpen), jobs.filter((job) => !isOpen(job))];
  const first = (job) => job.state !== "running";
  open.sort((one, other) => first(one) - first(other));
  element("queue").replaceChildren(...[...open, ...ended.reverse()].map((job) => item(job, act)));
  if (focused) (element("queue").querySelector(`[data-id="${focused}"] button`) ?? element("train")).focus();
  element("queue-empty").hidden = jobs.length > 0;
}

function item(job, act) {
  const found = made("li", "", { "data-state": job.state, "data-id": job.id });
  const state = job.stopping && job.state === "running" ? "stopping" : job.state;
  const words = [text(`job_is_${state}`), job.run, job.note ? text(`note_${job.note.replace(" ", "_")}`) : null].filter(Boolean);
  found.append(made("strong", titleOf(job)), made("p", words.join(" · "), { class: "note" }));
  if (job.error) found.append(made("p", job.error, { class: "error" }));
  const buttons = made("div", "", { class: "buttons" });
  const add = (name) => {
    const made_button = button(text(name), () => act(name, job.id));
    made_button.setAttribute("aria-label", `${text(name)}: ${titleOf(job)}`);
    buttons.append(made_button);
  };
  if (job.state === "running") add("stop");  // a second time it ends at once
  if (job.state === "stopped" || job.state === "failed") add("resume");
  if (job.state !== "running") add("remove_job");
  found.append(buttons);
  return found;
}
