// A grid of thousands of thumbnails: only those in view, and a few rows around them, are elements of the page.
import { load } from "./server.js";

const CELL = 116, AROUND = 2, KEPT = 600, AT_ONCE = 8;

export class Grid {
  // `place` scrolls, `rows` is as high as all rows; `changed` is called when the selection or the focus has changed.
  constructor(place, rows, changed) {
    Object.assign(this, { place, rows, changed, ids: [], selected: new Set(), focus: 0, anchor: 0 });
    this.cells = new Map();
    this.loaded = new Map();
    this.versions = new Map();
    this.captions = new Map();
    this.waiting = [];
    this.loading = 0;
    this.session = Date.now();
    place.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(place);
    rows.addEventListener("click", (event) => this.clicked(event));
  }

  get columns() {
    return Math.max(1, Math.floor(this.place.clientWidth / CELL));
  }

  get focused() {
    return this.ids[this.focus];
  }

  // What an action is about: the selected images, or else the one in focus.
  get chosen() {
    if (this.selected.size) return this.ids.filter((id) => this.selected.has(id));
    return this.focused === undefined ? [] : [this.focused];
  }

  show(ids, keepFocus = true) {
    this.ids = ids;
    const known = new Set(ids);
    for (const id of this.selected) if (!known.has(id)) this.selected.delete(id);
    this.focus = keepFocus ? Math.min(this.focus, Math.max(0, ids.length - 1)) : 0;
    this.anchor = this.focus;
    if (!keepFocus) this.place.scrollTop = 0;
    this.draw();
    this.changed();
  }

  // An id may come to name another image: it is then loaded again.
  renew(id) {
    this.versions.set(id, (this.versions.get(id) ?? 0) + 1);
    this.forget(id);
    this.cells.get(id)?.remove();
    this.cells.delete(id);
  }

  // Words under some images, by their ids.
  setCaptions(captions) {
    this.captions = captions;
    for (const [id, cell] of this.cells) this.caption(id, cell);
  }

  caption(id, cell) {
    cell.lastChild.textContent = this.captions.get(id) ?? "";
  }

  // An image keeps its selection and its caption when its id changes.
  rename(old, id) {
    if (this.selected.delete(old)) this.selected.add(id);
    if (this.captions.has(old)) this.captions.set(id, this.captions.get(old));
    this.captions.delete(old);
  }

  select(ids) {
    this.selected = new Set(ids);
    this.draw();
    this.changed();
  }

  move(by, more) {
    if (!this.ids.length) return;
    this.focus = Math.min(this.ids.length - 1, Math.max(0, this.focus + by));
    if (more) this.selectUpTo(this.focus);
    else this.anchor = this.focus;
    this.reveal();
    this.draw();
    this.changed();
  }

  toggle() {
    const id = this.focused;
    if (id === undefined) return;
    if (!this.selected.delete(id)) this.selected.add(id);
    this.anchor = this.focus;
    this.draw();
    this.changed();
  }

  selectUpTo(place) {
    const [first, last] = [Math.min(this.anchor, place), Math.max(this.anchor, place)];
    this.selected = new Set(this.ids.slice(first, last + 1));
  }

  clicked(event) {
    const cell = event.target.closest(".cell");
    if (!cell) return;
    const place = this.ids.indexOf(cell.dataset.id);
    this.focus = place;
    if (event.shiftKey) this.selectUpTo(place);
    else if (event.ctrlKey || event.metaKey || event.pointerType === "touch") return this.toggle();
    else {
      this.selected = new Set([cell.dataset.id]);
      this.anchor = place;
    }
    this.draw();
    this.changed();
  }

  reveal() {
    const top = Math.floor(this.focus / this.columns) * CELL;
    if (top < this.place.scrollTop) this.place.scrollTop = top;
    const below = top + CELL - this.place.clientHeight;
    if (below > this.place.scrollTop) this.place.scrollTop = below;
  }

  draw() {
    const columns = this.columns;
    this.rows.style.height = `${Math.ceil(this.ids.length / columns) * CELL}px`;
    const first = Math.max(0, Math.floor(this.place.scrollTop / CELL) - AROUND) * columns;
    const last = (Math.ceil((this.place.scrollTop + this.place.clientHeight) / CELL) + AROUND) * columns;
    const seen = new Set(this.ids.slice(first, last));
    for (const [id, cell] of this.cells) {
      if (!seen.has(id)) {
        cell.remove();
        this.cells.delete(id);
      }
    }
    for (let place = first; place < Math.min(last, this.ids.length); place++) this.drawCell(place, columns);
    if (this.focused === undefined) this.place.removeAttribute("aria-activedescendant");
    else this.place.setAttribute("aria-activedescendant", `image-${this.focus}`);
    this.load();
  }

  drawCell(place, columns) {
    const id = this.ids[place];
    let cell = this.cells.get(id);
    if (!cell) {
      cell = document.createElement("div");
      cell.className = "cell";
      cell.role = "option";
      cell.dataset.id = id;
      cell.append(document.createElement("img"), document.createElement("small"));
      cell.firstChild.alt = id;
      this.cells.set(id, cell);
      this.rows.append(cell);
      this.fill(id, cell);
      this.caption(id, cell);
    }
    cell.id = `image-${place}`;
    cell.style.transform = `translate(${(place % columns) * CELL}px, ${Math.floor(place / columns) * CELL}px)`;
    cell.setAttribute("aria-selected", this.selected.has(id));
    cell.classList.toggle("focused", place === this.focus);
  }

  fill(id, cell) {
    const known = this.loaded.get(id);
    if (known) cell.firstChild.src = known;
    else this.waiting.push(id);
  }

  load() {
    this.waiting = this.waiting.filter((id) => this.cells.has(id));
    while (this.loading < AT_ONCE && this.waiting.length) this.loadOne(this.waiting.shift());
  }

  async loadOne(id) {
    this.loading++;
    const version = this.versions.get(id) ?? 0;
    try {
      const address = await load("thumbnail", id, `${this.session}-${version}`);
      if (version !== (this.versions.get(id) ?? 0)) return URL.revokeObjectURL(address);
      this.loaded.set(id, address);
      const image = this.cells.get(id)?.firstChild;
      if (image) image.src = address;
      for (const old of this.loaded.keys()) {
        if (this.loaded.size <= KEPT) break;
        if (!this.cells.has(old)) this.forget(old);
      }
    } catch {
      this.cells.get(id)?.classList.add("broken");
    } finally {
      this.loading--;
      this.load();
    }
  }

  forget(id) {
    if (this.loaded.has(id)) URL.revokeObjectURL(this.loaded.get(id));
    this.loaded.delete(id);
  }
}
