// One graph view: its vis-network, what is being looked at, and the way back to Python.
// vis-network draws; where nodes stand is decided in Python and by the reader's hand, never by physics.

import { cameraOf, glide, look, photograph } from "./camera.js";
import { element } from "./elements.js";
import { listenToMouse } from "./gestures.js";
import { keyTable, listen } from "./keyboard.js";
import { drawBadge, drawLabels } from "./labels.js";
import { fillLegend, legendEntries } from "./legend.js";
import { edgeLook, isVisible, nodeLook, points, strength } from "./look.js";
import { closeMenu } from "./menu.js";
import { describeEdge, describeNode, describePath, edgeCount, percent, whatHolds } from "./narrate.js";
import { readTheme } from "./theme.js";
import { buildToolbar, updateToolbar } from "./toolbar.js";
import { between, within } from "./paths.js";

const SHARED = ["threshold", "auto", "hidden", "hideSameClass", "focus", "path", "selection", "search", "camera"];

export class Stage {
  constructor(vis, root, data) {
    this.root = root;
    this.canvas = root.querySelector(".canvas");
    this.status = root.querySelector(".status");
    this.spoken = root.querySelector(".spoken");
    this.menu = root.querySelector(".menu");
    this.nodes = new vis.DataSet();
    this.edges = new vis.DataSet();
    this.drawn = { nodes: new Map(), edges: new Map() };
    this.view = { threshold: 0, auto: false, hidden: new Set(["ghost"]), hideSameClass: false, focus: null, path: null, selection: null, search: "", camera: null };
    this.serial = null;
    this.touched = 0; // when the reader last changed the view, in milliseconds
    this.moved = {};
    this.pending = null;
    this.commands = 0;
    this.network = new vis.Network(this.canvas, { nodes: this.nodes, edges: this.edges }, data.options);
    this.parts = buildToolbar(root.querySelector(".toolbar"), this);
    listen(this.canvas, this);
    listenToMouse(this);
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
    if (data.height) this.canvas.style.height = `${data.height}px`;
    this.#place(previous);
    if (previous && JSON.stringify(this.view.camera) !== camera) this.#look();
    this.refresh();
    if (!previous) this.#resized();
    this.drawMilliseconds = performance.now() - started;
    this.root.dataset.version = data.version;
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
    if (gone.length) {
      this.edges.clear();
      this.drawn.edges.clear();
      this.nodes.remove(gone);
      gone.forEach((id) => this.drawn.nodes.delete(id));
    }
    const fresh = this.data.nodes.filter((node) => !known.has(node.id));
    this.nodes.add(fresh.map((node) => ({ ...nodeLook(node, "normal", this.theme), x: node.x, y: node.y })));
    if (previous && previous.layout.version !== this.data.layout.version) {
      this.moved = {};
      this.view.camera = null;
      const goals = this.data.nodes.filter((node) => known.has(node.id));
      glide(this.network, goals, () => this.#look());
    } else if (previous && fresh.length) this.#look();
  }

  #resized() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!width || !height || !this.data) return;
    this.network.setSize("100%", "100%");
    this.network.redraw();
    if (this.size !== `${width}x${height}`) {
      this.size = `${width}x${height}`;
      this.#look();
      if (this.looks) this.refresh(); // what is said depends on whether this is the full screen
    }
  }

  // --- to the picture ------------------------------------------------------------------------------------------

  refresh() {
    const { view, theme } = this;
    const seen = (id) => !view.hidden.has(`node-${this.node.get(id).modality}`);
    const visible = this.data.edges.filter((edge) => isVisible(edge, view) && seen(edge.from) && seen(edge.to));
    const real = visible.filter((edge) => edge.type === "learned");
    const focus = view.focus && this.node.has(view.focus.node) ? within(real, view.focus.node, view.focus.hops) : null;
    const ends = view.path && view.path.every((id) => this.node.has(id)) ? view.path : null;
    const path = ends ? between(real, ...ends) : null;
    if (path) path.settled = real.filter((edge) => path.edges.has(edge.id) && points(edge)).length;
    const selected = view.selection?.id ?? null;
    const chosen = this.edge.get(selected);
    const near = new Set();
    const states = new Map();
    for (const edge of visible) {
      let state = "normal";
      const touches = edge.from === selected || edge.to === selected;
      if (touches) [edge.from, edge.to].forEach((id) => near.add(id));
      if (path) state = path.edges.has(edge.id) ? "strong" : "dim";
      else if (focus && !(focus.has(edge.from) && focus.has(edge.to))) state = "dim";
      else if (edge.id === selected || touches) state = "strong";
      else if (this.node.has(selected)) state = "dim-half";
      states.set(edge.id, state);
    }
    this.#syncEdges(visible, states);

    const wanted = view.search.trim().toLowerCase();
    const linked = new Set(visible.flatMap((edge) => [edge.from, edge.to]));
    this.looks = new Map();
    for (const node of this.data.nodes) {
      let state = linked.has(node.id) ? "normal" : "quiet";
      if (near.has(node.id) || chosen?.from === node.id || chosen?.to === node.id) state = "near";
      if (path) state = path.nodes.has(node.id) ? "near" : "dim";
      else if (focus && !focus.has(node.id)) state = "dim";
      if (wanted) state = node.search.includes(wanted) ? "found" : "dim";
      if (ends?.includes(node.id)) state = "end";
      if (node.id === selected) state = "selected";
      this.looks.set(node.id, state);
    }
    this.#syncNodes();
    this.visible = visible;
    this.network.redraw();
    this.#tell(real, path, ends);
    updateToolbar(this.parts, view, this.data);
    fillLegend(this.root.querySelector(".legend"), legendEntries(this.data.edges, theme, this.data.compared), view, this);
  }

