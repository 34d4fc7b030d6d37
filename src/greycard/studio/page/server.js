// Requests to the server. The token comes from the address, #token=…, and goes with every request.
import { text } from "./texts.js";

const token = new URLSearchParams(location.hash.slice(1)).get("token");
const secret = token ? { Authorization: `Bearer ${token}` } : {};

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { ...options.headers, ...secret } });
  } catch {
    throw new Error(text("no_answer"));
  }
  if (response.ok) return response;
  const content = await response.json().catch(() => ({}));
  throw new Error(content.error ?? text("status", { status: String(response.status) }));
}

export const get = async (path) => (await ask(path)).json();

export const post = async (path, fields = {}) =>
  (await ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) })).json();

// Send a file; a browser does not know the type of every image.
export async function send(path, values, file, kind = file.type.startsWith("image/") ? file.type : "image/unknown") {
  const options = { method: "POST", headers: { "Content-Type": kind }, body: file };
  return (await ask(`${path}?${new URLSearchParams(values)}`, options)).json();
}

export async function load(path, id, version) {
  const query = new URLSearchParams({ id, v: version });
  return URL.createObjectURL(await (await ask(`/api/${path}?${query}`)).blob());
}
