// What the mouse does in the picture: select, go near, drag, zoom, and the right-click menu.

import { closeMenu, edgeEntries, nodeEntries, openMenu } from "./menu.js";

const CALM = 450; // milliseconds after which a zoom or a shift counts as done

export function listenToMouse(stage) {
  const { network, canvas, root } = stage;
  network.on("click", (event) => clicked(stage, event));
  network.on("oncontext", (event) => context(stage, event));
  network.on("doubleClick", (event) => {
    const { node } = stage.thingAt(event.pointer.DOM);
    if (node) stage.change({ selection: { kind: "node", id: node }, focus: stage.view.focus?.node === node ? null : { node, hops: 1 } });
  });
  network.on("dragging", (event) => event.nodes.length && stage.dragged(event.nodes));
  network.on("dragEnd", (event) => {
    if (event.nodes.length) stage.keepMoved(stage.dragged(event.nodes));
    else stage.keepCamera();
  });
  let zooming;
  network.on("zoom", () => {
    clearTimeout(zooming);
    zooming = setTimeout(() => stage.keepCamera(), CALM);
  });
  // The wheel scrolls the page until the picture has been clicked into.
  const wheel = (on) => network.setOptions({ interaction: { zoomView: on } });
  wheel(false);
  canvas.addEventListener("focusin", () => wheel(true));
  canvas.addEventListener("focusout", () => wheel(false));
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenu(stage.menu);
  });
  root.addEventListener("contextmenu", (event) => event.preventDefault());
}

function clicked(stage, event) {
  closeMenu(stage.menu);
  stage.canvas.focus({ preventScroll: true });
  const { view } = stage;
  const { node, edge, group } = stage.thingAt(event.pointer.DOM);
  if (stage.pending && node) {
    const { then } = stage.pending;
    stage.pending = null;
    then(node);
    return;
  }
  if (node && event.event.srcEvent?.shiftKey && view.selection?.kind === "node" && view.selection.id !== node) {
    stage.change({ path: [view.selection.id, node] });
    return;
  }
  if (node) stage.change({ selection: { kind: "node", id: node }, path: null });
  else if (edge) stage.change({ selection: { kind: "edge", id: edge }, path: null });
  else if (group) stage.goNear(group);
  else if (view.selection || view.path) stage.change({ selection: null, path: null });
}

function context(stage, event) {
  event.event.preventDefault();
  if (stage.data.standalone) return;
  const at = event.pointer.DOM;
  const name = (id) => stage.nameOf(id);
  const send = (command) => stage.send(command);
  const found = stage.thingAt(at);
  const [node, edge] = [stage.node.get(found.node), stage.edge.get(found.edge)];
  if (!node && !edge) {
    closeMenu(stage.menu);
    return;
  }
  const begin = (kind, source) => {
    const hint = `Click the class that ${name(source)} ${kind === "require" ? "must" : "must not"} point to`;
    stage.ask(hint, (target) => {
      stage.refresh();
      if (target !== source) send({ kind, source, target });
    });
  };
  const title = node ? name(node.id) : `${name(edge.from)} ${edge.directed ? "→" : "–"} ${name(edge.to)}`;
  const entries = node ? nodeEntries(node, name, stage.data.tiers, send, begin) : edgeEntries(edge, name, send);
  const outer = stage.root.getBoundingClientRect();
  const offset = stage.canvas.getBoundingClientRect().top - outer.top;
  openMenu(stage.menu, title, entries, at.x, at.y + offset, outer);
}
