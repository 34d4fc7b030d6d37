// Heat maps: how much each place of an image adds to the probability of a class, Float32Array (height × width). For a
// number, in standard deviations of the training numbers.
// `about` is what the exporter knows of the model; without `evidence` the map comes from covering parts of the image.
const LEAST = 0.01; // places that add less than one point have no colour
const PATCHES = 8;

async function heatOf(model, about, pixels, outputs, label, shape, live) {
  if (about.evidence) return classActivation(about, outputs.at(-1), label, shape);
  return live ? null : occlusion(model, pixels, outputs[0][label], label, shape);
}

// Grad-CAM of a network whose logits are linear in its pooled feature map; there it needs no gradients. The model's
// last output is the evidence of each place for each class. The maximum of the map is measured: the loss of
// probability without the places that speak for the class.
function classActivation({ evidence: { rows, columns, bias, temperature }, part }, evidence, label, [height, width]) {
  const classes = bias.length;
  const places = evidence.length / classes;
  const shown = Float32Array.from({ length: rows * columns }, (_, place) => Math.max(evidence[place * classes + label], 0));
  const [all, rest] = [[...bias], [...bias]];
  for (let place = 0; place < places; place += 1) {
    const speaks = evidence[place * classes + label] > 0;
    for (let each = 0; each < classes; each += 1) {
      const share = evidence[place * classes + each] / places;
      all[each] += share;
      if (!speaks) rest[each] += share;
    }
  }
  const probability = isNumber() ? (logits) => logits : facts.thresholds ? sigmoid : softmax;  // several labels do not exclude each other
  const lost = probability(all, temperature)[label] - probability(rest, temperature)[label];
  const map = placed(enlarged(shown, rows, columns, part, height, width), part, height, width);
  const most = map.reduce((one, other) => Math.max(one, other), 0);
  return most > 0 ? map.map((value) => (value * Math.max(lost, 0)) / most) : map;
}

const sigmoid = (logits, temperature) => logits.map((logit) => 1 / (1 + Math.exp(-logit / temperature)));

function softmax(logits, temperature) {
  const most = Math.max(...logits);
  const each = logits.map((logit) => Math.exp((logit - most) / temperature));
  const sum = each.reduce((one, other) => one + other);
  return each.map((value) => value / sum);
}

function middle(part, height, width) {
  const [high, wide] = [height, width].map((side) => Math.max(1, even(side * part)));
  return { top: Math.floor((height - high) / 2), left: Math.floor((width - wide) / 2), high, wide };
}

// The map at the size of the image's middle part: between four neighbours, in proportion to the distance.
function enlarged(map, rows, columns, part, height, width) {
  const { high, wide } = middle(part, height, width);
  const out = new Float32Array(high * wide);
  for (let y = 0; y < high; y += 1) {
    const [top, bottom, down] = between(y, high, rows);
    for (let x = 0; x < wide; x += 1) {
      const [left, right, across] = between(x, wide, columns);
      const above = map[top * columns + left] * (1 - across) + map[top * columns + right] * across;
      const below = map[bottom * columns + left] * (1 - across) + map[bottom * columns + right] * across;
      out[y * wide + x] = above * (1 - down) + below * down;
    }
  }
  return out;
}

function between(place, to, from) {
  const centre = Math.min(Math.max(((place + 0.5) * from) / to - 0.5, 0), from - 1);
  const low = Math.floor(centre);
  return [low, Math.min(low + 1, from - 1), centre - low];
}

function placed(map, part, height, width) {
  const { top, left, high, wide } = middle(part, height, width);
  const out = new Float32Array(height * width);
  for (let y = 0; y < high; y += 1) out.set(map.subarray(y * wide, (y + 1) * wide), (top + y) * width + left);
  return out;
}

// The loss of probability if a grey patch of a quarter of the side covers a place, at eight positions along each side.
async function occlusion(model, pixels, probability, label, [height, width, channels]) {
  const [lost, times] = [new Float32Array(height * width), new Float32Array(height * width)];
  const [high, wide] = [Math.floor(height / 4), Math.floor(width / 4)];
  for (const top of positions(height)) {
    for (const left of positions(width)) {
      const covered = pixels.slice();
      for (let y = top; y < top + high; y += 1) covered.fill(128, (y * width + left) * channels, (y * width + left + wide) * channels);
      const difference = probability - (await model(covered))[0][label];
      for (let y = top; y < top + high; y += 1) {
        for (let x = left; x < left + wide; x += 1) {
          lost[y * width + x] += difference;
          times[y * width + x] += 1;
        }
      }
    }
    await new Promise((resolve) => setTimeout(resolve)); // the page stays usable
  }
  return lost.map((value, place) => (isNumber() ? Math.abs(value) / numberFacts().deviation : value) / Math.max(times[place], 1));
}

function positions(side) {
  const last = side - Math.floor(side / 4);
  return Array.from({ length: PATCHES }, (_, number) => Math.floor((number * last) / (PATCHES - 1)));
}

// The map in colour over the grey image, on the same scale for every image: from 0 to 1, with a square root.
function drawHeat(canvas, pixels, heat, colours, [height, width, channels]) {
  [canvas.width, canvas.height] = [width, height];
  const out = new ImageData(width, height);
  for (let place = 0; place < heat.length; place += 1) {
    const strength = heat[place] >= LEAST ? Math.sqrt(Math.min(heat[place], 1)) : 0;
    const share = strength > 0 ? 0.25 + 0.6 * strength : 0;
    const from = place * channels;
    const grey = channels === 1 ? pixels[from] : (pixels[from] + pixels[from + 1] + pixels[from + 2]) / 3;
    const colour = 3 * Math.min(Math.floor(strength * 256), 255);
    for (let each = 0; each < 3; each += 1) out.data[4 * place + each] = grey * (1 - share) + colours[colour + each] * share;
    out.data[4 * place + 3] = 255;
  }
  canvas.getContext("2d").putImageData(out, 0, 0);
}
