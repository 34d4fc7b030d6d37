// The model in LiteRT.js: from pixels, uint8 (height, width, channels), to its outputs. All of it stays in memory.
const UINT8 = 3; // LiteRT's number of this type

async function loadModel(shape) {
  const [wasmBinary, content] = await Promise.all([unpacked("runtime"), unpacked("model")]);
  const wasm = await ModuleFactory({ wasmBinary, print() {}, printErr() {} }); // it reports every start as an error
  const environment = wasm.LiteRtEnvironment.create(null);
  const place = wasm._malloc(content.byteLength);
  wasm.HEAPU8.set(content, place);
  const model = wasm.loadModel(environment, place, content.byteLength);
  const compiled = await wasm.compileModel(environment, model, {
    environment: { liteRtEnvironment: environment },
    accelerator: "wasm",
    cpuOptions: { numThreads: 1 },
    gpuOptions: {},
    webNNOptions: {},
  });
  return async (pixels) => {
    const input = buffer(wasm, environment, [1, ...shape]);
    try {
      locked(wasm, input, "WRITE", (start) => wasm.HEAPU8.set(pixels, start));
      return (await compiled.run(0, [input])).map((output) => floats(wasm, output));
    } finally {
      input.delete();
    }
  };
}

function buffer(wasm, environment, shape) {
  const sizes = new wasm.VectorInt32();
  for (const size of shape) sizes.push_back(size);
  const layout = wasm.LiteRtLayout.create(sizes);
  const type = wasm.LiteRtRankedTensorType.create({ value: UINT8 }, layout);
  const bytes = shape.reduce((one, other) => one * other);
  const made = wasm.LiteRtTensorBuffer.createManaged(environment, wasm.LiteRtTensorBufferType.HOST_MEMORY, type, bytes);
  for (const each of [sizes, layout, type]) each.delete();
  return made;
}

function floats(wasm, output) {
  const found = locked(wasm, output, "READ", (start) => wasm.HEAPU8.slice(start, start + output.packedSize()));
  output.delete();
  return new Float32Array(found.buffer);
}

function locked(wasm, buffer, mode, use) {
  const start = buffer.lock(wasm.LiteRtTensorBufferLockMode[mode]);
  try {
    return use(start);
  } finally {
    buffer.unlock();
  }
}
