// The result of a run that predicts a number: its error, two drawings of its predictions, and its intervals.
import { made } from "./dialogs.js";
import { plot } from "./plot.js";
import { number, percent, text } from "./texts.js";

const WORST = 24;

const inUnit = ({ number: found }, value) => number(value, found?.decimals ?? 2);

export function headline(result) {
  if (!result.number) return [text("number_failed"), ""];
  const { value, low, high, images } = result.test ?? result.validation;
  const [error, from, to] = [value, low, high].map((each) => inUnit(result, each));
  return [text(result.test ? "test_off" : "validation_off", { n: images, error }), text("expect_off", { low: from, high: to })];
}

export function facts(result) {
  if (!result.number) return [];
  const { r2, guess, learned } = result.number, { test, validation, kept } = result;
  const found = [text(learned ? "guess_is_worse" : "guess_may_be_as_good", { guess: inUnit(result, guess) })];
  if (r2 !== null) found.push(text("r_squared", { value: number(r2, 3) }));
  if (test) found.push(text("validation_off_too", { error: inUnit(result, validation.value), n: validation.images }));
  return kept && !test ? [...found, text("kept_figures", { kept })] : found;
}

export const mistakes = ({ answers }) => answers.slice(0, WORST);

export const mistakesTitle = () => text("number_errors");

export const buttonText = (n) => text("show_worst", { n });

export const notes = () => [text("number_mistakes_note")];

export const caption = (result, { label, answer }) =>
  text("number_caption", { label: inUnit(result, label), answer: inUnit(result, answer) });

// Predicted against true numbers, and the errors against the predictions; a click shows the image.
export function figures(result, showAnswers) {
  if (!result.answers.length) return [];
  const chosen = ({ answer }) => showAnswers([answer], words(result, answer));
  const shown = (points, lines, across, down) =>
    plot({ points: points.map((point) => ({ ...point, words: words(result, point.answer) })), lines, across, down, shown: (value) => inUnit(result, value) }, chosen);
  const width = result.number?.intervals?.width ?? null;
  const all = result.answers.flatMap(({ label, answer }) => [label, answer]);
  const [low, high] = [all.reduce((one, other) => Math.min(one, other)), all.reduce((one, other) => Math.max(one, other))];
  const band = (height) => [0, ...(width === null ? [] : [-width, width])].map((by) => ({ from: [low, height(low) + by], to: [high, height(high) + by], dashed: by !== 0 }));
  const place = made("div", "", { class: "plots" });
  place.append(
    shown(result.answers.map((answer) => ({ x: answer.label, y: answer.answer, answer })), band((x) => x), text("true_number"), text("predicted_number")),
    shown(result.answers.map((answer) => ({ x: answer.answer, y: answer.answer - answer.label, answer })), band(() => 0), text("predicted_number"), text("predicted_minus_true")),
  );
  return [place];
}

const words = (result, answer) => `${answer.recorded}: ${caption(result, answer)}`;

export const figuresNote = ({ number: found }) => text(found?.intervals ? "plots_note_intervals" : "plots_note");

export const trustTitle = () => text("trust_intervals");

export function trust(result) {
  const found = result.number?.intervals;
  if (!found) return [text("no_intervals"), []];
  const [share, inside, low, high] = [found.share, found.inside, found.low, found.high].map((each) => percent(each, each === found.share ? 0 : 1));
  return [text("intervals_sentence", { share, width: inUnit(result, found.width), inside, low, high, n: found.images }), []];
}
