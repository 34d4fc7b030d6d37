// A drawing of points with lines behind them.
import { drawn } from "./calibration.js";
import { text } from "./texts.js";

const SIDE = 240, LEFT = 58, RIGHT = 12, TOP = 22, BOTTOM = 44, MOST = 1000, MARKS = 4;

// Points have x, y and words; lines have two ends, from and to. `shown` writes a value; `chosen` is called with a point.
export function plot({ points, lines, across, down, shown }, chosen) {
  const some = sample(points);
  const xs = some.map(({ x }) => x), ys = [...some.map(({ y }) => y), ...lines.flatMap(({ from, to }) => [from[1], to[1]])];
  const [x, y] = [scale(xs, LEFT, LEFT + SIDE), scale(ys, TOP + SIDE, TOP)];
  const figure = drawn("svg", { viewBox: `0 0 ${LEFT + SIDE + RIGHT} ${TOP + SIDE + BOTTOM}`, role: "img", class: "plot" });
  figure.setAttribute("aria-label", text("plot_label", { across, down, n: points.length }));
  figure.append(drawn("rect", { x: LEFT, y: TOP, width: SIDE, height: SIDE, class: "frame" }));
  figure.append(...lines.map((line) => behind(line, x, y)), ...some.map((point) => dot(point, x, y, chosen)), ...ticks(x, y, shown));
  figure.append(drawn("text", { x: LEFT + SIDE / 2, y: TOP + SIDE + 36, "text-anchor": "middle" }, across));
  figure.append(drawn("text", { x: LEFT, y: TOP - 8 }, down));
  return figure;
}

// Evenly over points that are sorted by their error, so that large and small ones keep their shares.
const sample = (points) => (points.length <= MOST ? points : points.filter((_, place) => place % Math.ceil(points.length / MOST) === 0));

function scale(values, start, end) {
  const [low, high] = [values.reduce((one, other) => Math.min(one, other)), values.reduce((one, other) => Math.max(one, other))];
  const room = 0.04 * (high - low || 1);
  const [first, last] = [low - room, high + room];
  const at = (value) => start + ((value - first) / (last - first)) * (end - start);
  return Object.assign(at, { marks: marks(low, high) });
}

// Round values between two ends: multiples of 1, 2 or 5 times a power of ten.
function marks(low, high) {
  if (low === high) return [low];
  const power = 10 ** Math.floor(Math.log10((high - low) / MARKS));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => (high - low) / each <= MARKS);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, place) => (first + place) * step);
}

// A line, cut off where the drawing ends.
function behind({ from, to, dashed }, x, y) {
  const inside = (value) => Math.min(Math.max(value, LEFT), LEFT + SIDE);
  const [x1, x2] = [x(from[0]), x(to[0])], [y1, y2] = [y(from[1]), y(to[1])];
  const at = (place) => (x1 === x2 ? y1 : y1 + ((place - x1) / (x2 - x1)) * (y2 - y1));
  const [left, right] = [inside(x1), inside(x2)];
  return drawn("line", { x1: left, y1: at(left), x2: right, y2: at(right), class: dashed ? "dashed" : "ideal" });
}

function dot(point, x, y, chosen) {
  const found = drawn("circle", { cx: x(point.x), cy: y(point.y), r: 3.5 });
  found.append(drawn("title", {}, point.words));
  found.addEventListener("click", () => chosen(point));
  return found;
}

function ticks(x, y, shown) {
  const below = x.marks.map((value) => drawn("text", { x: x(value), y: TOP + SIDE + 16, "text-anchor": "middle" }, shown(value)));
  const beside = y.marks.map((value) => drawn("text", { x: LEFT - 5, y: y(value) + 4, "text-anchor": "end" }, shown(value)));
  return [...below, ...beside];
}
