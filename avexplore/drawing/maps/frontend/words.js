// What is said in words: captions, status, and what a point is.

const MARK = ["●", "■"], WORD = ["heard", "seen"];

export function classOf(maps, i) {
  const seen = i < maps.head.clips ? 0 : 1;
  return `${MARK[seen]} ${WORD[seen]} · annotated: ${maps.classes.entries[maps.classes.code[i]].name}`;
}

// A clip's class, and its name where that says something, else its number.
export function titleOf({ head, classes, rowOf }, clip) {
  return `${classes.entries[classes.code[clip]].name}, ${head.said[clip] || `clip ${rowOf[clip]}`}`;
}

const number = (value) => value.toLocaleString("en");

export function statusOf(maps) {
  const { head, count, clips, isNarrowed, picked } = maps;
  if (picked >= 0) return `${titleOf(maps, picked % head.clips)}, ${WORD[picked < head.clips ? 0 : 1]}: what the teacher says and its neighbors stand below. Arrow keys go on, Esc clears.`;
  if (!isNarrowed) return `${number(head.clips)} clips, each once as heard (●) and once as seen (■). Drag to lasso, click a point for its clip, Ctrl + wheel to zoom.`;
  return `${number(count)} points of ${number(clips)} clips chosen. Shift + drag adds, Alt + drag takes away, Esc clears.`;
}

// Left and right words above a pane.
export function captionOf(maps, k) {
  const { head, morph, panes } = maps;
  if (k === 0 && morph > 0) return [`${Math.round(100 * morph)} % of the way to ${head.panes[1].replace("With", "with")}`, ""];
  return [head.panes[k], panes[k].raster.isDensity ? `${head.notes[k]} · density, zoom in for points` : head.notes[k]];
}
