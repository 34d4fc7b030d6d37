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

export async function upload(file, label) {
  const query = new URLSearchParams({ name: file.name || "image", ...(label === null ? {} : { class: label }) });
  const kind = file.type.startsWith("image/") ? file.type : "image/unknown";
  return (await ask(`/api/images?${query}`, { method: "POST", headers: { "Content-Type": kind }, body: file })).json();
}

export async function uploadArchive(file, label) {
  const query = new URLSearchParams({ name: file.name, ...(label === null ? {} : { class: label }) });
  return (await ask(`/api/archives?${query}`, { method: "POST", headers: { "Content-Type": "application/zip" }, body: file })).json();
}

export const send = async (path, file) => {
  const kind = file.type.startsWith("image/") ? file.type : "image/unknown";
  return (await ask(path, { method: "POST", headers: { "Content-Type": kind }, body: file })).json();
};

export async function load(path, id, version) {
  const query = new URLSearchParams({ id, v: version });
  return URL.createObjectURL(await (await ask(`/api/${path}?${query}`)).blob());
}