  #syncEdges(visible, states) {
    const wanted = new Map(visible.map((edge) => [edge.id, edgeLook(edge, states.get(edge.id), this.theme)]));
    const gone = [...this.drawn.edges.keys()].filter((id) => !wanted.has(id));
    if (gone.length) this.edges.remove(gone);
    gone.forEach((id) => this.drawn.edges.delete(id));
    const changed = [];
    for (const [id, look] of wanted) {
      const text = JSON.stringify(look);
      if (this.drawn.edges.get(id) !== text) {
        this.drawn.edges.set(id, text);
        changed.push(look);
      }
    }
    if (changed.length) this.edges.update(changed);
  }

  #syncNodes() {
    const changed = [];
    for (const node of this.data.nodes) {
      const hidden = this.view.hidden.has(`node-${node.modality}`);
      const look = { ...nodeLook(node, this.looks.get(node.id), this.theme), hidden };
      const text = JSON.stringify(look);
      if (this.drawn.nodes.get(node.id) !== text) {
        this.drawn.nodes.set(node.id, text);
        changed.push(look);
      }
    }
    if (changed.length) this.nodes.update(changed);
  }

  drawOver(context) {
    if (!this.data || !this.looks) return;
    const shown = this.data.nodes.filter((node) => !this.view.hidden.has(`node-${node.modality}`));
    const order = { selected: 0, end: 0, found: 1, near: 2, normal: 3, quiet: 4, dim: 5 };
    shown.sort((a, b) => order[this.looks.get(a.id)] - order[this.looks.get(b.id)] || b.size - a.size);
    drawLabels(context, this.network, shown, this.looks, this.theme, { large: this.isLarge });
    for (const edge of this.visible ?? []) {
      const asked = edge.id === this.view.selection?.id || edge.id === this.hovered;
      if (edge.type === "forbidden") drawBadge(context, this.network, edge, "✕", this.theme.forbidden, this.theme);
      else if (edge.knowledge === "required") drawBadge(context, this.network, edge, "✓", this.theme.text, this.theme);
      else if (asked && edge.frequency !== null) {
        drawBadge(context, this.network, edge, percent(strength(edge)), this.theme.text, this.theme);
      }
    }
  }

  #tell(real, path, ends) {
    const { view, data } = this;
    const total = data.edges.filter((edge) => edge.type === "learned").length;
    const reach = (edge) => edge.type === "learned" && edge.negative && strength(edge) >= view.threshold;
    const against = view.hidden.has("negative") ? data.edges.filter(reach).length : 0;
    const open = { ...view, hidden: new Set([...view.hidden].filter((trait) => trait !== "null")) };
    const leftOut = view.hidden.has("null") ? data.edges.filter((edge) => edge.in_null && isVisible(edge, open)).length : 0;
    const count = edgeCount(real.length, total, data, view.threshold, against) + whatHolds(real, data, leftOut);
    this.root.querySelector(".count").textContent = count;
    const name = (id) => this.nameOf(id);
    let words = this.pending ? this.pending.hint : (data.message ?? "");
    if (path && !this.pending) words = describePath(path, name, ...ends);
    const selected = view.selection?.id;
    let spoken = `${data.summary} Now ${count}`;
    let chosen = "";
    if (this.node.has(selected)) chosen = describeNode(this.node.get(selected), real, name);
    else if (this.edge.has(selected)) chosen = describeEdge(this.edge.get(selected), name);
    if (chosen) spoken = chosen;
    // In full screen the page's panel is out of sight, so the picture itself says what is selected.
    this.status.textContent = words || (this.isLarge ? chosen : "");
    const said = words ? `${spoken} ${words}` : spoken;
    if (this.spoken.textContent !== said) this.spoken.textContent = said;
    this.canvas.setAttribute("aria-label", `Class graph, ${data.nodes.length} nodes, ${count}`);
  }

  nameOf(id) {
    const node = this.node.get(id);
    return node ? node.name : id;
  }

  get isLarge() {
    return document.fullscreenElement !== null && this.root.getRootNode().fullscreenElement === this.root;
  }

  // --- to Python -----------------------------------------------------------------------------------------------

  share() {
    const { view } = this;
    this.setStateValue("view", { ...view, hidden: [...view.hidden].sort(), touched: this.touched });
  }

  send(command) {
    this.commands += 1;
    this.setTriggerValue("command", { ...command, serial: this.commands });
  }

  change(changes, tell = true) {
    Object.assign(this.view, changes);
    this.touched = Date.now();
    this.refresh();
    if (tell) this.share();
  }

  // --- what the reader does ------------------------------------------------------------------------------------

  search(text) {
    this.change({ search: text }, false);
    clearTimeout(this.searchTimer);
    this.searchTimer = setTimeout(() => this.share(), 600);
  }

  selectFound() {
    const wanted = this.view.search.trim().toLowerCase();
    const node = wanted && this.data.nodes.find((candidate) => candidate.search.includes(wanted));
    if (node) this.select({ kind: "node", id: node.id });
  }

  threshold(value, released) {
    this.change({ threshold: value, auto: false }, released);
  }

  nudge(by) {
    const value = Math.min(1, Math.max(0, Math.round((this.view.threshold + by) * 100) / 100));
    this.change({ threshold: value, auto: false });
  }

  // The threshold that the page chooses follows the graph; otherwise it stays where it is.
  auto(on) {
    this.change({ auto: on });
  }

  hops(hops) {
    const node = this.view.selection?.kind === "node" ? this.view.selection.id : this.view.focus?.node;
    if (hops && !node) this.ask("Click the class to focus on", (id) => this.change({ focus: { node: id, hops } }));
    else this.change({ focus: hops ? { node, hops } : null, path: null });
  }

  focus() {
    if (this.view.focus) this.change({ focus: null });
    else this.hops(1);
  }

  path() {
    const start = this.view.selection?.kind === "node" ? this.view.selection.id : null;
    if (start) this.ask(`Click the class where the path from ${this.nameOf(start)} should end`, (id) => this.change({ path: [start, id] }));
    else this.ask("Click the class where the path starts", (id) => {
      this.change({ selection: { kind: "node", id } });
      this.path();
    });
  }

  hideSameClass(hide) {
    this.change({ hideSameClass: hide });
  }

  toggle(trait) {
    if (this.view.hidden.has(trait)) this.view.hidden.delete(trait);
    else this.view.hidden.add(trait);
    this.change({});
  }

  clear() {
    this.pending = null;
    closeMenu(this.menu);
    this.root.querySelector(".keys").hidden = true;
    this.change({ selection: null, path: null, focus: null, search: "" });
  }

  step(by) {
    const order = this.data.nodes.filter((node) => !this.view.hidden.has(`node-${node.modality}`));
    const now = order.findIndex((node) => node.id === this.view.selection?.id);
    const next = order[(now + by + order.length) % order.length];
    this.select({ kind: "node", id: next.id });
  }

  select(selection) {
    this.change({ selection });
  }

  ask(hint, then) {
    this.pending = { hint, then };
    this.refresh();
  }

  undo() {
    if (this.data.canUndo) this.send({ kind: "undo" });
  }

  redo() {
    if (this.data.canRedo) this.send({ kind: "redo" });
  }

  fit() {
    this.view.camera = null;
    this.touched = Date.now();
    this.#look();
    this.share();
  }

  #look() {
    look(this.network, this.#frame, this.data.nodes, this.#options, this.view.camera);
  }

  get #frame() {
    return this.canvas.getBoundingClientRect();
  }

  get #options() {
    return { large: this.isLarge, font: this.theme.font };
  }

  keepCamera() {
    this.view.camera = cameraOf(this.network, this.#frame, this.data.nodes, this.#options);
    this.touched = Date.now();
    this.share();
  }

  keepMoved(ids) {
    for (const [id, { x, y }] of Object.entries(this.network.getPositions(ids))) this.moved[id] = [Math.round(x), Math.round(y)];
    this.setStateValue("moved", { layout: this.data.layout.version, positions: { ...this.moved } });
  }

  save() {
    photograph(this.canvas.querySelector("canvas"), this.theme.background, "class_graph.png");
  }

  help() {
    const keys = this.root.querySelector(".keys");
    keys.hidden = !keys.hidden;
  }

  fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.();
  }
}

export function frame() {
  return [
    element("div", { class: "toolbar" }),
    element(
      "div",
      { class: "frame" },
      element("div", { class: "canvas", tabindex: 0, role: "application", "aria-label": "Class graph" }),
      element("div", { class: "status" }),
      keyTable(),
    ),
    element("div", { class: "menu", role: "menu", hidden: true }),
    element("div", { class: "count" }),
    element("div", { class: "legend", role: "group", "aria-label": "Legend and filters" }),
    element("div", { class: "spoken", "aria-live": "polite" }),
  ];
}
