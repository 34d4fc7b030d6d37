// The page's parts, started in turn.
import * as check from "./check.js";
import { element, open, tried } from "./dialogs.js";
import * as images from "./images.js";
import * as keys from "./keys.js";
import * as labelfile from "./labelfile.js";
import * as lesson from "./lesson.js";
import * as phone from "./phone.js";
import * as results from "./results.js";
import * as teach from "./teach.js";
import { translate } from "./texts.js";
import * as training from "./training.js";
import * as uploads from "./uploads.js";

translate(document);
for (const each of document.querySelectorAll("[data-view]")) each.addEventListener("click", () => open(each.dataset.view));
for (const part of [images, uploads, check, teach, keys, results]) part.start();
// The images first: what follows asks the server for things that are not on the first screen.
const LATER = 500;
tried(images.begin).then(() => {
  element("grid").focus();
  setTimeout(() => [labelfile, phone, training, lesson].forEach((part) => part.start()), LATER);
});
