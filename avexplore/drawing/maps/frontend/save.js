// Both maps side by side as a PNG, with what they are above.

import { css } from "./theme.js";

const GAP = 12, TOP = 30;

export function savePicture(maps) {
  const [first, second] = maps.panes, { ratio } = first, wide = first.marks.width;
  const sheet = document.createElement("canvas"), pen = sheet.getContext("2d");
  sheet.width = wide + second.marks.width + GAP * ratio;
  sheet.height = first.marks.height + TOP * ratio;
  pen.fillStyle = css(maps.theme.paper);
  pen.fillRect(0, 0, sheet.width, sheet.height);
  pen.font = `${14 * ratio}px sans-serif`;
  for (const pane of maps.panes) {
    const left = pane.k * (wide + GAP * ratio), { raster } = pane, { s, left: x, top: y } = raster.offset;
    pen.fillStyle = css(maps.theme.ink);
    pen.fillText(`${maps.head.panes[pane.k]}  (${maps.head.notes[pane.k]})`, left + 6 * ratio, 20 * ratio);
    pen.save();
    pen.beginPath();
    pen.rect(left, TOP * ratio, wide, pane.marks.height);
    pen.clip();
    pen.translate(left, TOP * ratio);
    const { canvas, mx, my } = raster;
    pen.drawImage(canvas, (x - s * mx) * ratio, (y - s * my) * ratio, canvas.width * s, canvas.height * s);
    pen.drawImage(pane.marks, 0, 0);
    pen.restore();
  }
  const link = document.createElement("a");
  link.download = "embedding-before-after.png";
  link.href = sheet.toDataURL("image/png");
  link.click();
}
