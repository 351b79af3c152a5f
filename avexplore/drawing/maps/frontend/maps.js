// Two linked maps of the same points beside facets that filter them. What is looked at (camera, morph, lasso, filter)
// lives here and answers within a frame; Python hears of what was chosen, picked and colored.

import { cameraOf, START, zoomed } from "./camera.js";
import { crossfilter, plainFilter } from "./crossfilter.js";
import { Facets } from "./facets.js";
import { Film } from "./film.js";
import { bounds } from "./geometry.js";
import { listenToPointer } from "./gestures.js";
import { listenToKeys } from "./keyboard.js";
import { lookOf } from "./look.js";
import { Painter } from "./painter.js";
import { MOST_POINTS, Raster } from "./raster.js";
import { savePicture } from "./save.js";
import { placesOf } from "./selecting.js";
import { readTheme } from "./theme.js";
import { captionOf, statusOf } from "./words.js";

const AT_REST = 500; // milliseconds after which Python hears where the camera is

export class Maps {
  constructor(root) {
    this.root = root;
    this.box = root.querySelector(".maps");
    this.tip = root.querySelector(".tip");
    this.status = root.querySelector(".status");
    this.panes = [...root.querySelectorAll("figure")].map((figure, k) => {
      const [base, marks] = figure.querySelectorAll("canvas");
      return { k, marks, raster: new Raster(base), caption: figure.querySelector("figcaption"), w: 0, h: 0, ratio: 1, names: [] };
    });
    this.camera = START;
    this.morph = 0;
    this.tool = "lasso";
    this.hover = this.picked = -1;
    this.turn = 0; // counts picks: what Python answers to an older one is no news
    this.selected = null; // a flag per point that was drawn around
    this.filter = new Map(); // codes that are let through, by facet
    this.painter = new Painter(this);
    this.facetList = new Facets(this);
    this.film = new Film(this);
    for (const pane of this.panes) {
      listenToPointer(this, pane);
      listenToKeys(this, pane);
      Object.assign(pane.marks, { owner: this, inspect: () => this.inspect(pane) }); // for tests
    }
    this.listenToToolbar();
    // Also the first size, in a tab that was hidden.
    new ResizeObserver(() => this.head && this.painter.repaint()).observe(this.panes[0].marks);
    this.themes = new MutationObserver(() => this.followTheme());
    // Names are as wide as the letters of a font that may still be on its way.
    document.fonts.ready.then(() => this.painter.remark());
  }

  listenToToolbar() {
    const zoom = (factor) => () => this.lookAt(zoomed(this.camera, factor, this.panes[0].w / 2, this.panes[0].h / 2, this.panes[0]));
    const acts = { in: zoom(1.5), out: zoom(1 / 1.5), fit: () => this.lookAt(START), play: () => this.film.play(), clear: () => this.clear(), save: () => savePicture(this) };
    for (const button of this.root.querySelectorAll("button[data-act]")) button.addEventListener("click", acts[button.dataset.act]);
    for (const button of this.root.querySelectorAll("button[data-tool]")) button.addEventListener("click", () => this.take(button.dataset.tool));
    this.root.querySelector(".rest input").addEventListener("change", (event) => {
      this.hidesRest = event.target.checked;
      this.restyle();
    });
  }

  // --- what Python sends -------------------------------------------------------------------------------------------

  update(sent) {
    this.themes.observe(document.documentElement, { attributes: true });
    this.theme ??= readTheme(this.box);
    const { head } = sent, old = this.head, isCurrent = head.turn >= this.turn;
    Object.assign(this, sent);
    this.turn = Math.max(this.turn, head.turn);
    this.classes = this.facets.find((facet) => facet.name === "class");
    const isOther = !old || old.rows !== head.rows;
    if (!old || old.geometry !== head.geometry) this.bounds = bounds(this.xy);
    const isAsked = isOther || old.asked !== head.asked;
    if (isOther) this.camera = cameraOf(head.camera);
    if (isAsked) this.begin(head);
    else if (isCurrent && (head.picked !== old.picked || head.turn !== old.turn)) this.picked = head.picked;
    if (isOther || old.facetsKey !== head.facetsKey) {
      this.coloring = Math.max(0, this.facets.findIndex((facet) => facet.name === (this.colored ?? head.color)));
      this.narrow();
      this.facetList.build();
    } else if (isAsked) this.choose();
    if (!this.followTheme() && (isOther || old.geometry !== head.geometry || old.facetsKey !== head.facetsKey)) this.restyle();
    this.painter.remark();
  }

  // Other clips, or a wish of Python's: what it says is chosen, and nothing else.
  begin(head) {
    this.hover = -1;
    this.picked = head.picked;
    this.selected = null;
    this.filter = new Map(Object.entries(head.filter).map(([name, codes]) => [name, new Set(codes)]));
    if (!head.selected.length) return;
    this.selected = new Uint8Array(this.points);
    for (const i of head.selected) if (i < this.points) this.selected[i] = 1;
  }

  release() {
    // The element may come back with the same node: only what outlives it is let go.
    this.themes.disconnect();
    this.painter.stop();
    this.film.stop();
  }

  followTheme() {
    if (!this.head) return false;
    const before = this.theme.key;
    this.theme = readTheme(this.box);
    if (this.theme.key === before && this.look) return false;
    this.facetList.update();
    this.restyle();
    return true;
  }

