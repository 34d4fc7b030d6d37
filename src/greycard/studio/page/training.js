// Training: the form, and the queue, which is asked again and again while something waits or runs.
import { element, says, tried } from "./dialogs.js";
import { showLive } from "./live.js";
import { isOpen, showQueue, titleOf } from "./queue.js";
import * as runs from "./runs.js";
import { get, post } from "./server.js";
import { text } from "./texts.js";

const AGAIN = 1000, AFTER_AN_ERROR = 3000;
const PATHS = { stop: "stop", resume: "resume", remove_job: "remove" };
let choices = { families: [], projects: [] }, known = null, timer = null, asked = 0, answered = 0;

function show({ jobs, running }) {
  showQueue(jobs, act);
  const job = jobs.find((each) => each.id === running?.id);
  showLive(running, job ? titleOf(job) : "");
  element("training-status").textContent = statusOf(jobs);
  ended(jobs);
  known = jobs;
}

// Answers may overtake each other: an older one is not shown after a newer one.
async function showAnswer(request) {
  const turn = ++asked;
  const found = await request();
  if (turn < answered) return found;
  answered = turn;
  show(found);
  return found;
}

// What a screen reader is told: only when the state changes, not with every epoch.
function statusOf(jobs) {
  const last = jobs.findLast((job) => !isOpen(job));
  const running = jobs.find((job) => job.state === "running");
  const job = running ?? last;
  return job ? `${titleOf(job)}: ${text(job.stopping && running ? "job_is_stopping" : `job_is_${job.state}`)}` : "";
}

// A run that begins or ends changes the table; one that has finished is opened.
function ended(jobs) {
  if (!known) return;
  const before = new Map(known.map((job) => [job.id, job]));
  const changed = jobs.filter((job) => before.get(job.id)?.state !== job.state || before.get(job.id)?.run !== job.run);
  if (!changed.length) return;
  runs.loadRuns();
  for (const job of changed) if (job.state === "finished" && before.get(job.id) && job.run) runs.openRun(job.run);
}

// Also while the server does not answer: the training goes on, and the next server shows it.
async function poll() {
  clearTimeout(timer);
  let wait = AFTER_AN_ERROR;
  try {
    const found = await showAnswer(() => get("/api/jobs"));
    wait = found.jobs.some(isOpen) ? AGAIN : null;
  } catch (error) {
    says(error.message);
  }
  clearTimeout(timer);
  if (wait !== null) timer = setTimeout(poll, wait);
}

async function changed(path, fields) {
  if (!(await tried(() => showAnswer(() => post(`/api/jobs/${path}`, fields))))) return;
  says("");
  poll();
}

const act = (name, id) => changed(PATHS[name], { id });

const nameOf = (how) => ({ family: element("family").value, project: element("project").value })[how] ?? null;

function takesMinutes() {
  const [how, name] = [element("how").value, element("family").value];
  return how !== "family" || choices.families.some((each) => each.name === name && each.limited);
}

function showForm() {
  const how = element("how").value;
  for (const each of ["family", "project"]) element(`choose-${each}`).hidden = how !== each;
  element("choose-minutes").hidden = element("minutes").disabled = !takesMinutes();
  element("minutes").required = how === "minutes";
  const project = choices.projects.find((each) => each.name === element("project").value);
  const notes = {
    minutes: () => text("how_minutes_note"),
    family: () => text(`family_${element("family").value}_note`),
    project: () => (project ? `${project.architecture}. ${project.teaches}` : ""),
  };
  element("how-note").textContent = notes[how]();
}

function submit(event) {
  event.preventDefault();
  const [how, typed] = [element("how").value, element("minutes").value];
  changed("add", { how, name: nameOf(how), minutes: takesMinutes() && typed !== "" ? Number(typed) : null });
}

async function loadChoices() {
  choices = (await tried(() => get("/api/jobs/choices"))) ?? choices;
  element("how").replaceChildren(...["minutes", "family", "project"].map((each) => new Option(text(`how_${each}`), each)));
  element("family").replaceChildren(...choices.families.map(({ name }) => new Option(text(`family_${name}`), name)));
  element("project").replaceChildren(...choices.projects.map(({ name }) => new Option(name, name)));
  showForm();
}

export function start() {
  for (const id of ["how", "family", "project"]) element(id).addEventListener("change", showForm);
  element("new-training").addEventListener("submit", submit);
  document.querySelector("[data-view=training-view]").addEventListener("click", () => {
    poll();
    runs.loadRuns();
  });
  runs.start((name) => changed("add", { how: "resume", name, minutes: null }));
  loadChoices();
  runs.loadRuns();
  poll();
}
