// What Streamlit's players lack: a segment begins and ends at its own fraction of a second, one player at a time is
// heard, and a file that this browser does not play is said to be one.
const AT_THE_END = 0.3;
const TRIES = 3;

export default function ({ parentElement, data }) {
  const root = parentElement.getRootNode();
  const block = (root.host ?? parentElement).closest('[data-testid="stVerticalBlock"]');
  const said = parentElement.querySelector("p"), picture = parentElement.querySelector("img");
  const find = () => block.querySelector("audio, video");
  const stop = new AbortController();
  const on = (event, act) => block.addEventListener(event, (met) => act(met.target), { capture: true, signal: stop.signal });
  const end = data.end ?? Infinity;
  let last = 0, tries = 0;

  const seek = (player) => {
    last = player.currentTime = data.start;
  };
  // Streamlit goes to the beginning of the file at the same event.
  const begin = (player) => setTimeout(() => seek(player));
  const watch = (player) => {
    if (player.paused) return;
    if (last < end && player.currentTime >= end) player.pause();
    last = player.currentTime;
    requestAnimationFrame(() => watch(player));
  };
  const say = (player, words) => {
    const isDead = words === data.unplayed;
    player.style.display = isDead ? "none" : "";
    said.textContent = words;
    picture.hidden = !isDead || !data.poster;
    if (!picture.hidden) picture.src = data.poster;
  };
  const judge = (player) => {
    if (!player.error) {
      say(player, player.tagName === "VIDEO" && player.readyState && !player.videoWidth ? data.unseen : "");
      return;
    }
    say(player, data.unplayed);
    // While a page is drawn anew, the server may not know the file for a moment.
    if (tries++ < TRIES) setTimeout(() => stop.signal.aborted || player.load(), 1000);
  };

  on("loadedmetadata", (player) => { begin(player); judge(player); });
  on("canplay", (player) => { if (player.paused && !player.currentTime && data.start) seek(player); });
  on("error", judge);
  on("play", (player) => {
    for (const other of document.querySelectorAll("audio, video")) if (other !== player) other.pause();
    if (Math.abs(player.currentTime - end) < AT_THE_END) seek(player);
    watch(player);
  });
  const player = find();
  if (player) {
    judge(player);
    if (player.readyState && player.paused) seek(player);
  }
  return () => stop.abort();
}
