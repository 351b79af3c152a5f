// Two ranked lists and the moves between them. Everything shown is set as text; a click tells Python the clip.
const boards = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  let board = boards.get(parentElement);
  if (!board) {
    board = new Board(parentElement);
    boards.set(parentElement, board);
  }
  board.tell = setStateValue;
  board.show(data);
}

function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

class Board {
  constructor(root) {
    this.root = root;
    this.svg = root.querySelector("svg");
    this.lists = [...root.querySelectorAll("ol")];
    new ResizeObserver(() => this.lines()).observe(root.querySelector(".board"));
  }

  show(data) {
    const dark = this.isDark(), stamp = data.stamp + dark;
    // The same lists again are an answer to a click that this board has marked already, or to an earlier one.
    if (this.stamp === stamp) return;
    const again = this.data?.stamp === data.stamp;
    this.stamp = stamp;
    this.data = data;
    this.root.querySelector(".board").classList.toggle("compact", Boolean(data.isCompact));
    this.color = Object.fromEntries(data.kinds.map((kind) => [kind.name, kind.colors[dark ? 1 : 0]]));
    this.sign = Object.fromEntries(data.kinds.map((kind) => [kind.name, kind.sign]));
    this.word = Object.fromEntries(data.kinds.map((kind) => [kind.name, kind.word]));
    this.cards = [new Map(), new Map()];
    data.lists.forEach((list, side) => {
      const heading = this.root.querySelectorAll("h3")[side];
      heading.replaceChildren(element("span", "", list.title), element("span", "", list.note));
      this.lists[side].replaceChildren(...list.answers.map((answer) => {
        const item = element("li");
        item.append(this.card(answer, side));
        return item;
      }));
    });
    this.root.querySelector(".key").replaceChildren(...data.kinds.filter((kind) => kind.shown).map((kind) => {
      const item = element("li"), sign = element("b", "", kind.sign);
      sign.style.color = this.color[kind.name];
      item.append(sign, kind.explained);
      return item;
    }), ...this.signs().map(([sign, words]) => {
      const item = element("li");
      item.append(element("b", "", sign), words);
      return item;
    }));
    this.mark(again ? this.chosen : data.chosen);
    requestAnimationFrame(() => this.lines());
  }

  // What the small signs at the end of a card say.
  signs() {
    const answers = this.data.lists.flatMap((list) => list.answers);
    const { after } = this.data;
    const found = [["→ 6", `rank 6 ${after}`], ["↑ 6", `6 ranks higher ${after}, ↓ lower`]];
    if (answers.some((answer) => answer.bars.some((bar) => bar.own))) found.push(["▂▆", "soft labels of a few classes, that of the annotated one in blue"]);
    return found;
  }

  card(answer, side) {
    const card = element("button", "card");
    card.type = "button";
    card.dataset.clip = answer.clip;
    const sign = element("span", "mark", this.sign[answer.kind]);
    sign.style.color = this.color[answer.kind];
    const words = element("span", "words");
    words.append(element("b", "", answer.title), this.small(answer));
    const end = element("span", "end"), bars = element("span", "bars");
    bars.title = answer.softness;
    for (const bar of answer.bars) {
      const column = element("i", bar.own ? "own" : "");
      column.style.height = `${Math.round(100 * bar.value)}%`;
      bars.append(column);
    }
    const moved = answer.other === null ? null : answer.other - answer.rank;
    const text = moved === null ? `${side ? "from" : "to"} ${answer.otherWords}` : moved === 0 ? "=" : side
      ? `${moved > 0 ? "↑" : "↓"} ${Math.abs(moved).toLocaleString("en")}` : `→ ${answer.otherWords}`;
    end.append(bars, element("em", "", text));
    card.append(element("span", "rank", answer.rank), sign, words, ...this.media(answer), end);
    card.title = `${answer.title}, ${answer.id}: rank ${answer.rank}, cosine ${answer.similarity.toFixed(3)}; rank ${answer.otherWords} in the other list`;
    card.setAttribute("aria-label", `Rank ${answer.rank}: ${answer.title}, ${this.word[answer.kind]}`);
    card.onclick = () => {
      const chosen = this.chosen === answer.clip ? null : answer.clip;
      this.mark(chosen);
      this.tell("answer", chosen);
    };
    card.onpointerenter = card.onfocus = () => this.glow(answer.clip);
    card.onpointerleave = card.onblur = () => this.glow(null);
    this.cards[side].set(answer.clip, card);
    return card;
  }

  // Breaks between what an answer is and which clip, not within "clip 12".
  small(answer) {
    const small = element("small");
    small.append(element("span", "", this.word[answer.kind]), element("span", "id", ` · ${answer.id}`));
    return small;
  }

  media(answer) {
    if (!answer.media) return [];
    const sign = element("span", "media");
    const badge = { video: "▶", sound: "♪", picture: "" }[answer.media];
    // Beside the picture, not on it; an empty one keeps the pictures of a list below each other.
    sign.append(element("i", "", badge));
    if (answer.picture.startsWith("data:image/jpeg;base64,")) {
      const picture = element("img");
      picture.src = answer.picture;
      picture.alt = "";
      sign.prepend(picture);
    }
    return [sign];
  }

  mark(clip) {
    this.chosen = clip;
    for (const cards of this.cards) for (const [own, card] of cards) card.setAttribute("aria-pressed", String(own === clip));
    this.glow(null);
  }

  glow(clip) {
    const lit = clip ?? this.chosen;
    for (const cards of this.cards) for (const [own, card] of cards) card.classList.toggle("lit", own === clip);
    for (const path of this.svg.querySelectorAll("path")) path.classList.toggle("lit", Number(path.dataset.clip) === lit);
  }

  lines() {
    if (!this.data || !this.cards) return;
    const frame = this.svg.getBoundingClientRect();
    if (!frame.width) return;
    const middle = (card) => { const box = card.getBoundingClientRect(); return box.top + box.height / 2 - frame.top; };
    // What leaves a list goes out below its last card.
    const last = Math.max(...this.cards.flatMap((cards) => [...cards.values()].map((card) => middle(card) + card.offsetHeight / 2 + 16)), 0);
    const paths = [];
    const clips = new Set([...this.cards[0].keys(), ...this.cards[1].keys()]);
    for (const clip of clips) {
      const left = this.cards[0].get(clip), right = this.cards[1].get(clip);
      const from = left ? middle(left) : last, to = right ? middle(right) : last, w = frame.width;
      const answer = this.data.lists.flatMap((list) => list.answers).find((each) => each.clip === clip);
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", `M 2 ${from} C ${w * .5} ${from}, ${w * .5} ${to}, ${w - 2} ${to}`);
      path.style.stroke = this.color[answer.kind];
      if (!left || !right) path.style.strokeDasharray = "4 4";
      path.dataset.clip = clip;
      paths.push(path);
    }
    this.svg.replaceChildren(...paths);
    this.glow(null);
  }

  isDark() {
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = getComputedStyle(this.root.querySelector(".board")).getPropertyValue("--st-background-color").trim() || "#fff";
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    return r + g + b < 384;
  }
}
