// A lesson at the side of the other views: its page, its commands, and its questions.
import { button, element, made, tried, watch } from "./dialogs.js";
import { get, post } from "./server.js";
import { text } from "./texts.js";

const WAIT = 600;

// The server made this HTML from the lesson's own page; users have no part in it.
function fromHtml(html, attributes = {}) {
  const found = made("div", "", attributes);
  found.innerHTML = html;
  for (const table of found.querySelectorAll("table")) {
    const wide = made("div", "", { class: "wide", tabindex: "0", role: "group", "aria-label": text("lesson_table") });
    table.replaceWith(wide);
    wide.append(table);
  }
  return found;
}

function step({ kind, text: words, lines }, all) {
  if (kind === "text") return [fromHtml(words)];
  if (lines.every((line) => line.command === null)) return [made("pre", words)];
  return lines.map((line) => (line.command === null ? made("pre", line.text) : command(line.command, all[line.command])));
}

function command(number, words) {
  const row = made("div", "", { class: "command" });
  const run = button(text("lesson_run"), () => startCommand(number));
  run.setAttribute("aria-label", text("lesson_run_what", { what: words }));
  row.append(made("code", words), run);
  return row;
}

function question(words, place, typed) {
  const item = made("li");
  const id = `lesson-answer-${place}`;
  const asked = fromHtml(words, { id: `${id}-question` });
  const field = made("textarea", "", { id, rows: "3", maxlength: "10000", "aria-labelledby": asked.id });
  field.value = typed;
  const kept = made("p", "", { class: "note", role: "status" });
  const answer = made("div", "", { role: "status" });
  const reveal = button(text("lesson_reveal"), async () => {
    const found = await tried(() => post("/api/lesson/answer", { question: place }));
    if (found) answer.replaceChildren(fromHtml(found.answer));
  });
  reveal.setAttribute("aria-describedby", asked.id);
  keepWhileTyping(field, kept, place);
  item.append(asked, field, kept, reveal, answer);
  return item;
}

function keepWhileTyping(field, kept, place) {
  let waiting;
  const keep = async () => {
    clearTimeout(waiting);
    waiting = undefined;
    const done = await tried(() => post("/api/lesson/keep", { question: place, text: field.value }));
    kept.textContent = done ? text("lesson_kept") : "";
  };
  field.addEventListener("input", () => {
    kept.textContent = "";
    clearTimeout(waiting);
    waiting = setTimeout(keep, WAIT);
  });
  field.addEventListener("blur", () => waiting !== undefined && keep());
}

const status = () => get("/api/lesson/run");

function show({ state, log, table, error }) {
  element("lesson-job").hidden = state === "none";
  element("lesson-stop").hidden = state !== "running";
  for (const each of document.querySelectorAll("#lesson .command button")) each.disabled = state === "running";
  const ended = { stopped: text("job_is_stopped"), finished: text("job_is_finished") };
  const words = { running: text("lesson_running"), failed: error, ...ended };
  element("lesson-status").textContent = words[state] ?? "";
  for (const [id, shown] of [["lesson-output", log], ["lesson-result", table]]) {
    element(id).textContent = shown;
    element(id).hidden = !shown;
  }
  element("lesson-output").scrollTop = element("lesson-output").scrollHeight;
}

async function startCommand(command) {
  if (!(await tried(() => post("/api/lesson/run", { command })))) return;
  element("lesson-job").hidden = false;
  element("lesson-job").scrollIntoView({ block: "nearest" });
  watch(status, show);
}

function toggle() {
  const hidden = !element("lesson").hidden;
  element("lesson").hidden = hidden;
  element("show-lesson").setAttribute("aria-expanded", String(!hidden));
}

export async function start() {
  const found = await tried(() => get("/api/lesson"));
  if (!found?.lesson) return;
  const { title, steps, commands, questions } = found.lesson;
  element("lesson-title").textContent = title;
  element("lesson-steps").replaceChildren(...steps.flatMap((each) => step(each, commands)));
  element("lesson-questions").replaceChildren(...questions.map((each, place) => question(each, place, found.answers[place])));
  element("lesson-ask").hidden = !questions.length;
  element("show-lesson").hidden = false;
  element("show-lesson").addEventListener("click", toggle);
  element("lesson-stop").addEventListener("click", () => tried(() => post("/api/lesson/stop")));
  toggle();
  watch(status, show);
}
