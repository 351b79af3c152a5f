// The left map on its way to the right one: by a slider, or played.

import { clamp } from "./geometry.js";

const LONG = 1400; // milliseconds

export class Film {
  constructor(maps) {
    this.maps = maps;
    this.slider = maps.root.querySelector(".morph input");
    this.frame = 0;
    this.slider.addEventListener("input", () => {
      this.stop();
      this.show(Number(this.slider.value));
    });
  }

  show(share) {
    this.maps.morph = share;
    this.slider.value = String(share);
    this.maps.painter.repaint({ atOnce: true, panes: this.maps.panes.slice(0, 1) }); // the right map stays
  }

  play() {
    this.stop();
    const from = this.maps.morph, to = from > 0.5 ? 0 : 1, began = performance.now();
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const step = (now) => {
      const t = isStill ? 1 : clamp((now - began) / LONG, 0, 1);
      this.show(from + (to - from) * t * t * (3 - 2 * t));
      this.frame = t < 1 ? requestAnimationFrame(step) : 0;
    };
    this.frame = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }
}
