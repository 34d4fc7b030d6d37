// Resizing as Pillow does it, so that the model sees here what it saw in training: a triangle filter that covers all
// pixels of the original, in fixed-point arithmetic. Both directions are rounded, so their order can change a value by
// one of 255; Pillow chooses it by its cost.
// An image is { data: Uint8Array, width, height, channels }.
const BITS = 22; // of a weight's fraction, as in Pillow

const RESIZES = { stretch: resized, crop: cropped, pad: padded };

// The part `box` of an image (left, top, right, bottom; not always whole pixels) at a size.
function resized(image, width, height, box = [0, 0, image.width, image.height]) {
  const [left, top, right, bottom] = box.map(Math.fround); // Pillow has them in single precision
  const across = weights(image.width, left, right, width);
  const down = weights(image.height, top, bottom, height);
  const tall = image.height > height && image.width < width;
  return tall ? horizontal(vertical(image, height, down), width, across) : vertical(horizontal(image, width, across), height, down);
}

// For each of `to` pixels: the first pixel of the original that it is made of, and their weights.
function weights(from, low, high, to) {
  const scale = Math.fround(high - low) / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, place) => {
    const centre = low + (place + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), from);
    const each = [];
    for (let pixel = first; pixel < end; pixel += 1) each.push(Math.max(1 - Math.abs((pixel - centre + 0.5) / support), 0));
    const sum = each.reduce((one, other) => one + other, 0);
    return { first, each: each.map((weight) => Math.trunc(0.5 + (weight / sum) * 2 ** BITS)) };
  });
}

function horizontal(image, width, places) {
  const { data, height, channels } = image;
  const out = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const { first, each } = places[column];
      const start = (row * image.width + first) * channels;
      mix(data, start, channels, each, out, (row * width + column) * channels, channels);
    }
  }
  return { data: out, width, height, channels };
}

function vertical(image, height, places) {
  const { data, width, channels } = image;
  const out = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row += 1) {
    const { first, each } = places[row];
    for (let column = 0; column < width; column += 1) {
      mix(data, (first * width + column) * channels, width * channels, each, out, (row * width + column) * channels, channels);
    }
  }
  return { data: out, width, height, channels };
}

// One pixel: the weighted sum of pixels that are `step` apart.
function mix(data, start, step, each, out, to, channels) {
  for (let channel = 0; channel < channels; channel += 1) {
    let sum = 2 ** (BITS - 1);
    for (let number = 0, from = start + channel; number < each.length; number += 1, from += step) sum += data[from] * each[number];
    out[to + channel] = Math.min(sum >> BITS, 255);
  }
}

// Cut off the same width on both sides, so that the rest has the shape of the size.
function cropped(image, width, height) {
  const [shape, wanted] = [image.width / image.height, width / height];
  let [wide, high] = [image.width, image.height];
  if (shape > wanted) wide = wanted * image.height;
  if (shape < wanted) high = image.width / wanted;
  const [left, top] = [(image.width - wide) / 2, (image.height - high) / 2];
  return resized(image, width, height, [left, top, left + wide, top + high]);
}

// All of the image, with grey beside it or above and below it.
function padded(image, width, height) {
  const flat = image.width * height > image.height * width;
  const wide = flat ? width : Math.max(1, even((image.width / image.height) * height));
  const high = flat ? Math.max(1, even((image.height / image.width) * width)) : height;
  const inner = resized(image, wide, high);
  const out = { data: new Uint8Array(width * height * image.channels).fill(128), width, height, channels: image.channels };
  const [left, top] = [even((width - wide) / 2), even((height - high) / 2)];
  for (let row = 0; row < high; row += 1) {
    const line = inner.data.subarray(row * wide * image.channels, (row + 1) * wide * image.channels);
    out.data.set(line, ((top + row) * width + left) * image.channels);
  }
  return out;
}

// Python's rounding: a half goes to the even number.
function even(value) {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + (low % 2) : Math.round(value);
}
