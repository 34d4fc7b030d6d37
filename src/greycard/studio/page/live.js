// The training that runs now: how far it is, its curves, and the ladder of a search.
import { Curves } from "./charts.js";
import { element, made } from "./dialogs.js";
import { fill } from "./tables.js";
import { decimalsOf, duration, errors, number, percent, points, significant, text } from "./texts.js";

let curves = null;

export function showLive(running, title) {
  element("live").hidden = !running;
  if (!running) return;
  const { progress, output } = running;
  element("live-title").textContent = title;
  element("live-status").textContent = progress ? pace(running) : text("preparing");
  const lines = output.join("\n");
  if (element("live-output").textContent !== lines) element("live-output").textContent = lines;
  element("live-charts").hidden = !progress?.history.length;
  if (progress?.history.length) {
    curves ??= new Curves(element("live-charts"));
    curves.showRun(progress.history, summary(progress.history, progress.epochs));
  }
  showLadder(element("live-ladder"), progress?.search ?? null);
}

// What is trained, how fast, and how long it may still take.
function pace({ elapsed_seconds, progress }) {
  const { trains, architecture, epochs, history, images, images_done, images_per_second, left_seconds } = progress;
  const parts = [text("trains", { name: trains, architecture })];
  if (history.length < epochs && epochs > 1) parts.push(text("in_epoch", { n: history.length + 1, epochs }));
  if (images_done) parts.push(text("images_done", { images_done, images }));
  if (images_per_second !== null) parts.push(text("images_per_second", { n: Math.round(images_per_second) }));
  parts.push(text("elapsed", { time: duration(elapsed_seconds) }));
  if (left_seconds !== null) parts.push(text("left", { time: duration(left_seconds) }));
  return parts.join(" · ");
}

// The curves in a sentence.
export function summary(history, epochs = null) {
  const measured = history.filter((each) => each.val_accuracy !== null);
  if (!measured.length) return lossSummary(history, epochs);
  const [last, best] = [measured.at(-1), measured.reduce((one, other) => (other.val_accuracy > one.val_accuracy ? other : one))];
  const values = { n: last.epoch, epochs, now: percent(last.val_accuracy), best: percent(best.val_accuracy), best_epoch: best.epoch };
  const words = text(epochs === 1 || (epochs === null && last.epoch === 1) ? "curve_once" : epochs === null ? "curve" : "curve_so_far", values);
  return last.train_accuracy === null ? words : `${words} ${text("curve_training", { share: percent(last.train_accuracy) })}`;
}

// Numbers and several labels have no accuracy.
function lossSummary(history, epochs) {
  const measured = history.filter((each) => each.val_loss !== null);
  if (!measured.length) return "";
  const [last, best] = [measured.at(-1), measured.reduce((one, other) => (other.val_loss < one.val_loss ? other : one))];
  const values = { n: last.epoch, epochs, now: significant(last.val_loss), best: significant(best.val_loss), best_epoch: best.epoch };
  return text(epochs === 1 || (epochs === null && last.epoch === 1) ? "loss_once" : epochs === null ? "loss_curve" : "loss_so_far", values);
}

// What a search has tried, with the result of each.
export function showLadder(place, search) {
  place.hidden = !search;
  if (!search) return place.replaceChildren();
  const table = made("table");
  const measures = { val_mae: "val_error", val_average_precision: "val_average_precision" };
  const known = Object.keys(measures).find((name) => search.rungs.some((rung) => rung[name] !== null));
  const measure = measures[known] ?? "val_accuracy";
  const titles = ["recipe", "took", measure, "gain"].map((key) => text(key));
  fill(table, titles, search.rungs.map((rung) => [named(rung, search.best), ...cells(rung)]));
  const scroll = made("div", "", { class: "scroll" });
  scroll.append(table);
  const words = text("ladder_note", { minutes: number(search.minutes, search.minutes % 1 ? 1 : 0), chosen_on: search.val_images, n: search.set_aside.images });
  place.replaceChildren(made("h3", text("ladder")), made("p", words, { class: "note" }), scroll);
}

function named(rung, best) {
  const found = made("span", rung.name === best ? text("kept_so_far", { name: rung.name }) : rung.name);
  found.append(made("small", rung.what));
  return found;
}

function cells({ state, seconds, expected_seconds, val_accuracy, val_average_precision, val_mae, gain, why }) {
  const took = state === "done" ? duration(seconds) : text(`rung_${state}`);
  const expected = state === "planned" && expected_seconds !== null ? ` (${text("expected", { time: duration(expected_seconds) })})` : "";
  const share = val_average_precision ?? val_accuracy;
  const found = val_mae !== null ? significant(val_mae) : share === null ? "" : percent(share);
  const better = gain && (val_mae !== null ? errors(gain, decimalsOf(val_mae)) : points(gain));
  return [took + expected, found, why ?? better ?? ""];
}
