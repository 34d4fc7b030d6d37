// The result of a run with one class for each image.
import { calibrationFigure } from "./calibration.js";
import { labelOf } from "./images.js";
import { matrix } from "./matrix.js";
import { number, percent, text } from "./texts.js";

export function headline({ validation, test }) {
  const { value, low, high, images } = test ?? validation;
  const [share, from, to] = [value, low, high].map((each) => percent(each));
  return [text(test ? "test_right" : "validation_right", { n: images, share }), text("expect", { low: from, high: to })];
}

export function facts({ validation, test, kept }) {
  if (test) return [text("validation_too", { share: percent(validation.value), n: validation.images })];
  return kept ? [text("kept", { kept })] : [];
}

export const mistakes = ({ answers }) => answers.filter(({ label, answer }) => label !== answer);

export const mistakesTitle = () => text("mistakes");

export const buttonText = (n) => text("show_mistakes", { n });

// `here` are the mistakes whose images are in the folder.
export function notes({ classes }, wrong, here) {
  const changed = here.filter(({ place, label }) => labelOf(place) !== classes[label]).length;
  const words = [wrong.length ? text("mistakes_note") : text("no_mistakes")];
  return changed ? [...words, text("relabelled", { n: changed })] : words;
}

export function caption({ classes }, { answer, probability }) {
  const share = probability === null ? "" : percent(probability, 0);
  return text("predicted", { class: classes[answer], share });
}

export const figures = (result, showAnswers) => [matrix(result, showAnswers)];

export const figuresNote = () => text("matrix_note");

export const trustTitle = () => text("trust");

export function trust({ trust: found }) {
  if (!found) return [text("trust_none"), []];
  return [text("trust_sentence", { points: number(100 * found.error, 1) }), [calibrationFigure(found.bins)]];
}
