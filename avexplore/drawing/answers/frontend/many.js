// One query's content, as view.js takes it, out of what is known of many queries: see `many` in payload.py.

export function contentOf(all, clip, direction) {
  const asked = all.asked[direction][all.queries.indexOf(clip)];
  const side = direction === "audio-to-visual" ? 2 : 1;
  const lists = all.names.map((title, when) => ({
    title,
    note: asked.note[when],
    answers: asked.order[when].map((row, place) => {
      const known = all.clips[row], other = asked.other[when][place];
      return {
        clip: row,
        id: known.id + (row === clip ? " · the query's other half" : ""),
        title: all.classes[known.class],
        kind: all.kinds[asked.kind[when][place]].name,
        rank: place + 1,
        other,
        otherWords: other.toLocaleString("en"),
        similarity: asked.cosine[when][place],
        softness: `Soft labels, ${side === 2 ? "visual" : "audio"}: ${known.soft.map((line) => `${line[0]} ${line[side].toFixed(2)}`).join(", ")}`,
        media: null,
        picture: "",
        bars: known.soft.map((line, i) => ({ value: line[side], own: known.own[i] })),
      };
    }),
  }));
  const shown = new Set(asked.kind.flat());
  return { after: all.after, lists, kinds: all.kinds.map((kind, i) => ({ ...kind, shown: shown.has(i) })), stamp: `${clip}-${direction}`, chosen: null };
}
