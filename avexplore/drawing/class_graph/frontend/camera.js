// Fitting the picture into its frame, going near to a part of it, moving nodes to a new layout, and taking a photo.

import { around } from "./geometry.js";
import { labelPlace, letterSize } from "./labels.js";

const AIR = 10;
const MANY = 150; // signs, from which on a frame takes too long for a glide
const DEEPEST = { normal: 1.8, large: 3 };
const LETTERS = { normal: 21, large: 40 }; // pixels of a name's letters at most, when all is in sight

// Scale and middle that show every sign and name, as large as the frame allows; null while there is no frame.
function fitted(stage) {
  const { width, height } = stage.frame;
  if (!width || !height || !stage.data.nodes.length) return null;
  return stage.data.classes ? boxed(stage, width, height) : labeled(stage, width, height);
}

function boxed(stage, width, height) {
  const { font, groups } = stage.data.classes;
  const box = around([...stage.signs.map((sign) => sign.box), ...groups.filter((group) => group.full).map((group) => group.titleBox)]);
  const room = Math.min((width - 2 * AIR) / (box[2] - box[0]), (height - 2 * AIR) / (box[3] - box[1]));
  const scale = Math.min(room, (stage.hasLargeLetters ? LETTERS.large : LETTERS.normal) / font);
  return { scale, x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2 };
}

// Names keep their size while signs grow with the scale, so that the scale that fits is found in a few steps.
function labeled(stage, width, height) {
  const extent = (scale) => {
    const size = letterSize(scale, stage.hasLargeLetters);
    return around(
      stage.signs.map(({ x, y, nodes: [node] }) => {
        const name = labelPlace(node, scale, size, stage.theme.font).box;
        const sign = node.size * scale + 2;
        return [x * scale + Math.min(name[0], -sign), y * scale + Math.min(name[1], -sign), x * scale + Math.max(name[2], sign), y * scale + Math.max(name[3], sign)];
      }),
    );
  };
  let scale = 1;
  for (let step = 0; step < 12; step++) {
    const box = extent(scale);
    const room = Math.min((width - 2 * AIR) / (box[2] - box[0]), (height - 2 * AIR) / (box[3] - box[1]));
    scale = Math.min(Math.max(scale * room, 0.02), stage.hasLargeLetters ? DEEPEST.large : DEEPEST.normal);
  }
  const box = extent(scale);
  return { scale, x: (box[0] + box[2]) / 2 / scale, y: (box[1] + box[3]) / 2 / scale };
}

// Show everything, or what the reader looked at: a middle, and how much nearer than everything.
export function look(stage) {
  const whole = fitted(stage);
  if (!whole) return;
  const [x, y, nearer] = stage.view.camera ?? [whole.x, whole.y, 1];
  stage.network.moveTo({ position: { x, y }, scale: whole.scale * nearer, animation: false });
}

export function cameraOf(stage) {
  const whole = fitted(stage);
  if (!whole) return null;
  const { x, y } = stage.network.getViewPosition();
  const nearer = stage.network.getScale() / whole.scale;
  return [Math.round(x), Math.round(y), Math.round(nearer * 100) / 100];
}

const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Go near to a box; nothing moves but the camera.
export function approach(stage, box, done) {
  const { width, height } = stage.frame;
  const room = Math.min((width - 6 * AIR) / (box[2] - box[0]), (height - 6 * AIR) / (box[3] - box[1]));
  const scale = Math.min(room, (stage.hasLargeLetters ? LETTERS.large : LETTERS.normal) / stage.data.classes.font);
  const position = { x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2 };
  if (isStill() || stage.signs.length > MANY) {
    stage.network.moveTo({ position, scale, animation: false });
    done();
    return;
  }
  stage.network.once("animationFinished", done);
  stage.network.moveTo({ position, scale, animation: { duration: 450, easingFunction: "easeInOutCubic" } });
}

export function glide(stage, goals, done) {
  const { network } = stage;
  const start = new Map(goals.map(({ id }) => [id, network.getPosition(id)]));
  const began = performance.now();
  const still = isStill() || goals.length > 300;
  const step = (now) => {
    const share = still ? 1 : Math.min((now - began) / 350, 1);
    const eased = 1 - (1 - share) ** 3;
    for (const { id, x, y } of goals) {
      const from = start.get(id);
      if (share === 1) network.moveNode(id, x, y); // exactly there, without the round-off of the way
      else network.moveNode(id, from.x + (x - from.x) * eased, from.y + (y - from.y) * eased);
    }
    stage.rebuild();
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
