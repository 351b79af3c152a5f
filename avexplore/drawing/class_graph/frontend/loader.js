// Mounted once per tab: carries vis-network and the modules of this folder, so that the messages of a slider step
// carry data only. SOURCES is filled in by Python: vis-network, then our modules in one.
const SOURCES = /*SOURCES*/ [];

function load() {
  const modules = SOURCES.map((source) => import(URL.createObjectURL(new Blob([source], { type: "text/javascript" }))));
  return Promise.all(modules).then(([vis, ours]) => (args) => ours.default(vis.default, args));
}

globalThis.avexploreGraphView ??= { waiting: [] };
if (!globalThis.avexploreGraphView.ready) {
  globalThis.avexploreGraphView.ready = load();
  globalThis.avexploreGraphView.waiting.forEach((resolve) => resolve(globalThis.avexploreGraphView.ready));
}

export default function () {}
