// The confusion matrix as a table whose cells open their images; for many classes, the most frequent confusions.
import { button, made } from "./dialogs.js";
import { percent, text } from "./texts.js";

const MOST_CLASSES = 26, MOST_PAIRS = 30;

// `chosen` is called with the answers of a cell, and words for them.
export function matrix({ classes, answers }, chosen) {
  const cells = classes.map(() => classes.map(() => []));
  for (const each of answers) cells[each.label][each.answer].push(each);
  return classes.length > MOST_CLASSES ? pairs(classes, cells, chosen) : table(classes, cells, chosen);
}

function table(classes, cells, chosen) {
  const found = made("table", "", { class: "confusion", "aria-describedby": "matrix-note" });
  const head = found.createTHead().insertRow();
  head.append(made("td"), ...classes.map((name) => made("th", name, { scope: "col" })));
  const body = found.createTBody();
  cells.forEach((row, label) => {
    const line = body.insertRow();
    const total = row.reduce((sum, cell) => sum + cell.length, 0);
    line.append(made("th", classes[label], { scope: "row" }));
    row.forEach((cell, answer) => line.append(tableCell(cell, cell.length / (total || 1), classes, label, answer, chosen)));
  });
  return found;
}

function tableCell(cell, share, classes, label, answer, chosen) {
  const place = made("td", cell.length ? "" : "·", { class: label === answer ? "right" : "wrong" });
  place.style.setProperty("--shade", share);
  if (cell.length) place.append(cellButton(cell, share, classes[label], classes[answer], chosen));
  return place;
}

function cellButton(cell, share, label, answer, chosen) {
  const words = text("cell", { label, answer, n: cell.length });
  const found = button(cell.length, () => chosen(cell, words));
  found.setAttribute("aria-label", words);
  found.title = `${words} (${percent(share)})`;
  return found;
}

function pairs(classes, cells, chosen) {
  const wrong = cells.flatMap((row, label) => row.map((cell, answer) => ({ cell, label, answer })));
  const most = wrong.filter(({ cell, label, answer }) => label !== answer && cell.length);
  most.sort((one, other) => other.cell.length - one.cell.length);
  const list = made("ul");
  for (const { cell, label, answer } of most.slice(0, MOST_PAIRS)) {
    const words = text("cell", { label: classes[label], answer: classes[answer], n: cell.length });
    const item = made("li");
    item.append(button(words, () => chosen(cell, words)));
    list.append(item);
  }
  return list;
}
