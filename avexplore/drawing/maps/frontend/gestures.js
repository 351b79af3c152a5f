// The pointer on the maps: a drag draws a lasso or moves both maps, a click picks, Ctrl and the wheel zoom.

import { zoomed } from "./camera.js";
import { clamp } from "./geometry.js";
import { near, within } from "./selecting.js";
import { hideTip, showTip } from "./tip.js";

export function listenToPointer(maps, pane) {
  const canvas = pane.marks;
  canvas.addEventListener("pointerdown", (event) => press(maps, pane, event));
  canvas.addEventListener("pointermove", (event) => move(maps, pane, event));
  canvas.addEventListener("pointerup", (event) => release(maps, pane, event));
  canvas.addEventListener("pointercancel", (event) => release(maps, pane, event));
  canvas.addEventListener("pointerleave", () => {
    hideTip(maps);
    maps.point(-1);
  });
  canvas.addEventListener("wheel", (event) => wheel(maps, pane, event), { passive: false });
  canvas.addEventListener("dblclick", (event) => maps.lookAt(zoomed(maps.camera, 2, event.offsetX, event.offsetY, pane)));
}

function press(maps, pane, event) {
  if (!maps.head) return;
  pane.marks.setPointerCapture(event.pointerId);
  pane.marks.focus({ preventScroll: true });
  const x = event.offsetX, y = event.offsetY;
  if (event.button === 1 || (maps.tool === "hand" && !event.altKey)) {
    maps.drag = { x, y, camera: maps.camera, moved: false };
    event.preventDefault();
  } else if (event.button === 0) {
    const sign = event.altKey ? -1 : event.shiftKey ? 1 : 0;
    maps.lasso = { k: pane.k, path: [x, y], base: maps.selected, sign, moved: false };
  }
}

function move(maps, pane, event) {
  const x = event.offsetX, y = event.offsetY;
  if (maps.drag) {
    const { drag } = maps;
    drag.moved ||= Math.hypot(x - drag.x, y - drag.y) > 3;
    maps.lookAt({ ...drag.camera, x: drag.camera.x + x - drag.x, y: drag.camera.y + y - drag.y });
  } else if (maps.lasso?.k === pane.k) {
    const { lasso } = maps;
    if (!lasso.moved && Math.hypot(x - lasso.path[0], y - lasso.path[1]) < 4) return;
    lasso.moved = true;
    lasso.path.push(x, y);
    hideTip(maps);
    // Of very many points, those within are told at the end.
    if (maps.isLive) maps.select(within(maps, pane, lasso));
    else maps.painter.remark();
  } else {
    const found = near(maps, pane, x, y);
    maps.point(found);
    showTip(maps, pane, found, x, y);
  }
}

function release(maps, pane, event) {
  const { lasso, drag } = maps;
  maps.lasso = maps.drag = null;
  if (event.type === "pointercancel") {
    maps.painter.remark();
  } else if (lasso?.moved) {
    const flags = within(maps, pane, lasso);
    maps.select(flags.includes(1) ? flags : null);
    maps.tellSelection();
  } else if (lasso || (drag && !drag.moved)) {
    const found = near(maps, pane, event.offsetX, event.offsetY);
    if (found >= 0) maps.pick(found);
    else maps.clear();
  }
}

// A bare wheel scrolls the page, unless the maps are zoomed in and have the focus.
function wheel(maps, pane, event) {
  const hasFocus = (maps.root.activeElement ?? document.activeElement) === pane.marks;
  if (!(event.ctrlKey || event.metaKey || (hasFocus && maps.camera.k > 1))) return;
  event.preventDefault();
  maps.lookAt(zoomed(maps.camera, Math.exp(-clamp(event.deltaY, -120, 120) * 0.004), event.offsetX, event.offsetY, pane));
}
