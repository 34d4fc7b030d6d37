// A table of figures, with headers that a screen reader can use.
import { made } from "./dialogs.js";

// A table with these titles and rows of texts or elements; the first of each row is its header.
export function fill(table, titles, rows) {
  const row = (cells, kind) => {
    const found = made("tr");
    found.append(...cells.map((cell, place) => {
      const name = kind === "col" || place === 0 ? "th" : "td";
      const made_cell = made(name, "", name === "th" ? { scope: kind } : {});
      made_cell.append(cell);
      return made_cell;
    }));
    return found;
  };
  const [head, body] = [made("thead"), made("tbody")];
  head.append(row(titles, "col"));
  body.append(...rows.map((cells) => row(cells, "row")));
  table.replaceChildren(head, body);
}
