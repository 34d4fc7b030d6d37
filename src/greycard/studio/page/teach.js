// Teach by correcting: what the probe proposes, what to label next, and how accurate it is.
import { button, element, made, says, tried } from "./dialogs.js";
import { change, classes, exchange, grid, isHere, labelOf, onChange, showThese } from "./images.js";
import { get, post } from "./server.js";
import { number, percent, text } from "./texts.js";

const AGAIN = 1000, QUIET = 250, STAY = 6;
const proposed = new Map();
let [asking, again] = [false, false];
let [answer, timer, queued] = [null, null, false];  // queued: the grid shows what to label next

// Ask for the state some time after the last change: who types fast does not wait for each fit.
function askSoon(milliseconds = QUIET) {
  clearTimeout(timer);
  timer = setTimeout(ask, milliseconds);
}

// One request at a time; what has changed meanwhile is asked for after it.
async function ask() {
  if (asking) return void (again = true);
  [asking, again] = [true, false];
  const found = await tried(() => get("/api/teach"));
  asking = false;
  if (found) show(found);
  if (again) askSoon();
}

function show(found) {
  answer = found;
  for (const each of [...found.next, ...found.suspects]) if (each.label) proposed.set(each.id, each.label);
  element("teach").hidden = !["none", "failed"].includes(found.state);
  element("teach-status").textContent = status(found);
  replace("teach-figures", figures(found).map((words) => made("li", words)));
  replace("teach-buttons", buttons(found));
  if (["starting", "running"].includes(found.state)) askSoon(AGAIN);
  if (queued) renew(found.next);
}

// Elements with the same words stay: who has focused a button must not lose it at the next answer.
function replace(id, parts) {
  const words = (elements) => [...elements].map((each) => each.textContent).join("\n");
  if (words(element(id).children) !== words(parts)) element(id).replaceChildren(...parts);
}

function status({ state, error, known, images, unreadable }) {
  const words = { starting: text("teach_starting"), failed: error, running: text("teach_features", { n: images, known }) };
  return words[state] ?? (unreadable ? text("unreadable", { n: unreadable }) : "");
}

function figures({ state, labelled, images, accepted, sample, missing, estimate, needed, alike, pays, next: some }) {
  if (!["running", "ready"].includes(state)) return [];
  const found = [text("labelled_of", { n: labelled, images })];
  if (accepted) found.push(text("accepted_labels", { n: accepted }));
  if (some.length && some.every((each) => !each.label)) found.push(text("first_labels"));
  if (alike.length) return [...found, text("alike", { names: alike.join(", ") })];
  if (!estimate) return missing ? [...found, text("no_estimate", { n: sample, missing })] : found;
  const [low, high] = [percent(estimate.low), percent(estimate.high)];
  found.push(text("estimate", { share: percent(estimate.accuracy), low, high, n: estimate.images }));
  const { target, gain } = estimate;
  if (target && needed) found.push(text("target", { n: needed, points: number(100 * target.width) }));
  const [gained, least, most] = [gain.difference, gain.low, gain.high].map((share) => number(100 * share, 1));
  found.push(text("teach_gain", { gained, least, most }));
  if (!pays && labelled < images) found.push(text("enough"));
  return found;
}

function buttons({ state, next: some, suspects, to_confirm: unseen }) {
  if (!["running", "ready"].includes(state)) return [];
  const found = [];
  if (some.length) found.push(button(text("label_next"), next));
  if (some.some((each) => each.label)) found.push(button(text("all_proposals"), all));
  if (suspects.length) found.push(button(text("suspects", { n: suspects.length }), () => errors(answer.suspects)));
  if (unseen.length) found.push(button(text("look_at", { n: unseen.length }), () => look(answer.to_confirm)));
  return found;
}

const caption = ({ label, confidence }) => (label ? text("proposal", { label, share: percent(confidence, 0) }) : "");
const captions = (proposals) => new Map(proposals.map((each) => [each.id, caption(each)]));
const unlabelled = (id) => !labelOf(id);

// Better choices after each label. The first images stay: a key must not hit one that has just come.
function renew(proposals) {
  const first = grid.ids.slice(0, STAY), known = new Set(first);
  const ids = [...first, ...proposals.map(({ id }) => id).filter((id) => !known.has(id) && isHere(id))];
  exchange(ids, new Map([...grid.captions, ...captions(proposals)]));
  element("accept").hidden = !proposals.some(({ label }) => label);
}

function next() {
  showProposals(answer.next, text("label_next_title"));
  queued = true;
}

async function all() {
  const found = await tried(() => get("/api/teach/proposals"));
  if (!found) return;
  for (const { id, label } of found.proposals) proposed.set(id, label);
  showProposals(found.proposals, text("all_proposals"));
}

function showProposals(proposals, words) {
  const here = proposals.filter(({ id }) => isHere(id));
  showThese(here.map(({ id }) => id), words, captions(here), unlabelled);
  element("grid").focus();
  element("accept").hidden = !here.some(({ label }) => label);
}

function errors(suspects) {
  const words = suspects.map((each) => [each.id, text("suspect", { now: labelOf(each.id), label: each.label, share: percent(each.confidence, 0) })]);
  showThese(suspects.map(({ id }) => id), text("suspects", { n: suspects.length }), new Map(words));
  element("accept").hidden = element("confirm").hidden = false;
}

function look(unseen) {
  showThese(unseen, text("look_at", { n: unseen.length }), new Map(unseen.map((id) => [id, labelOf(id)])));
  element("confirm").hidden = false;
}

// Give the chosen images the class that is proposed for each.
export async function accept() {
  if (element("accept").hidden) return;
  const chosen = grid.chosen.filter((id) => classes().includes(proposed.get(id)));
  const byClass = new Map();
  for (const id of chosen) byClass.set(proposed.get(id), [...(byClass.get(proposed.get(id)) ?? []), id]);
  for (const [name, ids] of byClass) {
    const changed = await change("label", { ids, class: name });
    if (!changed) return;
    const labelled = changed.moves.map(({ target }) => target);
    if (chosen.length > 1 && labelled.length) await tried(() => post("/api/teach/accept", { ids: labelled }));
  }
}

async function confirm() {
  const right = new Set(grid.chosen);
  const found = await tried(() => post("/api/teach/confirm", { ids: [...right] }));
  if (!found) return;
  show(found);
  exchange(grid.ids.filter((id) => !right.has(id)), grid.captions);
  says("");
}

export function start() {
  element("teach").addEventListener("click", async () => {
    const found = await tried(() => post("/api/teach"));
    if (found) show(found);
  });
  element("accept").addEventListener("click", accept);
  element("confirm").addEventListener("click", confirm);
  onChange(() => {
    if (answer) askSoon();
  });
  document.addEventListener("shown", () => {
    queued = false;
    element("accept").hidden = element("confirm").hidden = true;
  });
}
