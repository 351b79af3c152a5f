// One frame of the picture, from the ground up: groups, links, signs, names.

import { drawCables, strandOf } from "./cables.js";
import { drawGrounds, drawRibbons, drawTitles, placeTitles } from "./groups.js";
import { drawBadge, drawLabels, drawNames, placeNames } from "./labels.js";
import { meet } from "./geometry.js";
import { strength } from "./look.js";
import { percent } from "./narrate.js";
import { drawSigns } from "./signs.js";

const LEAVING = 0.35; // opacity of a link whose other end is out of sight
const WITHIN = 0.55; // of the links within a group that is seen from afar

export function paint(context, stage) {
  if (!stage.data || !stage.looks) return;
  const { classes } = stage.data;
  if (classes) drawGrounds(context, stage);
  if (classes && !stage.areNamed) fromAfar(context, stage);
  else fromNear(context, stage);
  drawBadges(context, stage);
}

function fromNear(context, stage) {
  const { classes } = stage.data;
  const sight = stage.sight();
  drawCables(context, stage, (cable) => {
    if (!meet(cable.box, sight)) return 0;
    if (!classes || stage.isWhole) return 1;
    const [a, b] = [meet(cable.a.body, sight), meet(cable.b.body, sight)];
    return a && b ? 1 : a || b ? LEAVING : 0;
  });
  drawSigns(context, stage);
  if (!classes) return drawLabels(context, stage);
  drawTitles(context, stage, true, placeTitles(stage, true));
  return drawNames(context, stage, placeNames(stage, true));
}

function fromAfar(context, stage) {
  const asked = (cable) => cable.strands.some(({ edge }) => stage.states.get(edge.id) === "strong");
  const marked = stage.cables.some(asked);
  if (!marked) drawRibbons(context, stage);
  drawCables(context, stage, (cable) => (cable.a.group === cable.b.group && !asked(cable) ? (marked ? 0.25 : WITHIN) : 0), false);
  drawCables(context, stage, (cable) => (asked(cable) ? 1 : 0));
  const names = placeNames(stage, false);
  const titles = placeTitles(stage, false, names.map(({ box }) => box));
  drawSigns(context, stage, 0.8, titles.map(({ box }) => box)); // no dots under letters
  drawTitles(context, stage, false, titles);
  drawNames(context, stage, names);
}

function drawBadges(context, stage) {
  for (const edge of stage.visible) {
    const isAsked = edge.id === stage.view.selection?.id || edge.id === stage.hovered;
    const text = edge.type === "forbidden" ? "✕" : edge.knowledge === "required" ? "✓" : isAsked && edge.frequency !== null ? percent(strength(edge)) : "";
    if (!text || (!stage.areNamed && !isAsked)) continue;
    const points = strandOf(stage, edge.id);
    if (points?.length) drawBadge(context, stage, points, text, edge.type === "forbidden" ? stage.theme.forbidden : stage.theme.text);
  }
}
