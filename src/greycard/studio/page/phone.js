// A phone in the same network: its code on this screen, and on the phone a button for its camera.
import { element } from "./dialogs.js";
import { refresh } from "./images.js";
import { get } from "./server.js";
import { text } from "./texts.js";

const AGAIN = 2000;

function show({ address, code }) {
  const dialog = element("phone-code");
  dialog.querySelector("img").src = code;
  dialog.querySelector("img").alt = text("phone_code");
  dialog.querySelector("p").textContent = address;
  dialog.showModal();
}

// Phones add images, too: show them within two seconds, on this page and on theirs.
async function follow() {
  let known = null;
  for (;;) {
    if (!document.hidden) {
      const { changes } = await get("/api/changes").catch(() => ({ changes: known }));
      if (known !== null && changes !== known) await refresh().catch(() => {});
      known = changes;
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}

export function start() {
  element("phone-code").querySelector("button").addEventListener("click", () => element("phone-code").close());
  element("camera").hidden = !navigator.mediaDevices && getComputedStyle(element("photo").parentElement).display !== "none";
  get("/api/phone").then((found) => {
    if (!found.address) return;
    element("phone").hidden = false;
    element("phone").addEventListener("click", () => show(found));
    follow();
  }, () => {});  // a missing token is said once, by the images
}
