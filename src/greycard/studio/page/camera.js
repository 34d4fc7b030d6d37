// The camera: while its button is held, five images a second go to the class that is shown.
import { text } from "./texts.js";

const EVERY = 200;

export function camera(dialog, add, failed) {
  const [video, note] = [dialog.querySelector("video"), dialog.querySelector("p")];
  const button = dialog.querySelector("#record");
  let stream = null, timer = null, count = 0;

  async function open() {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
    } catch {
      return failed(text("no_camera"));
    }
    video.srcObject = stream;
    count = 0;
    note.textContent = "";
    dialog.showModal();
    button.focus();
  }

  async function take() {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    const content = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
    add(new File([content], `camera-${Date.now()}.jpg`, { type: "image/jpeg" }));
    note.textContent = text("taken", { n: ++count });
  }

  function begin() {
    if (timer || !stream) return;
    button.classList.add("recording");
    take();
    timer = setInterval(take, EVERY);
  }

  function end() {
    clearInterval(timer);
    timer = null;
    button.classList.remove("recording");
  }

  button.addEventListener("pointerdown", begin);
  for (const name of ["pointerup", "pointerleave", "pointercancel", "blur"]) button.addEventListener(name, end);
  button.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && begin());
  button.addEventListener("keyup", end);
  dialog.querySelector("#close-camera").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    end();
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
  });
  return open;
}
