// What processes on the server make of a run: a report, an export, drawings.
import { watch } from "./dialogs.js";
import { get } from "./server.js";

// Show an output of this kind, again and again while it is made.
export const watchOutput = (kind, shown) => watch(() => get(`/api/outputs/${kind}`), shown);
