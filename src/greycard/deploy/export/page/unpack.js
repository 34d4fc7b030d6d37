// The parts of this page that are not text: each is compressed, then written in base64.
async function unpacked(id) {
  const words = document.getElementById(id).textContent;
  const stream = new Blob([bytesOf(words)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

const stated = (id) => JSON.parse(document.getElementById(id).textContent);
