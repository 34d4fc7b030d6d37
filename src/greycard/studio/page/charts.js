// Curves by epoch: drawn by uPlot, and the same figures in a table for those who do not see them.
import uPlot from "./vendor/uPlot.esm.js";
import { made } from "./dialogs.js";
import { fill } from "./tables.js";
import { number, percent, text } from "./texts.js";

const HEIGHT = 230;
const LIGHT = ["#0b57d0", "#b3261e", "#146c2e", "#7b3fa0", "#8a5000", "#006a6a", "#a8006d", "#5f6368"];
const DARK = ["#8ab4f8", "#f2b8b5", "#7fd69b", "#d0a8ff", "#f5c26b", "#6fd8d8", "#ff9bd2", "#bdc1c6"];
const dark = matchMedia("(prefers-color-scheme: dark)");

// One chart in `place`. `show` takes lines of { label, values, colour, dashed }, each value of one epoch or null.
class Chart {
  // `least` is the smallest height of its axis, `most` the highest value that there can be.
  constructor(place, title, format, least, most) {
    Object.assign(this, { place, title, format, least, most, plot: null, lines: [] });
    new ResizeObserver(() => this.plot?.setSize(this.size)).observe(place);
    dark.addEventListener("change", () => this.lines.length && this.draw());
  }

  get size() {
    return { width: Math.max(200, this.place.clientWidth), height: HEIGHT };
  }

  get data() {
    const epochs = Math.max(...this.lines.map((line) => line.values.length));
    const values = this.lines.map((line) => Array.from({ length: epochs }, (_, place) => line.values[place] ?? null));
    return [Array.from({ length: epochs }, (_, place) => place + 1), ...values];
  }

  show(lines) {
    const same = JSON.stringify(lines.map((line) => line.label)) === JSON.stringify(this.lines.map((line) => line.label));
    this.lines = lines;
    if (this.plot && same) this.plot.setData(this.data);
    else this.draw();
  }

  draw() {
    this.plot?.destroy();
    const ink = dark.matches ? "#d0d0d0" : "#404040";
    const axis = { stroke: ink, grid: { stroke: dark.matches ? "#444" : "#ddd", width: 1 }, ticks: { show: false } };
    const whole = (plot, ticks) => ticks.map((each) => (Number.isInteger(each) ? number(each) : ""));
    this.plot = new uPlot(
      {
        ...this.size,
        title: this.title,
        scales: { x: { time: false }, y: { range: (_, low, high) => this.range(low, high) } },
        series: [{ label: text("epoch"), value: (_, epoch) => (epoch === null ? "" : number(epoch)) }, ...this.lines.map((line) => this.series(line))],
        axes: [{ ...axis, size: 30, values: whole }, { ...axis, size: 60, values: (_, ticks) => ticks.map((each) => this.format(each, ticks[1] - ticks[0])) }],
        legend: { markers: { width: 2, dash: (_, place) => (this.lines[place - 1]?.dashed ? "dashed" : "solid") } },
        cursor: { drag: { x: false, y: false } },
      },
      this.data,
      this.place,
    );
    const canvas = this.place.querySelector("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", text("chart_label", { title: this.title }));
  }

  // A little more than the values need.
  range(low, high) {
    const room = Math.max(0.05 * (high - low), (this.least - (high - low)) / 2);
    return [Math.max(0, low - room), Math.min(this.most, high + room)];
  }

  series({ label, colour, dashed }) {
    const stroke = (dark.matches ? DARK : LIGHT)[colour % LIGHT.length];
    const value = (_, found) => (found === null ? "" : this.format(found));
    return { label, stroke, width: 2, dash: dashed ? [6, 4] : undefined, points: { size: 5 }, value };
  }
}

// As many digits as values need that are a multiple of `apart`.
const digits = (apart) => [0, 1, 2, 3, 4].find((each) => Math.abs(apart * 10 ** each - Math.round(apart * 10 ** each)) < 1e-6) ?? 5;
const loss = (value, apart = 0.001) => (value === null ? "" : number(value, digits(apart)));
const share = (value) => (value === null ? "" : percent(value));

// One epoch is a figure, not a curve.
const isCurve = ({ values }) => values.length > 1 && values.some((each) => each !== null);

// Accuracy and loss of one run or several in `place`; the words are a sentence about them.
export class Curves {
  constructor(place) {
    const [accuracy, lost] = [made("div", "", { class: "chart" }), made("div", "", { class: "chart" })];
    const shares = (each, apart = 0.001) => percent(each, digits(100 * apart));
    this.charts = [new Chart(accuracy, text("accuracy"), shares, 0.1, 1), new Chart(lost, text("loss"), loss, 0.01, Infinity)];
    [this.caption, this.table] = [made("figcaption"), made("table")];
    const [figure, all, scroll] = [made("figure"), made("details"), made("div", "", { class: "scroll" })];
    scroll.append(this.table);
    all.append(made("summary", text("all_epochs")), scroll);
    figure.append(this.caption, accuracy, lost, all);
    place.replaceChildren(figure);
  }

  // Training and validation of one run.
  showRun(history, words) {
    const lines = (name) => [
      { label: text("validation"), values: history.map((each) => each[`val_${name}`]), colour: 0 },
      { label: text("training_images"), values: history.map((each) => each[`train_${name}`]), colour: 1, dashed: true },
    ];
    this.show(lines, words);
    const has = history.some((each) => each.val_accuracy !== null);  // numbers and several labels have no accuracy
    const figures = ({ epoch, train_accuracy, val_accuracy, train_loss, val_loss, seconds }) =>
      [number(epoch), ...(has ? [share(val_accuracy), share(train_accuracy)] : []), loss(val_loss), loss(train_loss), number(seconds, 1)];
    const titles = ["epoch", ...(has ? ["val_accuracy", "train_accuracy"] : []), "val_loss", "train_loss", "seconds"];
    fill(this.table, titles.map((title) => text(title)), history.map(figures));
  }

  // The validation of several runs over each other.
  showRuns(runs, words) {
    const lines = (name) => runs.map((run, colour) => ({ label: run.name, values: run.history.map((each) => each[`val_${name}`]), colour }));
    this.show(lines, words);
    const epochs = Math.max(...runs.map((run) => run.history.length));
    const measure = (epoch) => (epoch === undefined ? "" : epoch.val_accuracy === null ? loss(epoch.val_loss) : share(epoch.val_accuracy));
    const row = (_, place) => [number(place + 1), ...runs.map((run) => measure(run.history[place]))];
    fill(this.table, [text("epoch"), ...runs.map((run) => run.name)], Array.from({ length: epochs }, row));
  }

  show(lines, words) {
    this.caption.textContent = words;
    for (const [place, name] of ["accuracy", "loss"].entries()) {
      const [found, chart] = [lines(name), this.charts[place]];
      chart.place.hidden = !found.some(isCurve);
      if (!chart.place.hidden) chart.show(found.filter(({ values }) => values.some((each) => each !== null)));
    }
  }
}
