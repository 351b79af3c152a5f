// The picture of one pane, larger than the pane by a margin. A move of the camera only moves the picture; it is painted
// anew when it is asked to or, after a move, when the camera has come to rest or the margin is used up.

import { projection } from "./camera.js";
import { paintDensity } from "./density.js";
import { paintPoints, radiusOf } from "./points.js";
import { packed } from "./theme.js";

export const MOST_POINTS = 50_000; // more in sight are shown as a density
const MARGIN = 0.3;

export class Raster {
  constructor(canvas) {
    this.canvas = canvas;
    this.shown = null; // the projection that the picture was painted for
  }

  fit(pane, ratio) {
    const mx = Math.round(pane.w * MARGIN), my = Math.round(pane.h * MARGIN);
    Object.assign(this, { mx, my, ratio });
    const W = Math.round((pane.w + 2 * mx) * ratio), H = Math.round((pane.h + 2 * my) * ratio);
    if (this.canvas.width === W && this.canvas.height === H && this.image) return;
    this.canvas.width = W;
    this.canvas.height = H;
    Object.assign(this.canvas.style, { left: `${-mx}px`, top: `${-my}px`, width: `${W / ratio}px`, height: `${H / ratio}px`, transformOrigin: `${mx}px ${my}px` });
    this.image = this.canvas.getContext("2d").createImageData(W, H);
    this.shown = null;
  }

  // Paints in steps; whoever runs it to its end sees the new picture.
  *painting(maps, pane) {
    const { ratio, mx, my, image } = this, W = this.canvas.width, H = this.canvas.height;
    const aim = projection(maps, pane), out = new Uint32Array(image.data.buffer);
    const device = { scale: aim.scale * ratio, dx: (aim.dx + mx) * ratio, dy: (aim.dy + my) * ratio, way: aim.way };
    let some;
    if (maps.points > MOST_POINTS) some = yield* paintDensity(out, W, H, maps, device, MOST_POINTS);
    if (some !== null) {
      out.fill(packed(maps.theme.paper));
      yield* paintPoints(out, W, H, maps, device, radiusOf(some ? some.length : maps.points, maps.camera.k) * ratio, some);
    }
    this.isDensity = some === null;
    this.canvas.getContext("2d").putImageData(image, 0, 0);
    this.shown = aim;
    this.move(maps, pane);
  }

  // Where the picture has to lie for the camera of now.
  move(maps, pane) {
    if (!this.shown) return;
    const aim = projection(maps, pane), was = this.shown, s = aim.scale / was.scale;
    const left = aim.dx - s * was.dx, top = aim.dy - s * was.dy;
    this.canvas.style.transform = s === 1 && !left && !top ? "none" : `translate(${left}px, ${top}px) scale(${s})`;
    this.offset = { s, left, top };
  }

  // Whether some of the pane lies outside of the picture.
  isShort(pane) {
    if (!this.shown || !this.offset) return true;
    const { s, left, top } = this.offset, { mx, my } = this;
    return left - s * mx > 0 || top - s * my > 0 || left + s * (pane.w + mx) < pane.w || top + s * (pane.h + my) < pane.h;
  }

  isCurrent(maps, pane) {
    const aim = projection(maps, pane), was = this.shown;
    return was !== null && was.scale === aim.scale && was.dx === aim.dx && was.dy === aim.dy;
  }
}