  // Sizes of both panes; false while the page gives them none.
  measure() {
    for (const pane of this.panes) {
      const { marks } = pane, w = marks.clientWidth, h = marks.clientHeight, ratio = devicePixelRatio || 1;
      if (!w || !h) return false;
      if (pane.w !== w || pane.h !== h || pane.ratio !== ratio) {
        Object.assign(pane, { w, h, ratio });
        marks.width = Math.round(w * ratio);
        marks.height = Math.round(h * ratio);
      }
      pane.raster.fit(pane, ratio);
    }
    return true;
  }

  // --- what is chosen ----------------------------------------------------------------------------------------------

  // Whether the lasso lights points up while it is drawn.
  get isLive() {
    return this.points <= 2 * MOST_POINTS;
  }

  get isNarrowed() {
    return this.selected !== null || [...this.filter.values()].some((on) => on.size > 0);
  }

  narrow() {
    Object.assign(this, crossfilter(this));
  }

  choose() {
    this.narrow();
    this.facetList.update();
    this.restyle();
  }

  restyle() {
    this.look = lookOf(this);
    this.painter.repaint();
  }

  select(flags) {
    this.selected = flags;
    this.choose();
  }

  toggle(name, code, alone) {
    const on = this.filter.get(name) ?? new Set();
    if (alone) this.setFilter(name, on.size === 1 && on.has(code) ? [] : [code]);
    else this.setFilter(name, on.has(code) ? [...on].filter((other) => other !== code) : [...on, code]);
  }

  setFilter(name, codes) {
    this.filter.set(name, new Set(codes));
    this.choose();
    this.tell("filter", plainFilter(this.filter));
  }

  lightUp(glow) {
    this.glow = glow;
    this.restyle();
  }

  // Whether a facet has colors of its own.
  isPainter(facet) {
    return !this.facets.some((other) => other.name === facet.colorsOf);
  }

  colorBy(f) {
    this.coloring = f;
    this.colored = this.facets[f].name;
    this.facetList.update();
    this.restyle();
    this.tell("color", this.colored);
  }

  countOfClass(code) {
    return this.classCounts()[code];
  }

  // Chosen points of each class.
  classCounts() {
    if (this.countedFor !== this.chosen) {
      this.countedFor = this.chosen;
      this.classCount = new Uint32Array(this.classes.entries.length);
      for (let i = 0; i < this.points; i++) if (this.chosen[i]) this.classCount[this.classes.code[i]]++;
    }
    return this.classCount;
  }

  partner(i) {
    return i < this.head.clips ? i + this.head.clips : i - this.head.clips;
  }

  point(i) {
    if (i === this.hover) return;
    this.hover = i;
    this.painter.remark();
  }

  pick(i) {
    this.picked = i;
    this.turn += 1;
    this.painter.remark();
    this.tell("picked", { point: i < 0 ? null : i, turn: this.turn });
  }

  clear() {
    const hadFilter = [...this.filter.values()].some((on) => on.size), hadSelection = this.selected !== null;
    this.lasso = null;
    this.filter = new Map();
    this.selected = null;
    this.choose();
    if (this.picked >= 0) this.pick(-1);
    if (hadSelection) this.tellSelection();
    if (hadFilter) this.tell("filter", {});
  }

  tellSelection() {
    const points = [];
    if (this.selected) for (let i = 0; i < this.points; i++) if (this.selected[i]) points.push(i);
    this.tell("selection", points.length ? { rows: this.head.rows, points } : null);
  }

  // --- how it is looked at -----------------------------------------------------------------------------------------

  lookAt(camera) {
    this.camera = camera;
    this.painter.move();
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.tell("camera", [camera.k, camera.x, camera.y].map((value) => Number(value.toFixed(3)))), AT_REST);
  }

  take(tool) {
    this.tool = tool;
    this.say();
  }

  say() {
    for (const pane of this.panes) {
      const [left, right] = pane.caption.children, [what, note] = captionOf(this, pane.k);
      if (left.textContent !== what) left.textContent = what;
      if (right.textContent !== note) right.textContent = right.title = note;
      const label = `${this.head.panes[pane.k]}: map of ${this.head.clips} clips. Arrow keys move to the next point.`;
      if (pane.marks.ariaLabel !== label) pane.marks.ariaLabel = label;
    }
    this.root.querySelectorAll(".morph label span").forEach((span, k) => {
      if (span.textContent !== this.head.ends[k]) span.textContent = this.head.ends[k];
    });
    const text = statusOf(this);
    if (this.status.textContent !== text) this.status.textContent = text;
    if (this.box.dataset.tool === this.tool) return;
    this.box.dataset.tool = this.tool;
    for (const button of this.root.querySelectorAll("button[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === this.tool));
  }

  // What tests look at: the state of one map, in CSS pixels, also before the frame that draws it.
  inspect(pane) {
    if (!this.measure()) return { x: [], y: [] };
    const { x, y } = placesOf(this, pane);
    return {
      clips: this.head.clips, x: [...x], y: [...y], morph: this.morph, chosen: [...this.chosen], selected: this.selected && [...this.selected],
      picked: this.picked, turn: this.turn, hover: this.hover, camera: { ...this.camera }, filter: plainFilter(this.filter), color: this.facets[this.coloring].name,
      counts: Object.fromEntries(this.facets.map((facet, f) => [facet.name, [...this.counts[f]]])), isDark: this.theme.isDark, isDone: this.painter.isDone,
      isDensity: pane.raster.isDensity === true, names: pane.names.map(({ name, left, top, right, bottom }) => ({ text: name.text, box: [left, top, right, bottom] })),
    };
  }
}
