/*
 * Zoom, search and details of a flame graph in an SVG file. Without scripts the picture is complete.
 *
 * SVG.swift writes flame-layout.js and these constants before this script: UP (1: callees above their callers, -1:
 * below), CELL, ROW, ROWS, TOP, BASE, LEFT and INNER (lengths, see FlameDrawing.swift), UNIT, and DATA (see
 * FlameData.swift). This file must not contain "]]>", which ends the section that it is embedded in.
 *
 * The frames of the still picture stay as they are until the user zooms. A zoomed view is drawn from DATA: every frame
 * that is at least 1.5 pixels wide. Most of these frames have no room for a name. All frames of one color without a name
 * are one path: a browser draws this in a tenth of the time of one element a frame. The pointer's position tells which
 * frame of a path it is on; a frame gets an element of its own, on top, once the pointer or a key reaches it.
 */
(function () {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg", LEAST = 1.5, NAMED = 6 + 3 * CELL;
  const own = document.currentScript;
  const svg = (own && own.ownerSVGElement) || document.documentElement;
  const find = (selector) => svg.querySelector(selector);
  const reset = find(".reset"), search = find(".search"), matched = find(".matched"), details = find(".details");
  const still = find(".frames"), head = find(".head"), foot = find(".foot");
  const height = +svg.getAttribute("height"), width = INNER;
  let tree = null, layout = null, view = still, wanted = "", matches = null, focused = null, stretched = 0;
  // Of the view, the element of each node that has one. `node` of such an element and `nodes` of a view lead back.
  const elements = new Map();

  const ready = (async () => {
    const packed = Uint8Array.from(atob(DATA), (character) => character.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return decode(new Uint8Array(await new Response(stream).arrayBuffer()));
  })();

  function decode(bytes) {
    let at = 0;
    const number = () => {
      let value = 0, scale = 1, byte;
      do {
        byte = bytes[at++];
        value += (byte & 127) * scale;
        scale *= 128;
      } while (byte > 127);
      return value;
    };
    const labelsEnd = number() + at;
    const labels = new TextDecoder().decode(bytes.subarray(at, labelsEnd)).split("\n");
    labels.pop();
    at = labelsEnd;
    const parent = [], depth = [], start = [], total = [], self = [], label = [];
    const open = [], next = [];
    still.nodes = [];
    while (at < bytes.length) {
      for (let rise = number(); rise > 0; rise--) open.pop(), next.pop();
      const node = parent.length, above = open.length;
      parent.push(above ? open[above - 1] : -1);
      depth.push(above);
      start.push(number() + (above ? next[above - 1] : 0));
      total.push(number());
      self.push(number());
      const code = number();
      label.push(code >> 1);
      if (code & 1) still.nodes.push(node);
      if (above) next[above - 1] = start[node] + total[node];
      open.push(node);
      next.push(start[node]);
    }
    const fields = labels.map((text) => text.split("\0"));
    return { parent, depth, start, total, self, label, fields };
  }

  function attach(decoded) {
    tree = decoded;
    layout = new FlameLayout(tree, width, LEAST);
    let next = 0;
    for (const element of still.children) element.node = still.nodes[next++];
    adopt();
    svg.classList.add("on");
    const root = elements.get(0);
    if (root) hold(root, false);
    follow();
  }

  function adopt() {
    elements.clear();
    for (const element of view.children) if (element.node !== undefined) elements.set(element.node, element);
  }

  const y = (depth) => UP > 0 ? BASE - depth * ROW : TOP + depth * ROW;
  const x = (node) => LEFT + layout.x(node);
  const size = (node) => layout.size(node);
  const name = (node) => tree.fields[tree.label[node]][1];
  const share = (part) => (100 * part / tree.total[0]).toFixed(2) + " %";

  function tip(node) {
    const [, text, module, place] = tree.fields[tree.label[node]];
    const counts = [grouped(tree.total[node]) + " " + UNIT, share(tree.total[node])];
    if (tree.self[node]) counts.push("self " + share(tree.self[node]));
    const where = [module, place].filter(Boolean);
    return [text, counts.join(", ")].concat(where.length ? [where.join(", ")] : []).join("\n");
  }

  const escaped = (text) => text.replace(/[&<>]/g, (mark) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[mark]);

  // Markup, which browsers make thousands of elements of faster than one by one. Names are escaped; all else is ours.
  function markup(node, left, size, isFaded) {
    const top = y(tree.depth[node]), text = shortened(name(node), Math.floor((size - 6) / CELL));
    const style = ' class="' + tree.fields[tree.label[node]][0] + (isFaded ? " faded" : "") + '"';
    const box = '<rect x="' + left.toFixed(1) + '" y="' + top + '" width="' + size.toFixed(1) + '" height="' + (ROW - 1) + '"';
    if (!text) return box + style + "/>";
    return "<g" + style + ">" + box + '/><text x="' + (left + 3).toFixed(1) + '" y="' + (top + 12) + '">' + escaped(text) + "</text></g>";
  }

  function outline(node) {
    const across = size(node).toFixed(1);
    return "M" + x(node).toFixed(1) + " " + y(tree.depth[node]) + "h" + across + "v" + (ROW - 1) + "h-" + across + "z";
  }

  function draw() {
    const made = document.createElementNS(SVG, "g"), parts = [], named = [], outlines = new Map();
    made.setAttribute("class", "frames");
    made.nodes = layout.shown();
    for (const node of made.nodes) {
      const isAbove = layout.isCaller(node), style = tree.fields[tree.label[node]][0];
      if (!isAbove && size(node) < NAMED) outlines.set(style, (outlines.get(style) || "") + outline(node));
      else {
        named.push(node);
        parts.push(isAbove ? markup(node, LEFT, width, true) : markup(node, x(node), size(node), false));
      }
    }
    for (const [style, path] of outlines) parts.push('<path class="' + style + '" d="' + path + '"/>');
    made.innerHTML = parts.join("") + '<path class="match"/>';
    let element = made.firstElementChild;
    for (const node of named) {
      element.node = node;
      element = element.nextElementSibling;
    }
    stretch(layout.deepest(made.nodes));
    return made;
  }

  // The element of a node of the view.
  function elementOf(node) {
    if (!elements.has(node)) {
      view.insertAdjacentHTML("beforeend", markup(node, x(node), size(node), false));
      const element = view.lastElementChild;
      element.node = node;
      element.classList.toggle("match", !!matches && matches(node));
      elements.set(node, element);
    }
    return elements.get(node);
  }

  // The element of the frame at a place of a zoomed view, if there is one.
  function elementAt(event) {
    if (!layout || !layout.zoomed) return null;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const node = layout.at(at.x - LEFT, UP > 0 ? Math.ceil((BASE - at.y) / ROW) : Math.floor((at.y - TOP) / ROW));
    return node < 0 ? null : elementOf(node);
  }

  function stretch(deepest) {
    // What lies deeper than the picture is high makes it higher.
    const more = Math.max(0, deepest + 1 - ROWS) * ROW;
    if (more === stretched) return;
    stretched = more;
    head.setAttribute("transform", "translate(0," + (UP > 0 ? -more : 0) + ")");
    foot.setAttribute("transform", "translate(0," + (UP > 0 ? 0 : more) + ")");
    svg.setAttribute("viewBox", "0 " + (UP > 0 ? -more : 0) + " " + svg.getAttribute("width") + " " + (height + more));
    svg.setAttribute("height", height + more);
  }

  function zoom(node) {
    const old = view;
    layout.zoomed = node;
    if (!node) stretch(0);
    view = node ? draw() : still;
    adopt();
    mark();
    if (view !== old) old.replaceWith(view);
    reset.classList.toggle("off", !node);
    hold(elements.get(node) || elements.get(0), false);
    remember();
  }

  function hold(g, isMoved) {
    if (focused) focused.setAttribute("tabindex", "-1");
    focused = g;
    g.setAttribute("tabindex", "0");
    if (isMoved) g.focus({ preventScroll: false });
  }

  function highlight(text) {
    wanted = text;
    matches = null;
    let sum = 0;
    if (text) {
      const expression = searchPattern(text), hits = tree.fields.map((field) => field[0][0] !== "a" && expression.test(field[1]));
      matches = (node) => hits[tree.label[node]];
      // A match within a match is counted with it.
      for (let node = 0; node < tree.label.length; ) {
        if (hits[tree.label[node]]) {
          sum += tree.total[node];
          node = layout.end[node];
        } else node++;
      }
    }
    mark();
    matched.textContent = text ? "Matched: " + share(sum) : "";
    search.textContent = text ? "Clear search" : "Search";
    search.classList.toggle("active", !!text);
    remember();
  }

  function mark() {
    for (const old of view.querySelectorAll(".match:not(path)")) old.classList.remove("match");
    if (matches) for (const [node, g] of elements) if (matches(node)) g.classList.add("match");
    const rest = view.querySelector("path.match");
    if (!rest) return;
    const found = matches ? view.nodes.filter((node) => matches(node) && !elements.has(node)) : [];
    rest.setAttribute("d", found.map(outline).join(""));
  }

  function ask() {
    const text = prompt("Functions to highlight (a regular expression)", wanted);
    if (text !== null) highlight(text);
  }

  // The next match in the view, or the one before.
  function step(isBack) {
    if (!matches) return;
    const found = view.nodes.filter(matches), from = focused ? found.indexOf(focused.node) : -1, count = found.length;
    if (!count) return;
    hold(elementOf(found[from < 0 ? (isBack ? count - 1 : 0) : (from + (isBack ? count - 1 : 1)) % count]), true);
  }

  function neighbor(node, key) {
    const caller = tree.parent[node];
    let best = key === "ArrowDown" ? caller : -1;
    if (key !== "ArrowDown") for (const other of view.nodes) {
      if (key === "ArrowUp" && tree.parent[other] === node) {
        if (best < 0 || tree.total[other] > tree.total[best]) best = other;
      } else if (key !== "ArrowUp" && tree.parent[other] === caller) {
        if (key === "ArrowRight" && other > node && best < 0) best = other;
        if (key === "ArrowLeft" && other < node) best = other;
      }
    }
    return best < 0 ? null : elementOf(best);
  }

  // The address reproduces the view. Where it can't be changed, as in some frames, nothing is lost but that.
  function remember() {
    const parts = [];
    if (layout.zoomed) parts.push("zoom=" + layout.zoomed);
    if (wanted) parts.push("search=" + encodeURIComponent(wanted));
    try {
      const address = location.href.split("#")[0] + (parts.length ? "#" + parts.join("&") : "");
      if (address !== location.href) history.replaceState(null, "", address);
    } catch (error) {}
  }

  function follow() {
    const state = new URLSearchParams(location.hash.slice(1)), node = Number(state.get("zoom"));
    const text = state.get("search") || "";
    if (text !== wanted) highlight(text);
    const target = Number.isInteger(node) && node > 0 && node < tree.total.length ? node : 0;
    if (target !== layout.zoomed) zoom(target);
  }

  const frameOf = (event) => {
    const g = event.target.closest && event.target.closest(".frames>*");
    return g && g.node !== undefined ? g : null;
  };
  const tell = (g) => {
    const text = tip(g.node);
    details.textContent = text.replace(/\n/g, ", ");
    let title = g.querySelector("title");
    if (!title) g.insertBefore(title = document.createElementNS(SVG, "title"), g.firstChild);
    title.textContent = text;
  };
  const onSearch = () => search.classList.contains("active") ? highlight("") : ask();
  svg.addEventListener("mouseover", (event) => { if (frameOf(event)) tell(frameOf(event)); });
  svg.addEventListener("focusin", (event) => { if (frameOf(event)) tell(frameOf(event)); });
  svg.addEventListener("mousemove", (event) => {
    if (event.target !== svg) return;
    const g = elementAt(event);
    if (g) tell(g);
    else details.textContent = "";
  });
  svg.addEventListener("mouseout", (event) => { if (frameOf(event)) details.textContent = ""; });
  svg.addEventListener("click", (event) => {
    const g = frameOf(event) || (event.target === svg ? elementAt(event) : null);
    if (g) zoom(g.node);
  });
  reset.addEventListener("click", () => zoom(0));
  search.addEventListener("click", onSearch);
  window.addEventListener("hashchange", () => { if (tree) follow(); });
  window.addEventListener("keydown", (event) => {
    if (!tree) return;
    const isCommand = event.ctrlKey || event.metaKey;
    if (event.key === "F3" || (event.key.toLowerCase() === "f" && isCommand)) {
      event.preventDefault();
      ask();
    } else if (event.key === "Escape") {
      if (wanted) highlight("");
      if (layout.zoomed) zoom(0);
    } else if ((event.key === "n" || event.key === "N") && !isCommand) {
      step(event.key === "N");
    } else if (event.key === "Enter") {
      if (event.target === reset) zoom(0);
      else if (event.target === search) onSearch();
      else if (frameOf(event)) {
        zoom(frameOf(event).node);
        focused.focus();
      }
    } else if (/^Arrow/.test(event.key) && frameOf(event)) {
      const key = UP > 0 ? event.key : { ArrowUp: "ArrowDown", ArrowDown: "ArrowUp" }[event.key] || event.key;
      const next = neighbor(frameOf(event).node, key);
      if (next) {
        event.preventDefault();
        hold(next, true);
      }
    }
  });
  // Browsers without this kind of decompression keep the still picture.
  ready.then(attach, () => {});
})();
