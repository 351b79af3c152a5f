// Which points are chosen: those that pass every facet and, if something was drawn around, lie within. A facet with
// nothing switched on lets everything pass. A facet's own bars count what all the others let pass.

// One bit per facet that a point fails; the last bit is of what was drawn around. At most 31 facets.
function failures(maps) {
  const { points, facets, filter, selected } = maps, fails = new Uint32Array(points);
  facets.forEach((facet, f) => {
    const on = filter.get(facet.name);
    if (!on?.size) return;
    const stops = facet.entries.map((_, code) => (on.has(code) ? 0 : 1 << f)), { code } = facet;
    for (let i = 0; i < points; i++) fails[i] |= stops[code[i]];
  });
  if (selected) for (let i = 0; i < points; i++) if (!selected[i]) fails[i] |= 1 << 30;
  return fails;
}

// `chosen` per point, how many points and clips that are, and per facet how many points of each entry.
export function crossfilter(maps) {
  const { points, facets, head } = maps, half = head.clips;
  const fails = failures(maps), chosen = new Uint8Array(points);
  let count = 0, clips = 0;
  for (let i = 0; i < points; i++) if (fails[i] === 0) { chosen[i] = 1; count++; }
  for (let i = 0; i < half; i++) if (chosen[i] || chosen[i + half]) clips++;
  const counts = facets.map((facet, f) => {
    const found = new Uint32Array(facet.entries.length), rest = ~(1 << f), { code } = facet;
    for (let i = 0; i < points; i++) if ((fails[i] & rest) === 0) found[code[i]]++;
    return found;
  });
  return { chosen, count, clips, counts };
}

// As Python and the address have it: codes by facet, without empty ones.
export function plainFilter(filter) {
  return Object.fromEntries([...filter].filter(([, on]) => on.size).map(([name, on]) => [name, [...on].sort((a, b) => a - b)]));
}
