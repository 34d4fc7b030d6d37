// How often answers of each probability are right, as a small figure.
import { percent, text } from "./texts.js";

const SIDE = 200, LEFT = 44, RIGHT = 22, BOTTOM = 36, LARGEST = 11;

// An element of a drawing.
export function drawn(name, attributes, words = "") {
  const found = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.textContent = words;
  return found;
}

const across = (share) => LEFT + share * SIDE;
const down = (share) => 8 + (1 - share) * SIDE;

// A dot for each bin of the reliability curve; its area grows with the number of images.
export function calibrationFigure(bins) {
  const figure = drawn("svg", { viewBox: `0 0 ${LEFT + SIDE + RIGHT} ${SIDE + BOTTOM + 8}`, role: "img", class: "calibration" });
  figure.setAttribute("aria-label", bins.map(inWords).join("; "));
  figure.append(drawn("rect", { x: LEFT, y: 8, width: SIDE, height: SIDE, class: "frame" }));
  figure.append(drawn("line", { x1: across(0), y1: down(0), x2: across(1), y2: down(1), class: "ideal" }));
  const most = Math.max(...bins.map(({ images }) => images));
  for (const { confidence, accuracy, images } of bins) {
    const r = Math.max(2.5, LARGEST * Math.sqrt(images / most));
    figure.append(drawn("circle", { cx: across(confidence), cy: down(accuracy), r }));
  }
  for (const share of [0, 0.5, 1]) {
    figure.append(drawn("text", { x: across(share), y: SIDE + 22, "text-anchor": "middle" }, percent(share, 0)));
    figure.append(drawn("text", { x: LEFT - 4, y: down(share) + 4, "text-anchor": "end" }, percent(share, 0)));
  }
  figure.append(drawn("text", { x: across(0.5), y: SIDE + 38, "text-anchor": "middle" }, text("trust_across")));
  figure.append(drawn("text", { x: LEFT + 6, y: 22 }, text("trust_down")));
  return figure;
}

const inWords = ({ confidence, accuracy, images }) =>
  text("trust_bin", { n: images, says: percent(confidence, 0), right: percent(accuracy, 0) });
