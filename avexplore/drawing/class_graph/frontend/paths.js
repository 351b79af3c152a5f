// Questions about the visible edges: who is near, and how does one get from here to there.
// An edge is { id, from, to, directed }; an undirected one may be followed either way.

function steps(edges, directed) {
  const next = new Map();
  const add = (from, to, id) => {
    if (!next.has(from)) next.set(from, []);
    next.get(from).push([to, id]);
  };
  for (const edge of edges) {
    add(edge.from, edge.to, edge.id);
    if (!directed || !edge.directed) add(edge.to, edge.from, edge.id);
  }
  return next;
}

export function within(edges, start, hops) {
  const next = steps(edges, false);
  const found = new Set([start]);
  let frontier = [start];
  for (let hop = 0; hop < hops; hop++) {
    const further = [];
    for (const node of frontier) {
      for (const [other] of next.get(node) ?? []) {
        if (!found.has(other)) {
          found.add(other);
          further.push(other);
        }
      }
    }
    frontier = further;
  }
  return found;
}

function reachable(next, start) {
  const found = new Set([start]);
  const open = [start];
  while (open.length) {
    for (const [other] of next.get(open.pop()) ?? []) {
      if (!found.has(other)) {
        found.add(other);
        open.push(other);
      }
    }
  }
  return found;
}

function shortest(next, start, goal) {
  const from = new Map([[start, null]]);
  let frontier = [start];
  while (frontier.length && !from.has(goal)) {
    const further = [];
    for (const node of frontier) {
      for (const [other, id] of next.get(node) ?? []) {
        if (!from.has(other)) {
          from.set(other, [node, id]);
          further.push(other);
        }
      }
    }
    frontier = further;
  }
  const nodes = new Set();
  const used = new Set();
  if (from.has(goal)) {
    for (let node = goal; node !== null; node = from.get(node)?.[0] ?? null) {
      nodes.add(node);
      if (from.get(node)) used.add(from.get(node)[1]);
    }
  }
  return { nodes, edges: used };
}

// All edges on directed ways from start to goal; failing that the other way round; failing that the shortest
// connection whatever the arrows say.
export function between(edges, start, goal) {
  const forward = steps(edges, true);
  const backward = steps(edges.map((e) => ({ ...e, from: e.to, to: e.from })), true);
  for (const [a, b, kind] of [[start, goal, "directed"], [goal, start, "opposite"]]) {
    const after = reachable(forward, a);
    if (!after.has(b)) continue;
    const before = reachable(backward, b);
    const nodes = new Set([...after].filter((node) => before.has(node)));
    const used = new Set();
    for (const edge of edges) if (nodes.has(edge.from) && nodes.has(edge.to)) used.add(edge.id);
    return { kind, nodes, edges: used };
  }
  const way = shortest(steps(edges, false), start, goal);
  return { kind: way.nodes.size ? "undirected" : "none", ...way };
}
