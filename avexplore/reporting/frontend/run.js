// Mounts the front ends of the app, each in a shadow of its own, on data that the page carries. Nothing is requested.
(async () => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const load = (source) => import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));

  function shadow(id, { html, css }, more = "") {
    const root = document.getElementById(id).attachShadow({ mode: "open" });
    root.innerHTML = `<style>${css}${more}</style>${html}`;
    return root;
  }

  // --- class graph ---
  const { graph } = data.sources;
  // Rules and their undoing belong to a search, and there is none here.
  const graphRoot = shadow("graph", graph, '.menu, .icon[title^="Undo"], .icon[title="Redo"] { display: none !important; }');
  graphRoot.addEventListener("contextmenu", (event) => event.stopPropagation(), true);
  await load(graph.loader);
  const drawGraph = (await load(graph.js)).default;
  const drawn = drawGraph({ parentElement: graphRoot, data: data.graph, setStateValue() {}, setTriggerValue() {} });

  // --- ranked lists ---
  const { answers } = data.sources;
  const drawBoard = (await load(answers.js)).default;
  const { contentOf } = await load(answers.many);
  const boardRoot = shadow("answers", answers);
  const query = document.getElementById("query"), direction = document.getElementById("direction");
  const all = data.answers;
  const named = (row) => `${all.classes[all.clips[row].class]}: ${all.clips[row].id}`;
  const order = [...all.queries].sort((a, b) => all.clips[a].class - all.clips[b].class || a - b);
  query.append(...order.map((row) => new Option(named(row), row)));

  // --- maps ---
  const { maps } = data.sources;
  const drawMaps = (await load(maps.js)).default;
  const mapsRoot = shadow("maps", maps);
  const packed = Uint8Array.from(atob(data.maps), (sign) => sign.charCodeAt(0));
  let turn = 0;

  function withPick(point) {
    const length = new DataView(packed.buffer).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(packed.subarray(4, 4 + length)));
    let text = new TextEncoder().encode(JSON.stringify({ ...head, picked: point, turn }));
    const padded = Math.ceil((4 + text.length) / 4) * 4 - 4;
    const made = new Uint8Array(4 + padded + packed.length - 4 - length).fill(32);
    new DataView(made.buffer).setUint32(0, padded, true);
    made.set(text, 4);
    made.set(packed.subarray(4 + length), 4 + padded);
    return made;
  }

  function showMaps(point) {
    const setStateValue = (name, value) => {
      if (name !== "picked" || !value || value.point === null || value.point === undefined) return;
      turn = value.turn;
      const count = data.mapRows.length, row = data.mapRows[value.point % count];
      if (!all.queries.includes(row)) return;
      query.value = row;
      direction.value = value.point < count ? "audio-to-visual" : "visual-to-audio";
      showLists();
    };
    drawMaps({ parentElement: mapsRoot, data: withPick(point), setStateValue });
  }

  function showLists() {
    drawBoard({ parentElement: boardRoot, data: contentOf(all, Number(query.value), direction.value), setStateValue() {} });
  }

  function ask() {
    showLists();
    const place = data.mapRows.indexOf(Number(query.value));
    turn += 1;
    showMaps(place < 0 ? -1 : place + (direction.value === "audio-to-visual" ? 0 : data.mapRows.length));
  }
  query.onchange = direction.onchange = ask;
  query.value = data.first.clip;
  direction.value = data.first.direction;
  ask();
  await drawn;
  document.documentElement.dataset.ready = "true";
})();
