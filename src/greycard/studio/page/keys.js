// What each key does.
import { element } from "./dialogs.js";
import { change, discard, enlarge, grid, label } from "./images.js";
import { accept } from "./teach.js";

const KEYS = {
  ArrowLeft: (event) => grid.move(-1, event.shiftKey),
  ArrowRight: (event) => grid.move(1, event.shiftKey),
  ArrowUp: (event) => grid.move(-grid.columns, event.shiftKey),
  ArrowDown: (event) => grid.move(grid.columns, event.shiftKey),
  Home: (event) => grid.move(-grid.ids.length, event.shiftKey),
  End: (event) => grid.move(grid.ids.length, event.shiftKey),
  " ": () => grid.toggle(),
  Enter: enlarge,
  Escape: () => grid.select([]),
  Delete: discard,
  Backspace: discard,
};

const COMMANDS = {
  z: (event) => change(event.shiftKey ? "redo" : "undo"),
  y: () => change("redo"),
  a: () => grid.select(grid.ids),
};

function action(event) {
  if (event.altKey || event.target.closest("input, textarea, select, dialog")) return undefined;
  if (event.ctrlKey || event.metaKey) return COMMANDS[event.key.toLowerCase()];
  if (element("images-view").hidden) return undefined;
  if (/^[0-9]$/.test(event.key)) return () => label(Number(event.key));
  if (event.key.toLowerCase() === "a") return accept;
  return event.target.id === "grid" ? KEYS[event.key] : undefined;
}

// Each key acts on what the one before has left: who types fast must not label an image twice.
let keys = Promise.resolve();
function pressed(event) {
  const act = action(event);
  if (!act) return;
  event.preventDefault();
  keys = keys.then(() => act(event));
}

export const start = () => document.addEventListener("keydown", pressed);
