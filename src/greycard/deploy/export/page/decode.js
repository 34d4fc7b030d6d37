// From a file to the pixels that the model was trained on: the steps of Greycard's decoder, in the same order.
const STRIP = 1 << 20; // pixels in a canvas: a phone limits the size of one

// { data, width, height, channels } in the model's size. `expected` is the model's input.
async function pixelsOf(file, expected) {
  const [, height, width, channels] = expected.shape;
  const content = new Uint8Array(await file.arrayBuffer().catch(() => { throw new Error("the browser cannot read it; is it a folder?"); }));
  const jpeg = content[0] === 0xff && content[1] === 0xd8;
  const turn = jpeg ? takeOrientation(content) : 1; // of other formats the browser turns the image itself
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(new Blob([content], { type: file.type }), options).catch(() => {
    throw new Error("the browser cannot read this file as an image");
  });
  const scale = jpeg ? reduction(bitmap, Math.max(height, width)) : 1;
  const image = upright(read(bitmap, bitmap.width, bitmap.height, channels, scale), turn);
  bitmap.close();
  return inSize(image, expected);
}

// What a video shows now.
function frameOf(video, expected) {
  return inSize(read(video, video.videoWidth, video.videoHeight, expected.shape[3], 1), expected);
}

function inSize(image, { shape: [, height, width], resize }) {
  return image.width === width && image.height === height ? image : RESIZES[resize](image, width, height);
}

// A large JPEG is first reduced by 2, 4 or 8, as the decoder of training does it.
function reduction({ width, height }, side) {
  const times = Math.min(Math.floor(width / side), Math.floor(height / side));
  return [8, 4, 2].find((scale) => times >= scale) ?? 1;
}

// The pixels of what a canvas can draw, on white, in grey or RGB; each is the mean of scale × scale pixels.
function read(source, width, height, channels, scale) {
  const out = { data: null, width: Math.ceil(width / scale), height: Math.ceil(height / scale), channels };
  out.data = new Uint8Array(out.width * out.height * channels);
  const rows = Math.min(height, Math.max(1, Math.floor(STRIP / width / scale)) * scale);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, rows];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += rows) {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, rows);
    context.drawImage(source, 0, -top);
    const high = Math.min(rows, height - top);
    reduce(inChannels(context.getImageData(0, 0, width, high).data, channels), width, high, channels, scale, out, top / scale);
  }
  return out;
}

// RGBA without A; or grey, with the weights of the decoder.
function inChannels(rgba, channels) {
  const out = new Uint8Array((rgba.length / 4) * channels);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += channels) {
    const [red, green, blue] = [rgba[from], rgba[from + 1], rgba[from + 2]];
    if (channels === 1) out[to] = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
    else [out[to], out[to + 1], out[to + 2]] = [red, green, blue];
  }
  return out;
}

function reduce(data, width, height, channels, scale, out, top) {
  if (scale === 1) return out.data.set(data, top * width * channels);
  for (let row = 0; row < height / scale; row += 1) {
    for (let column = 0; column < out.width; column += 1) {
      const [high, wide] = [Math.min(scale, height - row * scale), Math.min(scale, width - column * scale)];
      for (let channel = 0; channel < channels; channel += 1) {
        let sum = 0;
        for (let y = 0; y < high; y += 1) {
          for (let x = 0; x < wide; x += 1) sum += data[((row * scale + y) * width + column * scale + x) * channels + channel];
        }
        out.data[((top + row) * out.width + column) * channels + channel] = Math.floor(sum / (high * wide) + 0.5);
      }
    }
  }
}

// The pixel of the original for column x and row y of the upright image; w and h are the original's size.
const SOURCES = {
  2: (x, y, w) => [w - 1 - x, y],
  3: (x, y, w, h) => [w - 1 - x, h - 1 - y],
  4: (x, y, w, h) => [x, h - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y, w, h) => [y, h - 1 - x],
  7: (x, y, w, h) => [w - 1 - y, h - 1 - x],
  8: (x, y, w) => [w - 1 - y, x],
};

function upright(image, turn) {
  const source = SOURCES[turn];
  if (!source) return image;
  const { data, channels, width: w, height: h } = image;
  const [width, height] = turn > 4 ? [h, w] : [w, h];
  const out = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [column, row] = source(x, y, w, h);
      for (let channel = 0; channel < channels; channel += 1, to += 1) out[to] = data[(row * w + column) * channels + channel];
    }
  }
  return { data: out, width, height, channels };
}

// The EXIF orientation of a JPEG, 1 to 8, set to 1 in its bytes: not all browsers leave the image as it is stored.
function takeOrientation(bytes) {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const start = exif(view);
    return start === null ? 1 : orientationAt(view, start);
  } catch (error) {
    if (error instanceof RangeError) return 1; // damaged EXIF counts as none
    throw error;
  }
}

// Where the TIFF header of the EXIF data begins.
function exif(view) {
  for (let place = 2; view.getUint8(place) === 0xff; ) {
    const kind = view.getUint8(place + 1);
    if (kind === 0xda) return null; // the pixels begin
    if (kind === 0xe1 && view.getUint32(place + 4) === 0x45786966 && view.getUint16(place + 8) === 0) return place + 10;
    place += 2 + view.getUint16(place + 2);
  }
  return null;
}

function orientationAt(view, start) {
  const little = view.getUint16(start) === 0x4949;
  const directory = start + view.getUint32(start + 4, little);
  for (let number = 0; number < view.getUint16(directory, little); number += 1) {
    const entry = directory + 2 + 12 * number;
    if (view.getUint16(entry, little) !== 0x0112) continue;
    const found = view.getUint16(entry + 8, little);
    view.setUint16(entry + 8, 1, little);
    return found;
  }
  return 1;
}
