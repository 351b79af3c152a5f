// Fitting the picture into its frame, moving nodes to a new layout, and taking a photo.

import { labelPlace, letterSize } from "./labels.js";

const AIR = 10;
const DEEPEST = { normal: 1.8, large: 3 };

// Scale and middle that show every sign and name, as large as the frame allows; null while there is no frame.
function fitted(network, { width, height }, nodes, { large, font }) {
  if (!width || !height || !nodes.length) return null;
  const places = nodes.map((node) => ({ node, at: network.getPosition(node.id) }));
  // Names keep their size while signs grow with the scale, so that the scale that fits is found in a few steps.
  const extent = (scale) => {
    const size = letterSize(scale, large);
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const { node, at } of places) {
      const name = labelPlace(node, scale, size, font).box;
      const sign = node.size * scale + 2;
      box[0] = Math.min(box[0], at.x * scale + Math.min(name[0], -sign));
      box[1] = Math.min(box[1], at.y * scale + Math.min(name[1], -sign));
      box[2] = Math.max(box[2], at.x * scale + Math.max(name[2], sign));
      box[3] = Math.max(box[3], at.y * scale + Math.max(name[3], sign));
    }
    return box;
  };
  let scale = 1;
  for (let step = 0; step < 12; step++) {
    const box = extent(scale);
    const room = Math.min((width - 2 * AIR) / (box[2] - box[0]), (height - 2 * AIR) / (box[3] - box[1]));
    scale = Math.min(Math.max(scale * room, 0.02), large ? DEEPEST.large : DEEPEST.normal);
  }
  const box = extent(scale);
  return { scale, x: (box[0] + box[2]) / 2 / scale, y: (box[1] + box[3]) / 2 / scale };
}

// Show everything, or what the reader looked at: a middle, and how much nearer than everything.
export function look(network, frame, nodes, options, camera) {
  const whole = fitted(network, frame, nodes, options);
  if (!whole) return;
  const [x, y, nearer] = camera ?? [whole.x, whole.y, 1];
  network.moveTo({ position: { x, y }, scale: whole.scale * nearer, animation: false });
}

export function cameraOf(network, frame, nodes, options) {
  const whole = fitted(network, frame, nodes, options);
  if (!whole) return null;
  const { x, y } = network.getViewPosition();
  const nearer = network.getScale() / whole.scale;
  return [Math.round(x), Math.round(y), Math.round(nearer * 100) / 100];
}

export function glide(network, goals, done) {
  const start = new Map(goals.map(({ id }) => [id, network.getPosition(id)]));
  const began = performance.now();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches || goals.length > 300;
  const step = (now) => {
    const share = still ? 1 : Math.min((now - began) / 350, 1);
    const eased = 1 - (1 - share) ** 3;
    for (const { id, x, y } of goals) {
      const from = start.get(id);
      if (share === 1) network.moveNode(id, x, y); // exactly there, without the round-off of the way
      else network.moveNode(id, from.x + (x - from.x) * eased, from.y + (y - from.y) * eased);
    }
    if (share < 1) requestAnimationFrame(step);
    else done();
  };
  requestAnimationFrame(step);
}

export function photograph(canvas, background, filename) {
  const photo = document.createElement("canvas");
  [photo.width, photo.height] = [canvas.width, canvas.height];
  const context = photo.getContext("2d");
  context.fillStyle = background;
  context.fillRect(0, 0, photo.width, photo.height);
  context.drawImage(canvas, 0, 0);
  const link = document.createElement("a");
  link.download = filename;
  link.href = photo.toDataURL("image/png");
  link.click();
}
