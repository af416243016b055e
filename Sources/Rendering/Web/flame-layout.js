/*
 * What the flame graphs of SVG files and of pages share: which frames a view shows and where they are, how a name is cut
 * to the width of its frame, and how a search is read. It stands before flame-graph.js and before report.js. Pictures
 * without scripts are laid out by FlameGraphLayout.swift.
 *
 * This file must contain neither "]]>" nor "</", which end the sections that it is embedded in.
 */
// A tree is arrays by node, depth first, a caller before its callees: `parent` (-1 for the root), `depth`, `start` and
// `total`. Widths are in pixels; frames narrower than `least` are left out, with all that they call.
class FlameLayout {
  constructor(tree, width, least) {
    Object.assign(this, { tree, width, least, zoomed: 0 });
    // The node after the last one that each node calls.
    this.end = tree.parent.map((parent, node) => node + 1);
    for (let node = this.end.length - 1; node > 0; node--) {
      const parent = tree.parent[node];
      this.end[parent] = Math.max(this.end[parent], this.end[node]);
    }
  }

  // The left edge and the width of a frame in the zoomed one.
  x(node) { return (this.tree.start[node] - this.tree.start[this.zoomed]) * this.width / this.tree.total[this.zoomed]; }
  size(node) { return this.tree.total[node] * this.width / this.tree.total[this.zoomed]; }

  // Callers of the zoomed frame are as wide as the view.
  isCaller(node) { return node < this.zoomed; }

  // The callers of the zoomed frame, the frame itself, and what is wide enough in it.
  shown() {
    const { tree, zoomed, end } = this, nodes = [];
    for (let node = tree.parent[zoomed]; node >= 0; node = tree.parent[node]) nodes.unshift(node);
    for (let node = zoomed; node < end[zoomed]; ) {
      const isShown = this.size(node) >= this.least;
      if (isShown) nodes.push(node);
      node = isShown ? node + 1 : end[node];
    }
    return nodes;
  }

  deepest(nodes) { return nodes.reduce((deepest, node) => Math.max(deepest, this.tree.depth[node]), 0); }

  // The frame at a place of the view, -1 for none.
  at(x, depth) {
    const { tree, end } = this;
    let node = this.zoomed;
    if (x < 0 || x >= this.width || depth < 0 || !(this.size(node) >= this.least)) return -1;
    while (tree.depth[node] > depth) node = tree.parent[node];
    while (tree.depth[node] < depth) {
      const last = end[node++];
      while (node < last && this.x(node) + this.size(node) <= x) node = end[node];
      if (node === last || this.x(node) > x || this.size(node) < this.least) return -1;
    }
    return node;
  }
}

function grouped(count) {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

// How many columns of a fixed-width font a character takes.
function cells(character) {
  const code = character.codePointAt(0);
  if (code < 0x300) return 1;
  if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) return 0;
  return /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u
    .test(character) ? 2 : 1;
}

// A name in so many columns; nothing where there is hardly room.
function shortened(text, room) {
  let used = 0, short = "";
  if (room < 3) return "";
  const characters = Array.from(text);
  if (characters.reduce((sum, character) => sum + cells(character), 0) <= room) return text;
  for (const character of characters) {
    used += cells(character);
    if (used > room - 1) break;
    short += character;
  }
  return short + "\u2026";
}

// A regular expression; what is none is searched for as it is.
function searchPattern(text) {
  try {
    return new RegExp(text);
  } catch (error) {
    return new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  }
}
