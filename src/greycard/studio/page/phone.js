// A phone in the same network: its code on this screen, and on the phone a button for its camera.
import { element } from "./dialogs.js";
import { get } from "./server.js";
import { text } from "./texts.js";

function show({ address, code }) {
  const dialog = element("phone-code");
  dialog.querySelector("img").src = code;
  dialog.querySelector("img").alt = text("phone_code");
  dialog.querySelector("p").textContent = address;
  dialog.showModal();
}

export function start() {
  element("phone-code").querySelector("button").addEventListener("click", () => element("phone-code").close());
  element("camera").hidden = !navigator.mediaDevices && getComputedStyle(element("photo").parentElement).display !== "none";
  get("/api/phone").then((found) => {
    element("phone").hidden = !found.address;
    element("phone").addEventListener("click", () => show(found));
  }, () => {});  // a missing token is said once, by the images
}
