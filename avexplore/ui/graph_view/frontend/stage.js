// One graph view: its vis-network, what is being looked at, and the way back to Python.
// vis-network draws; where nodes stand is decided in Python and by the reader's hand, never by physics.

import { fit, glide, photograph } from "./camera.js";
import { element } from "./elements.js";
import { listen } from "./keyboard.js";
import { drawBadge, drawLabels } from "./labels.js";
import { fillLegend, legendEntries } from "./legend.js";
import { edgeLook, isVisible, nodeLook, strength } from "./look.js";
import { closeMenu, edgeEntries, nodeEntries, openMenu } from "./menu.js";
import { describeEdge, describeNode, describePath, edgeCount } from "./narrate.js";
import { readTheme } from "./theme.js";
import { buildToolbar, updateToolbar } from "./toolbar.js";
import { between, within } from "./walk.js";

const SHARED = ["threshold", "hidden", "hideSameClass", "focus", "path", "selection", "search"];

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
    this.view = { threshold: 0, hidden: new Set(["ghost"]), hideSameClass: false, focus: null, path: null, selection: null, search: "" };
    this.serial = null;
    this.dragging = false;
    this.moved = {};
    this.pending = null;
    this.commands = 0;
    this.network = new vis.Network(this.canvas, { nodes: this.nodes, edges: this.edges }, data.options);
    this.parts = buildToolbar(root.querySelector(".toolbar"), this);
    listen(this.canvas, this);
    this.#listenToNetwork();
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
    this.#takePushed(data.view);
    const previous = this.data;
    this.data = data;
    this.node = new Map(data.nodes.map((node) => [node.id, node]));
    this.edge = new Map(data.edges.map((edge) => [edge.id, edge]));
    if (data.height) this.canvas.style.height = `${data.height}px`;
    this.#place(previous);
    this.refresh();
    if (!previous) this.#resized();
    this.drawMilliseconds = performance.now() - started;
    this.root.dataset.version = data.version;
  }

  // The view lives here. Python overrides it only when it has something of its own to say: a new serial.
  #takePushed(view) {
    if (view.serial === this.serial) return;
    this.serial = view.serial;
    for (const key of SHARED) {
      if (view[key] === undefined || (key === "threshold" && this.dragging)) continue;
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
      const goals = this.data.nodes.filter((node) => known.has(node.id));
      glide(this.network, goals, () => this.fit());
    } else if (previous && fresh.length) this.fit();
  }

  #resized() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!width || !height || !this.data) return;
    this.network.setSize("100%", "100%");
    this.network.redraw();
    if (this.size !== `${width}x${height}`) {
      this.size = `${width}x${height}`;
      this.fit();
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
    fillLegend(this.root.querySelector(".legend"), legendEntries(this.data.edges, theme, this.data.compared), view, (trait) => this.toggle(trait));
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

  #drawOver(context) {
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
        drawBadge(context, this.network, edge, `${Math.round(100 * strength(edge))} %`, this.theme.text, this.theme);
      }
    }
  }

  #tell(real, path, ends) {
    const { view, data } = this;
    const total = data.edges.filter((edge) => edge.type === "learned").length;
    const reach = (edge) => edge.type === "learned" && edge.negative && strength(edge) >= view.threshold;
    const against = view.hidden.has("negative") ? data.edges.filter(reach).length : 0;
    const count = edgeCount(real.length, total, data.measure, view.threshold, against);
    this.root.querySelector(".count").textContent = count;
    const name = (id) => this.nameOf(id);
    let words = this.pending ? this.pending.hint : (data.message ?? "");
    if (path) words = describePath(path, name, ...ends);
    this.status.textContent = words;
    const selected = view.selection?.id;
    let spoken = `${data.summary} Now ${count}.`;
    if (this.node.has(selected)) spoken = describeNode(this.node.get(selected), real, name);
    else if (this.edge.has(selected)) spoken = describeEdge(this.edge.get(selected), name);
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
    this.setStateValue("view", { ...view, hidden: [...view.hidden].sort() });
  }

  send(command) {
    this.commands += 1;
    this.setTriggerValue("command", { ...command, serial: this.commands });
  }

  change(changes, tell = true) {
    Object.assign(this.view, changes);
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
    this.dragging = !released;
    this.change({ threshold: value }, released);
  }

  nudge(by) {
    const value = Math.min(1, Math.max(0, Math.round((this.view.threshold + by) * 100) / 100));
    this.change({ threshold: value });
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
    fit(this.network, this.canvas, this.data.nodes, this.isLarge);
  }

  save() {
    photograph(this.canvas.querySelector("canvas"), this.theme.background, "class_graph.png");
  }

  fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.();
  }

  #clicked(event) {
    closeMenu(this.menu);
    this.canvas.focus({ preventScroll: true });
    const at = event.pointer.DOM;
    const node = this.network.getNodeAt(at);
    if (this.pending && node) {
      const { then } = this.pending;
      this.pending = null;
      then(node);
      return;
    }
    if (node && event.event.srcEvent?.shiftKey && this.view.selection?.kind === "node" && this.view.selection.id !== node) {
      this.change({ path: [this.view.selection.id, node] });
      return;
    }
    const edge = node ? undefined : this.network.getEdgeAt(at);
    if (node) this.change({ selection: { kind: "node", id: node }, path: null });
    else if (edge) this.change({ selection: { kind: "edge", id: edge }, path: null });
    else if (this.view.selection || this.view.path) this.change({ selection: null, path: null });
  }

  #context(event) {
    event.event.preventDefault();
    const at = event.pointer.DOM;
    const name = (id) => this.nameOf(id);
    const send = (command) => this.send(command);
    const node = this.node.get(this.network.getNodeAt(at));
    const edge = node ? undefined : this.edge.get(this.network.getEdgeAt(at));
    if (!node && !edge) {
      closeMenu(this.menu);
      return;
    }
    const begin = (kind, source) => {
      const hint = `Click the class that ${name(source)} ${kind === "require" ? "must" : "must not"} point to`;
      this.ask(hint, (target) => {
        this.refresh();
        if (target !== source) send({ kind, source, target });
      });
    };
    const title = node ? name(node.id) : `${name(edge.from)} ${edge.directed ? "→" : "–"} ${name(edge.to)}`;
    const entries = node ? nodeEntries(node, name, this.data.tiers, send, begin) : edgeEntries(edge, name, send);
    const box = this.canvas.getBoundingClientRect();
    const offset = box.top - this.root.getBoundingClientRect().top;
    openMenu(this.menu, title, entries, at.x, at.y + offset, this.root.getBoundingClientRect());
  }

  #listenToNetwork() {
    const { network } = this;
    network.on("click", (event) => this.#clicked(event));
    network.on("oncontext", (event) => this.#context(event));
    network.on("doubleClick", (event) => {
      const node = network.getNodeAt(event.pointer.DOM);
      if (node) this.change({ selection: { kind: "node", id: node }, focus: this.view.focus?.node === node ? null : { node, hops: 1 } });
    });
    network.on("dragEnd", (event) => {
      if (!event.nodes.length) return;
      for (const [id, { x, y }] of Object.entries(network.getPositions(event.nodes))) this.moved[id] = [Math.round(x), Math.round(y)];
      this.setStateValue("moved", { layout: this.data.layout.version, positions: { ...this.moved } });
    });
    network.on("hoverEdge", (event) => {
      this.hovered = event.edge;
      network.redraw();
    });
    network.on("blurEdge", () => {
      this.hovered = null;
      network.redraw();
    });
    network.on("afterDrawing", (context) => this.#drawOver(context));
    // The wheel scrolls the page until the picture has been clicked into.
    const wheel = (on) => network.setOptions({ interaction: { zoomView: on } });
    wheel(false);
    this.canvas.addEventListener("focusin", () => wheel(true));
    this.canvas.addEventListener("focusout", () => wheel(false));
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") closeMenu(this.menu);
    });
    this.root.addEventListener("contextmenu", (event) => event.preventDefault());
  }
}

export function frame() {
  return [
    element("div", { class: "toolbar" }),
    element("div", { class: "canvas", tabindex: 0, role: "application", "aria-label": "Class graph" }),
    element("div", { class: "menu", role: "menu", hidden: true }),
    element("div", { class: "line" }, element("span", { class: "count" }), element("span", { class: "status" })),
    element("div", { class: "legend", role: "group", "aria-label": "Legend and filters" }),
    element("div", { class: "spoken", "aria-live": "polite" }),
  ];
}
