// One graph view: what is being looked at, and how that looks. vis-network holds the camera and the places that the mouse
// drags; where nodes stand is decided in Python and by the reader's hand, never by physics; painter.js draws.

import { Actions } from "./actions.js";
import { buildCables, strandAt, strandOf } from "./cables.js";
import { glide, look } from "./camera.js";
import { element } from "./elements.js";
import { listenToMouse } from "./gestures.js";
import { buildGroups, groupAt } from "./groups.js";
import { listenToHover } from "./hover.js";
import { keyTable, listen } from "./keyboard.js";
import { READABLE, READABLE_SMALL } from "./labels.js";
import { fillLegend, fillMore, legendEntries, moreFilters } from "./legend.js";
import { hasArrow, isVisible, strength } from "./look.js";
import { describeEdge, describeNode, describePath, edgeCount, whatHolds } from "./narrate.js";
import { paint } from "./painter.js";
import { between, within } from "./paths.js";
import { barAt, nodeAt, signs } from "./places.js";
import { readTheme } from "./theme.js";
import { buildToolbar, updateToolbar } from "./toolbar.js";

const SHARED = ["threshold", "auto", "hidden", "hideSameClass", "markCauses", "focus", "path", "selection", "search", "camera"];
const REACH = 6; // pixels beside a line that still hit it
const NEARER = 1.08; // of the scale that shows everything: from there on, one looks at a part

export class Stage extends Actions {
  constructor(vis, root, data) {
    super();
    this.root = root;
    this.canvas = root.querySelector(".canvas");
    this.status = root.querySelector(".status");
    this.spoken = root.querySelector(".spoken");
    this.back = root.querySelector(".back");
    this.menu = root.querySelector(".menu");
    this.nodes = new vis.DataSet();
    this.view = { threshold: 0, auto: false, hidden: new Set(["ghost"]), hideSameClass: false, markCauses: false, focus: null, path: null, selection: null, search: "", camera: null };
    this.serial = null;
    this.touched = 0; // when the reader last changed the view, in milliseconds
    this.moved = {};
    this.pending = null;
    this.commands = 0;
    this.wholeScale = Infinity;
    this.network = new vis.Network(this.canvas, { nodes: this.nodes, edges: new vis.DataSet() }, data.options);
    this.network.on("afterDrawing", (context) => paint(context, this));
    // One stop for the keyboard, which has a name, is enough.
    this.canvas.querySelectorAll("[tabindex]").forEach((inner) => inner.removeAttribute("tabindex"));
    this.canvas.querySelectorAll("canvas").forEach((inner) => inner.setAttribute("aria-hidden", "true"));
    this.parts = buildToolbar(root.querySelector(".toolbar"), this);
    this.back.addEventListener("click", () => this.fit());
    listen(this.canvas, this);
    listenToMouse(this);
    listenToHover(this);
    this.observer = new ResizeObserver(() => this.#resized());
    this.observer.observe(this.canvas);
    root.graphStage = this; // for tests, and for the curious
  }

  destroy() {
    this.observer.disconnect();
    this.network.destroy();
  }

  // --- from Python ---------------------------------------------------------------------------------------------

  show(data, setStateValue, setTriggerValue) {
    this.setStateValue = setStateValue;
    this.setTriggerValue = setTriggerValue;
    const started = performance.now();
    this.theme = readTheme(this.root);
    const camera = JSON.stringify(this.view.camera);
    this.#takePushed(data.view);
    const previous = this.data;
    this.data = data;
    this.node = new Map(data.nodes.map((node) => [node.id, node]));
    this.edge = new Map(data.edges.map((edge) => [edge.id, edge]));
    for (const look of ["compact", "standalone"]) this.root.classList.toggle(look, Boolean(data[look]));
    if (data.height) this.canvas.style.height = `${data.height}px`;
    this.#place(previous);
    this.refresh();
    if (previous && JSON.stringify(this.view.camera) !== camera) this.lookAgain();
    if (!previous) this.#resized();
    this.drawMilliseconds = performance.now() - started;
    this.root.dataset.version = data.version;
    document.querySelector(".avx-still")?.remove(); // what stood there while the app was loading
  }

  // The view lives here. Python overrides it only when it has something of its own to say: a new serial. What it says
  // waits while the reader has changed something that Python has not seen yet: once told, it says so again.
  #takePushed(view) {
    if (view.serial === this.serial || view.seen < this.touched) return;
    this.serial = view.serial;
    for (const key of SHARED) {
      if (view[key] === undefined) continue;
      this.view[key] = key === "hidden" ? new Set(view.hidden) : view[key];
    }
  }

