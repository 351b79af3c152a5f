// When the panes are painted. `repaint` is for points that changed: few are painted in the next frame, many in slices
// between frames. `move` is for the camera: the pictures move at once and are painted anew at rest.

import { drawMarks } from "./marks.js";
import { MOST_POINTS } from "./raster.js";

const REST = 120; // milliseconds without a move
const BUDGET = { moving: 4, resting: 24 }; // milliseconds of painting per frame

export class Painter {
  constructor(maps) {
    this.maps = maps;
    this.frame = 0;
    this.work = null;
  }

  repaint({ atOnce = this.maps.points <= MOST_POINTS, panes = this.maps.panes } = {}) {
    // What is half painted is finished at once, too.
    this.wanted = atOnce ? (this.work || this.wanted ? this.maps.panes : panes) : this.wanted ?? "in slices";
    this.request();
  }

  move() {
    this.moved = performance.now();
    this.request();
  }

  // Rings, names and what is drawn around, on their own canvas.
  remark() {
    this.request();
  }

  request() {
    this.frame ||= requestAnimationFrame(() => this.step());
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }

  step() {
    this.frame = 0;
    const { maps } = this;
    if (!maps.head || !maps.measure()) return;
    const now = performance.now(), isMoving = this.moved !== undefined && now - this.moved < REST;
    for (const pane of maps.panes) pane.raster.move(maps, pane);
    if (Array.isArray(this.wanted)) {
      for (const pane of this.wanted) for (const _ of pane.raster.painting(maps, pane)) /* to its end */;
      this.work = null;
      this.wanted = undefined;
    } else if (this.wanted) {
      this.begin();
      this.wanted = undefined;
    } else if (!this.work) {
      const stale = maps.panes.filter((pane) => !pane.raster.isCurrent(maps, pane));
      if (stale.length && (!isMoving || stale.some((pane) => pane.raster.isShort(pane)))) this.begin();
      this.isStale = stale.length > 0;
    }
    this.slice(isMoving ? BUDGET.moving : BUDGET.resting);
    drawMarks(maps);
    maps.say();
    if (this.work || this.isStale) this.request();
  }

  begin() {
    const { maps } = this;
    this.work = (function* () {
      for (const pane of maps.panes) yield* pane.raster.painting(maps, pane);
    })();
  }

  slice(budget) {
    if (!this.work) return;
    const end = performance.now() + budget;
    do {
      if (this.work.next().done) this.work = null;
    } while (this.work && performance.now() < end);
    this.isStale = this.maps.panes.some((pane) => !pane.raster.isCurrent(this.maps, pane));
  }

  // Whether everything is painted as it shall be.
  get isDone() {
    return !this.frame && !this.work && !this.wanted && !this.isStale;
  }
}
