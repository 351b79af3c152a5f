// What the reader may do with the picture, by mouse, key or tool bar. The view lives here and is told to Python.

import { approach, cameraOf, photograph } from "./camera.js";
import { closeMenu } from "./menu.js";

export class Actions {
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

  // --- what is shown -------------------------------------------------------------------------------------------

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

  // The only trait that is a mark of a link and hides none.
  toggle(trait) {
    if (trait === "cause") this.view.markCauses = !this.view.markCauses;
    else if (this.view.hidden.has(trait)) this.view.hidden.delete(trait);
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

  // --- where one looks from ------------------------------------------------------------------------------------

  fit() {
    this.view.camera = null;
    this.touched = Date.now();
    this.lookAgain();
    this.refresh();
    this.share();
  }

  goNear(group) {
    approach(this, group.box, () => {
      this.keepCamera();
      this.refresh();
    });
  }

  keepCamera() {
    this.view.camera = cameraOf(this);
    this.touched = Date.now();
    this.refreshBack();
    this.share();
  }

  // The other half of a dragged sign comes along; all that moved.
  dragged(ids) {
    const all = new Set(ids);
    for (const id of ids) {
      const partner = this.node.get(id).partner;
      if (!partner) continue;
      const { x, y } = this.network.getPosition(id);
      const other = this.node.get(partner);
      this.network.moveNode(partner, x + other.offset - this.node.get(id).offset, y);
      all.add(partner);
    }
    this.rebuild();
    return [...all];
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
