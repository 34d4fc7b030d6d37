// Messages, questions, and what every part of the page uses.

export const element = (id) => document.getElementById(id);

let hiding;
export function says(words) {
  element("message").textContent = words;
  element("message").hidden = !words;
  clearTimeout(hiding);
  if (words) hiding = setTimeout(() => says(""), 9000);
}

// The result of the work, or undefined after its error is shown.
export async function tried(work) {
  try {
    return await work();
  } catch (error) {
    says(error.message);
    return undefined;
  }
}

// What the user types, or null; without a value the question is answered with yes or no.
export function question(words, note, value = null) {
  const dialog = element("ask");
  dialog.querySelector("label").textContent = words;
  dialog.querySelector("p").textContent = note;
  element("answer").hidden = value === null;
  element("answer").value = value ?? "";
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? element("answer").value : null), { once: true });
  });
}

// An element with its text and attributes.
export function made(name, words = "", attributes = {}) {
  const found = document.createElement(name);
  found.textContent = words;
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  return found;
}

export function button(words, act) {
  const found = made("button", words);
  found.addEventListener("click", act);
  return found;
}

const AGAIN = 1500;

// Ask again and again while a job runs, and show each answer.
export async function watch(ask, shown) {
  for (;;) {
    const found = await tried(ask);
    if (!found) return;
    shown(found);
    if (found.state !== "running") return;
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}

export function open(view) {
  for (const each of document.querySelectorAll("[data-view]")) each.setAttribute("aria-current", each.dataset.view === view);
  for (const each of document.querySelectorAll(".view")) each.hidden = each.id !== view;
}
