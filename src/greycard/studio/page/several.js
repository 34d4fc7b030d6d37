// The result of a run whose images can have several labels: there are no accuracy and no confusions.
import { made } from "./dialogs.js";
import { fill } from "./tables.js";
import { number, percent, text } from "./texts.js";

export { trust, trustTitle } from "./oneclass.js";

export function headline({ validation, test, labels }) {
  const found = test ?? validation;
  const [share, low, high] = found ? [found.value, found.low, found.high].map((each) => percent(each)) : ["–", "–", "–"];
  const words = { share, low, high, labels: labels.length, n: found?.images ?? 0 };
  return [text(test ? "several_on_test" : "several_labels", words), ""];
}

export const facts = ({ kept, test }) => [...(kept && !test ? [text("kept_figures", { kept })] : []), text("several_labels_note")];

export const mistakes = ({ answers }) => answers.filter(({ label, answer }) => String(label) !== String(answer));

export const mistakesTitle = () => text("several_mistakes");

export const buttonText = (n) => text("show_several_mistakes", { n });

export const notes = (_, wrong) => [text(wrong.length ? "several_mistakes_note" : "no_mistakes")];

const names = (numbers, classes) => numbers.map((each) => classes[each]).join(", ") || text("no_labels");

export const caption = ({ classes }, { label, answer }) =>
  text("several_caption", { labels: names(label, classes), predicted: names(answer, classes) });

export function figures({ labels }) {
  const [table, scroll] = [made("table"), made("div", "", { class: "scroll" })];
  const titles = ["label", "average_precision", "f1", "threshold", "images_with"].map((key) => text(`several_${key}`));
  const share = (value) => (value === null ? "–" : percent(value));
  const row = (each) => [each.name, share(each.average_precision), share(each.f1), number(each.threshold, 3), number(each.images)];
  fill(table, titles, labels.map(row));
  scroll.append(table);
  return [scroll];
}

export const figuresNote = () => "";
