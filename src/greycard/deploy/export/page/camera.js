// The camera: what it shows now is classified as often as the device can.
const PAUSE = 60;

function camera(classify, says) {
  const [start, part, video] = ["start-camera", "live", "video"].map(element);
  let stream = null;
  let facing = "environment";

  async function open() {
    close();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing, width: 640, height: 480 } });
    } catch (error) {
      return says(refusal(error), true);
    }
    video.srcObject = stream;
    await video.play();
    part.hidden = false;
    start.hidden = true;
    element("stop-camera").focus();
    watch(stream);
  }

  async function watch(current) {
    while (stream === current) {
      if (video.videoWidth) await classify(video).catch((error) => { close(); says(error.message, true); });
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  function close() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    part.hidden = true;
    start.hidden = false;
  }

  if (!navigator.mediaDevices?.getUserMedia) {
    start.hidden = true;
    element("no-camera").hidden = false;
    return;
  }
  start.addEventListener("click", open);
  element("stop-camera").addEventListener("click", () => { close(); start.focus(); });
  element("other-camera").addEventListener("click", () => { facing = facing === "user" ? "environment" : "user"; open(); });
}

function refusal({ name, message }) {
  if (name === "NotAllowedError") return "The browser does not let this page use the camera. Take a photo instead, or allow the camera in the browser's settings for this page.";
  if (name === "NotFoundError") return "This device has no camera that the browser can use.";
  return `The camera does not start: ${message}`;
}
