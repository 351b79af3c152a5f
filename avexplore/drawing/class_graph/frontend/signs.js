// The sign of a class: left half of a disc for the class heard, right half of a square for the class seen; or one whole.

import { drawRing } from "./cables.js";
import { meet } from "./geometry.js";
import { fade } from "./theme.js";

const ALPHA = { dim: 0.15, quiet: 0.55 };
const MARKED = new Set(["selected", "found", "end"]);

// All signs but those under `boxes`, unless the reader asks about them.
export function drawSigns(context, stage, share = 1, boxes = []) {
  const unit = 1 / stage.network.getScale();
  for (const sign of stage.signs) {
    const asked = sign.nodes.some((node) => MARKED.has(stage.looks.get(node.id)));
    if (!asked && boxes.some((box) => meet(box, sign.body))) continue;
    const joined = sign.nodes.length > 1 && stage.bars.has(sign.key);
    const gap = sign.nodes.length > 1 && !joined ? 0.14 * sign.radius : 0;
    const least = 3 * unit;
    for (const node of sign.nodes) {
      if (stage.view.hidden.has(`node-${node.modality}`)) continue;
      const state = stage.looks.get(node.id);
      const alpha = (ALPHA[state] ?? 1) * share;
      outline(context, sign, node, Math.max(sign.radius, least), gap);
      context.fillStyle = fade(stage.theme.node[node.modality], alpha);
      context.fill();
      const marked = MARKED.has(state);
      if (!marked && sign.nodes.length > 1) continue;
      context.strokeStyle = fade(marked ? stage.theme.text : stage.theme.rim[node.modality], alpha);
      context.lineWidth = marked ? Math.max(3, 2.5 * unit) : 1.2;
      context.stroke();
    }
    if (joined) drawBar(context, stage, sign, share);
  }
}

function outline(context, { x, y, nodes }, node, r, gap) {
  const seen = node.modality === "visual";
  context.beginPath();
  if (nodes.length > 1) {
    if (seen) context.rect(x + gap, y - r, 0.95 * r, 2 * r);
    else {
      context.arc(x - gap, y, r, Math.PI / 2, 1.5 * Math.PI);
      context.closePath();
    }
  } else if (seen) context.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
  else context.arc(x, y, r, 0, 2 * Math.PI);
}

function drawBar(context, stage, sign, share) {
  const edge = stage.bars.get(sign.key);
  const state = stage.states.get(edge.id);
  const dim = state === "dim" ? 0.15 : 1;
  const color = edge.change ? stage.theme.change[edge.change] : stage.theme.own;
  context.strokeStyle = fade(color, share * dim);
  context.lineWidth = (state === "strong" ? 0.32 : 0.2) * sign.radius;
  context.lineCap = "round";
  context.beginPath();
  context.moveTo(sign.x - 0.4 * sign.radius, sign.y);
  context.lineTo(sign.x + 0.4 * sign.radius, sign.y);
  context.stroke();
  context.lineCap = "butt";
  if (stage.view.markCauses && edge.hidden_cause) drawRing(context, sign, 0.24 * sign.radius, color, share * dim, stage.theme);
}
