// Every text of the page comes from one file for each language. For another one, copy en.js and add it here.
import en from "./en.js";

const languages = { en };
const language = navigator.languages.map((each) => each.slice(0, 2)).find((each) => each in languages) ?? "en";
const plural = new Intl.PluralRules(language);

// The text of a key with its {values}; a text with forms takes the one for the number n.
export function text(key, values = {}) {
  const found = languages[language][key];
  const form = typeof found === "string" ? found : found[plural.select(values.n)] ?? found.other;
  return form.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(values[name]) : values[name]));
}

export const number = (value, digits = 0) =>
  (Number(value.toFixed(digits)) || 0).toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });

// Three digits that say something, for numbers of unknown size.
export const decimalsOf = (value) => Math.min(12, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1))));
export const significant = (value) => number(value, decimalsOf(value));

export const percent = (share, digits = 1) => `${number(100 * share, digits)}\u00a0%`;

export function duration(seconds) {
  if (seconds < 90) return text("in_seconds", { n: Math.round(seconds) });
  return seconds < 5400 ? text("in_minutes", { n: Math.round(seconds / 60) }) : text("in_hours", { n: number(seconds / 3600, 1) });
}

// The main figure of a run: a fraction, or an error in the unit of its numbers.
export const figure = ({ kind, decimals }, value) => (kind === "error" ? number(value, decimals) : percent(value));

// A difference of accuracies with its interval, in points.
export const points = (each) => text("points", signed(each, (value) => number(100 * value, 1)));

// A difference of errors with its interval, in their unit.
export const errors = (each, decimals) => text("errors", signed(each, (value) => number(value, decimals)));

function signed({ difference, low, high }, shown) {
  const sign = (value) => (shown(Math.abs(value)) === shown(0) ? "" : value > 0 ? "+" : "\u2212");
  const words = (value) => sign(value) + shown(Math.abs(value));
  return { difference: words(difference), low: words(low), high: words(high) };
}

// Fill the elements that name their text: data-text, and data-label for what only a screen reader says.
export function translate(root) {
  for (const each of root.querySelectorAll("[data-text]")) each.prepend(text(each.dataset.text));
  for (const each of root.querySelectorAll("[data-alt]")) each.alt = text(each.dataset.alt);
  for (const each of root.querySelectorAll("[data-label]")) each.setAttribute("aria-label", text(each.dataset.label));
  document.documentElement.lang = language;
}