  #place(previous) {
    const known = new Set(this.nodes.getIds());
    const gone = [...known].filter((id) => !this.node.has(id));
    if (gone.length) this.nodes.remove(gone);
    const fresh = this.data.nodes.filter((node) => !known.has(node.id));
    this.nodes.add(fresh.map((node) => ({ ...handle(node), x: node.x, y: node.y })));
    if (previous && previous.layout.version !== this.data.layout.version) {
      this.moved = {};
      this.view.camera = null;
      this.nodes.update(this.data.nodes.map(handle));
      glide(this, this.data.nodes.filter((node) => known.has(node.id)), () => this.lookAgain());
    } else if (previous && fresh.length) this.lookAgain();
  }

  #resized() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!width || !height || !this.data) return;
    this.network.setSize("100%", "100%");
    this.network.redraw();
    if (this.size !== `${width}x${height}`) {
      this.size = `${width}x${height}`;
      this.lookAgain();
      if (this.looks) this.refresh(); // what is said depends on whether this is the full screen
    }
  }

  // --- to the picture ------------------------------------------------------------------------------------------

  refresh() {
    const { view } = this;
    const seen = (id) => !view.hidden.has(`node-${this.node.get(id).modality}`);
    const visible = this.data.edges.filter((edge) => isVisible(edge, view) && seen(edge.from) && seen(edge.to));
    const real = visible.filter((edge) => edge.type === "learned");
    const focus = view.focus && this.node.has(view.focus.node) ? within(real, view.focus.node, view.focus.hops) : null;
    const ends = view.path && view.path.every((id) => this.node.has(id)) ? view.path : null;
    const path = ends ? between(real, ...ends) : null;
    if (path) path.settled = real.filter((edge) => path.edges.has(edge.id) && hasArrow(edge)).length;
    this.visible = visible;
    this.#judge({ focus, ends, path });
    this.rebuild();
    this.refreshBack();
    this.#tell(real, path, ends);
    updateToolbar(this.parts, view, this.data);
    fillLegend(this.root.querySelector(".legend .entries"), legendEntries(this.data, view, this.theme), view, this);
    fillMore(this.root.querySelector(".legend .more"), moreFilters(this.data), view, this);
  }

  // What stands out and what stands back: `states` of the edges, `looks` of the nodes.
  #judge({ focus, ends, path }) {
    const { view } = this;
    const selected = view.selection?.id ?? null;
    const chosen = this.edge.get(selected);
    const wanted = view.search.trim().toLowerCase();
    const isFound = (id) => this.node.get(id).search.includes(wanted);
    const near = new Set();
    this.states = new Map();
    for (const edge of this.visible) {
      let state = "normal";
      const touches = edge.from === selected || edge.to === selected;
      if (touches) [edge.from, edge.to].forEach((id) => near.add(id));
      if (path) state = path.edges.has(edge.id) ? "strong" : "dim";
      else if (focus && !(focus.has(edge.from) && focus.has(edge.to))) state = "dim";
      else if (edge.id === selected || touches) state = "strong";
      else if (wanted && !isFound(edge.from) && !isFound(edge.to)) state = "dim";
      else if (this.node.has(selected)) state = "dim-half";
      this.states.set(edge.id, state);
    }
    const linked = new Set(this.visible.flatMap((edge) => [edge.from, edge.to]));
    this.looks = new Map();
    for (const node of this.data.nodes) {
      let state = linked.has(node.id) ? "normal" : "quiet";
      if (near.has(node.id) || chosen?.from === node.id || chosen?.to === node.id) state = "near";
      if (path) state = path.nodes.has(node.id) ? "near" : "dim";
      else if (focus && !focus.has(node.id)) state = "dim";
      if (wanted) state = isFound(node.id) ? "found" : "dim";
      if (ends?.includes(node.id)) state = "end";
      if (node.id === selected) state = "selected";
      this.looks.set(node.id, state);
    }
  }

  // Where everything is drawn, after a change of what is shown or of a place.
  rebuild() {
    this.signs = signs(this);
    this.groups = buildGroups(this);
    this.cables = buildCables(this);
    this.network.redraw();
  }

  refreshBack() {
    this.back.hidden = !(this.data.classes && this.groups.length > 1 && !this.isWhole);
  }

  // --- what is where -------------------------------------------------------------------------------------------

  get frame() {
    return this.canvas.getBoundingClientRect();
  }

  get hasLargeLetters() {
    return this.isLarge || (this.theme.isPresented && !this.data.compact);
  }

  get isLarge() {
    return document.fullscreenElement !== null && this.root.getRootNode().fullscreenElement === this.root;
  }

  get isWhole() {
    return this.network.getScale() <= NEARER * this.wholeScale;
  }

  // Whether classes are named, or their groups stand for them because letters would be too small.
  get areNamed() {
    const { classes } = this.data;
    if (!classes || classes.groups.filter((group) => group.full).length < 2) return true;
    return classes.font * this.network.getScale() > (this.data.compact ? READABLE_SMALL : READABLE) - 0.05;
  }

  // What the frame shows, in picture units.
  sight() {
    const { width, height } = this.frame;
    const [a, b] = [{ x: 0, y: 0 }, { x: width, y: height }].map((corner) => this.network.DOMtoCanvas(corner));
    return [a.x, a.y, b.x, b.y];
  }

  // The node, edge or group at a point of the frame, in pixels.
  thingAt(at) {
    const point = this.network.DOMtoCanvas(at);
    const bar = barAt(this, point);
    if (bar) return { edge: bar };
    const node = nodeAt(this, point);
    const group = this.areNamed ? undefined : groupAt(this, point);
    if (node && !group) return { node };
    const edge = group ? undefined : strandAt(this, point, REACH / this.network.getScale());
    return { edge, group };
  }

  // Points along an edge as it is drawn, or null.
  strand(id) {
    return strandOf(this, id);
  }

  lookAgain() {
    const { camera } = this.view;
    this.view.camera = null;
    look(this);
    this.wholeScale = this.network.getScale();
    this.view.camera = camera;
    if (camera) look(this);
    this.refreshBack();
  }

  nameOf(id) {
    return this.node.get(id)?.name ?? id;
  }

  #tell(real, path, ends) {
    const { view, data } = this;
    // In a sign of two halves, a class's link with itself is a part of the sign.
    const counts = (edge) => edge.type === "learned" && !(data.classes && edge.same);
    const total = data.edges.filter(counts).length;
    const reach = (edge) => counts(edge) && edge.negative && strength(edge) >= view.threshold;
    const against = view.hidden.has("negative") ? data.edges.filter(reach).length : 0;
    const drawn = real.filter(counts);
    const count = edgeCount(drawn.length, total, data, view, against) + whatHolds(drawn, data);
    this.root.querySelector(".count").textContent = count;
    const name = (id) => this.nameOf(id);
    let words = this.pending ? this.pending.hint : "";
    if (path && !this.pending) words = describePath(path, name, ...ends);
    const selected = view.selection?.id;
    let spoken = `${data.summary} Now ${count}`;
    let chosen = "";
    if (this.node.has(selected)) chosen = describeNode(this.node.get(selected), real, name);
    else if (this.edge.has(selected)) chosen = describeEdge(this.edge.get(selected), name, view);
    if (chosen) spoken = chosen;
    // Without a page's panel, or where it is out of sight, the picture itself says what is selected.
    this.status.textContent = words || (this.isLarge || data.standalone ? chosen : "");
    const said = words ? `${spoken} ${words}` : spoken;
    if (this.spoken.textContent !== said) this.spoken.textContent = said;
    const signs = data.classes ? `${data.classes.boxes.length} classes` : `${data.nodes.length} nodes`;
    this.canvas.setAttribute("aria-label", `Class graph, ${signs}, ${count}`);
  }
}

// What the mouse can drag: as large as the sign that painter.js draws there, and unseen.
function handle(node) {
  const clear = "rgba(0,0,0,0)";
  const color = { background: clear, border: clear };
  return { id: node.id, shape: "square", size: node.reach, borderWidth: 0, chosen: false, color: { ...color, highlight: color, hover: color } };
}

export function frame(data) {
  return [
    element("div", { class: "toolbar" }),
    element(
      "div",
      { class: "frame" },
      element("div", { class: "canvas", tabindex: 0, role: "application", "aria-label": "Class graph" }),
      element("button", { type: "button", class: "back", hidden: true, text: "← All groups" }),
      element("div", { class: "status" }),
      keyTable(data.standalone),
    ),
    element("div", { class: "menu", role: "menu", hidden: true }),
    element(
      "div",
      { class: "legend", role: "group", "aria-label": "Legend and filters" },
      element("div", { class: "entries" }),
      element("details", { class: "more" }, element("summary"), element("div")),
    ),
    element("div", { class: "count" }),
    element("div", { class: "spoken", "aria-live": "polite" }),
  ];
}
