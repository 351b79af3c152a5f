// The maps without a pointer.

import { START, zoomed } from "./camera.js";
import { nextFrom } from "./selecting.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 60; // pixels

export function listenToKeys(maps, pane) {
  const zoom = (factor) => maps.lookAt(zoomed(maps.camera, factor, pane.w / 2, pane.h / 2, pane));
  const keys = {
    Escape: () => maps.clear(),
    "+": () => zoom(1.4),
    "=": () => zoom(1.4),
    "-": () => zoom(1 / 1.4),
    0: () => maps.lookAt(START),
    " ": () => maps.film.play(),
    l: () => maps.take("lasso"),
    h: () => maps.take("hand"),
  };
  pane.marks.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    if (ARROWS[event.key]) step(maps, pane, ...ARROWS[event.key]);
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

// From the picked point to the next one; without one, the maps move.
function step(maps, pane, dx, dy) {
  if (maps.picked < 0) {
    const { k, x, y } = maps.camera;
    maps.lookAt({ k, x: x - STEP * dx, y: y - STEP * dy });
    return;
  }
  const found = nextFrom(maps, pane, maps.picked, dx, dy);
  if (found >= 0) maps.pick(found);
}
