/*
 * The page of a report: flame graphs of parts of the profile, a table of functions, and strips of time.
 *
 * flame-layout.js stands before this script. Names reach the page as text content and canvas text only, never as
 * markup. This file must not contain "</", which ends the element that it is embedded in.
 */
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  const ROW = 18, LEAST = 0.5;
  const isDark = window.matchMedia("(prefers-color-scheme: dark)");
  const labels = data.labels.map(([style, name, module, place]) => ({ style, name, module, place }));
  const ALL = labels.push({ style: "a0", name: "all", module: "", place: "" }) - 1;
  const processLabels = new Map();
  for (const thread of data.threads) {
    if (!processLabels.has(thread[0]))
      processLabels.set(thread[0], labels.push({ style: "a3", name: thread[0], module: "", place: "" }) - 1);
  }
  const hasProcesses = data.has_threads;
  const state = { mode: "flame", inTime: data.has_times, thread: -1, span: null, search: "", focus: -1, sort: "own" };
  const paths = data.parent.map(() => null);
  function path(stack) {
    if (paths[stack]) return paths[stack];
    const made = [];
    for (let node = stack; node >= 0; node = data.parent[node]) made.push(data.label[node]);
    return paths[stack] = made.reverse();
  }
  function amount(weight) {
    if (!state.inTime) return grouped(weight) + " " + data.unit;
    if (weight < 1e3) return weight + " ns";
    if (weight < 1e6) return (weight / 1e3).toFixed(1) + " us";
    if (weight < 1e9) return (weight / 1e6).toFixed(1) + " ms";
    return (weight / 1e9).toFixed(2) + " s";
  }
  const percent = (part, whole) => (whole ? 100 * part / whole : 0).toFixed(2) + " %";

  // Which label sets have the chosen label, by number; null for all values.
  let chosenSets = null;

  // What each value weighs in the threads, the label and the span that are chosen.
  function weights() {
    const { thread, count, time_ns } = data.values, result = new Float64Array(count.length);
    if (state.span && data.timeline) {
      const { slot, value, count: counts } = data.timeline;
      for (let i = 0; i < slot.length; i++)
        if (slot[i] >= state.span[0] && slot[i] < state.span[1]) result[value[i]] += counts[i];
      if (state.inTime) for (let i = 0; i < result.length; i++) result[i] *= count[i] ? time_ns[i] / count[i] : 0;
    } else result.set(state.inTime ? time_ns : count);
    if (state.thread >= 0) for (let i = 0; i < result.length; i++) if (thread[i] !== state.thread) result[i] = 0;
    if (chosenSets) for (let i = 0; i < result.length; i++) if (!chosenSets[data.values.labels[i]]) result[i] = 0;
    return result;
  }

  // A tree that grows by stacks: {label, total, own, children}.
  function node(label) { return { label, total: 0, own: 0, children: null }; }
  function insert(root, labels, weight) {
    let at = root;
    at.total += weight;
    for (const label of labels) {
      at.children = at.children || new Map();
      let next = at.children.get(label);
      if (!next) at.children.set(label, next = node(label));
      next.total += weight;
      at = next;
    }
    at.own += weight;
  }
  function byName(a, b) {
    const [left, right] = [labels[a.label].name, labels[b.label].name];
    return left < right ? -1 : left > right ? 1 : a.label - b.label;
  }
  // The layout of a tree, siblings in the order of their names.
  function place(root) {
    const tree = { parent: [], depth: [], start: [], total: [], own: [], label: [] };
    const pending = [{ at: root, parent: -1, depth: 0, start: 0 }];
    while (pending.length) {
      const { at, parent, depth, start } = pending.pop(), index = tree.parent.length, callees = [];
      tree.parent.push(parent);
      tree.depth.push(depth);
      tree.start.push(start);
      tree.total.push(at.total);
      tree.own.push(at.own);
      tree.label.push(at.label);
      if (!at.children) continue;
      let next = start;
      for (const child of Array.from(at.children.values()).sort(byName)) {
        callees.push({ at: child, parent: index, depth: depth + 1, start: next });
        next += child.total;
      }
      while (callees.length) pending.push(callees.pop());
    }
    return new FlameLayout(tree, 0, LEAST);
  }

  let current = { own: [], total: [], sum: 0, layouts: [] };
  function compute() {
    const weight = weights(), own = new Map(), total = new Map();
    const trees = state.mode === "sandwich" ? [node(state.focus), node(state.focus)] : [node(ALL)];
    let sum = 0;
    for (let i = 0; i < weight.length; i++) {
      const w = weight[i];
      if (!w) continue;
      sum += w;
      const frames = path(data.values.stack[i]), leaf = frames[frames.length - 1];
      own.set(leaf, (own.get(leaf) || 0) + w);
      for (const label of new Set(frames)) total.set(label, (total.get(label) || 0) + w);
      const root = hasProcesses ? [processLabels.get(data.threads[data.values.thread[i]][0])] : [];
      if (state.mode === "sandwich") {
        // A recursion counts once: its outermost call has the callees, and the callers.
        const first = frames.indexOf(state.focus);
        if (first < 0) continue;
        insert(trees[0], root.concat(frames.slice(0, first)).reverse(), w);
        insert(trees[1], frames.slice(first + 1), w);
      } else if (state.mode === "reverse") insert(trees[0], frames.slice().reverse(), w);
      else insert(trees[0], root.concat(frames), w);
    }
    current = { own, total, sum, layouts: trees.map(place) };
    drawAll();
  }

  // A drawing of one tree on a canvas; from the bottom up or from the top down.
  const views = [];
  function color(style) {
    const colors = data.colors[isDark.matches ? "dark" : "light"];
    return colors[style[0]][+style[1]];
  }
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
  function draw(index) {
    const canvas = find(index ? "callees" : "graph"), layout = current.layouts[index];
    canvas.style.display = layout ? "" : "none";
    if (!layout) return;
    layout.width = canvas.parentElement.clientWidth;
    const isUp = state.mode === "flame" || (state.mode === "sandwich" && index === 0);
    const nodes = layout.shown(), height = Math.min(1200, layout.deepest(nodes) + 1) * ROW;
    views[index] = { layout, nodes, height, isUp };
    const ratio = window.devicePixelRatio || 1;
    canvas.width = layout.width * ratio;
    canvas.height = height * ratio;
    canvas.style.height = height + "px";
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    paint(pen, views[index]);
    const { tree, zoomed } = layout;
    const root = tree.total[0] ? labels[tree.label[zoomed]].name + ": " + amount(tree.total[zoomed]) : "nothing recorded";
    canvas.setAttribute("aria-label", "Flame graph, " + root);
  }
  function paint(pen, { layout, nodes, height, isUp }) {
    pen.font = '12px ui-monospace, "DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace';
    pen.textBaseline = "middle";
    const { tree, width } = layout;
    const cell = pen.measureText("0").width, hits = searchHits(), ink = css("--ink"), mark = css("--mark");
    for (const node of nodes) {
      const label = labels[tree.label[node]], isHit = hits && hits[tree.label[node]], isCaller = layout.isCaller(node);
      const x = isCaller ? 0 : layout.x(node), size = isCaller ? width : layout.size(node);
      const y = isUp ? height - (tree.depth[node] + 1) * ROW : tree.depth[node] * ROW;
      pen.globalAlpha = isCaller ? 0.5 : 1;
      pen.fillStyle = isHit ? mark : color(label.style);
      pen.fillRect(x, y, Math.max(0.4, size - 0.5), ROW - 1);
      const text = shortened(label.name, Math.floor((size - 6) / cell));
      if (!text) continue;
      pen.fillStyle = isHit ? "#fff" : ink;
      pen.fillText(text, x + 3, y + ROW / 2);
    }
  }
  function searchHits() {
    if (!state.search) return null;
    const pattern = searchPattern(state.search);
    return labels.map((label) => label.style[0] !== "a" && pattern.test(label.name));
  }
  function matchedShare() {
    const hits = searchHits();
    if (!hits) return "";
    const weight = weights();
    let sum = 0;
    // A stack with several matches counts once.
    for (let i = 0; i < weight.length; i++) if (weight[i] && path(data.values.stack[i]).some((label) => hits[label])) sum += weight[i];
    return "Matched: " + percent(sum, current.sum);
  }

  const tableBody = find("rows");
  function drawTable() {
    const hits = searchHits();
    const rows = Array.from(current.total.keys())
      .filter((label) => labels[label].style[0] !== "a" && (!hits || hits[label]))
      .map((label) => ({ label, own: current.own.get(label) || 0, total: current.total.get(label) }));
    const key = state.sort;
    rows.sort((a, b) => key === "name"
      ? (labels[a.label].name < labels[b.label].name ? -1 : 1)
      : b[key] - a[key] || b.own - a.own || b.total - a.total || a.label - b.label);
    tableBody.textContent = "";
    for (const row of rows.slice(0, 500)) {
      const tr = document.createElement("tr"), label = labels[row.label];
      const cells = [percent(row.own, current.sum), amount(row.own), percent(row.total, current.sum), amount(row.total), label.module, label.name];
      for (const text of cells) tr.appendChild(document.createElement("td")).textContent = text;
      tr.tabIndex = 0;
      tr.onclick = () => sandwich(row.label);
      tr.onkeydown = (event) => { if (event.key === "Enter") sandwich(row.label); };
      tableBody.appendChild(tr);
    }
    find("more").textContent = rows.length > 500 ? (rows.length - 500) + " more" : "";
    for (const button of document.querySelectorAll("th button"))
      button.parentElement.setAttribute("aria-sort", button.dataset.sort === key ? "descending" : "none");
  }
  function sandwich(label) {
    state.focus = label;
    setMode("sandwich");
    find("flame").scrollIntoView({ block: "nearest" });
  }

  function drawAll() {
    find("legend-callers").textContent = state.mode === "sandwich" ? "Callers of " + labels[state.focus].name + " above, what it calls below" : "";
    draw(0);
    draw(1);
    drawTable();
    find("matched").textContent = matchedShare();
    find("sum").textContent = amount(current.sum) + (state.span ? " in the chosen span" : "");
    find("reset").hidden = !current.layouts.some((layout) => layout.zoomed);
    drawStrips();
  }
  function setMode(mode) {
    if (mode === "sandwich" && state.focus < 0) {
      const hottest = Array.from(current.own).filter(([label]) => labels[label].style[0] !== "a").sort((a, b) => b[1] - a[1])[0];
      if (!hottest) return;
      state.focus = hottest[0];
    }
    state.mode = mode;
    for (const button of document.querySelectorAll("[data-mode]"))
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    compute();
  }

  // The view of a canvas and the node that the pointer is on, -1 for none.
  function pointed(index, event) {
    const frame = find(index ? "callees" : "graph").getBoundingClientRect(), { layout, height, isUp } = views[index];
    const x = event.clientX - frame.left, y = event.clientY - frame.top;
    return { layout, node: layout.at(x, isUp ? Math.ceil((height - y) / ROW) - 1 : Math.floor(y / ROW)) };
  }
  function tipText({ tree }, node) {
    const label = labels[tree.label[node]], total = tree.total[node], parent = tree.parent[node];
    const counts = [amount(total), percent(total, current.sum)];
    if (parent >= 0) counts.push(percent(total, tree.total[parent]) + " of the frame below it");
    if (tree.own[node]) counts.push("self " + percent(tree.own[node], current.sum));
    const where = [label.module, label.place].filter(Boolean).join(", ");
    return label.name + "\n" + counts.join(", ") + (where ? "\n" + where : "");
  }
  const tip = find("tip");
  for (const [index, id] of ["graph", "callees"].entries()) {
    const canvas = find(id);
    let held = -1;
    canvas.addEventListener("mousemove", (event) => {
      const { layout, node } = pointed(index, event);
      tip.style.display = node < 0 ? "none" : "block";
      if (node < 0) return;
      tip.textContent = tipText(layout, node);
      find("details").textContent = tip.textContent.replace(/\n/g, ", ");
      tip.style.left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8) + "px";
      tip.style.top = Math.min(event.clientY + 14, window.innerHeight - tip.offsetHeight - 8) + "px";
    });
    canvas.addEventListener("mouseleave", () => { tip.style.display = "none"; });
    canvas.addEventListener("click", (event) => {
      const { layout, node } = pointed(index, event);
      if (node < 0) return;
      layout.zoomed = node;
      drawAll();
    });
    canvas.addEventListener("dblclick", (event) => {
      const { layout, node } = pointed(index, event);
      if (node >= 0 && labels[layout.tree.label[node]].style[0] !== "a") sandwich(layout.tree.label[node]);
    });
    canvas.addEventListener("keydown", (event) => {
      const { layout, nodes } = views[index];
      if (event.key === "Escape") {
        layout.zoomed = 0;
        drawAll();
      } else if (event.key === "Enter" && held in nodes) {
        layout.zoomed = nodes[held];
        held = -1;
        drawAll();
      } else if (/^Arrow/.test(event.key)) {
        event.preventDefault();
        const step = event.key === "ArrowUp" || event.key === "ArrowRight" ? 1 : -1;
        held = Math.min(nodes.length - 1, Math.max(0, held + step));
        if (held in nodes) find("details").textContent = tipText(layout, nodes[held]).replace(/\n/g, ", ");
      }
    });
  }

  // A row for all threads and for each of the heaviest, a bar for each slot of time.
  const strips = [];
  function makeStrips() {
    const holder = find("strips");
    if (!holder || !data.timeline) return;
    const { slot, value, count, slot_ns } = data.timeline;
    const slots = slot.reduce((most, s) => Math.max(most, s + 1), 1);
    const sums = data.threads.map(() => 0);
    for (let i = 0; i < data.values.count.length; i++) sums[data.values.thread[i]] += data.values.count[i];
    const order = sums.map((sum, thread) => thread).sort((a, b) => sums[b] - sums[a]).slice(0, 12);
    for (const thread of [-1].concat(order)) {
      const bars = new Float64Array(slots);
      for (let i = 0; i < slot.length; i++)
        if (thread < 0 || data.values.thread[value[i]] === thread) bars[slot[i]] += count[i];
      const name = document.createElement("span"), canvas = document.createElement("canvas");
      name.textContent = thread < 0 ? "all threads" : data.threads[thread][2] + " (" + data.threads[thread][3] + ")";
      name.title = name.textContent;
      canvas.setAttribute("aria-label", name.textContent + " over time");
      holder.append(name, canvas);
      const strip = { canvas, bars, slots };
      strips.push(strip);
      let from = -1;
      const at = (event) => {
        const frame = canvas.getBoundingClientRect();
        return Math.max(0, Math.min(slots, (event.clientX - frame.left) / frame.width * slots));
      };
      const choose = (to) => {
        const span = [Math.floor(Math.min(from, to)), Math.ceil(Math.max(from, to))];
        state.span = span[1] > span[0] ? span : null;
        state.thread = state.span ? thread : -1;
        const select = find("thread");
        if (select) select.value = String(state.thread);
        find("span").textContent = state.span
          ? (span[0] * slot_ns / 1e9).toFixed(1) + " s to " + (span[1] * slot_ns / 1e9).toFixed(1) + " s; click to clear" : "";
      };
      canvas.addEventListener("mousedown", (event) => { from = at(event); });
      canvas.addEventListener("mousemove", (event) => { if (from >= 0 && event.buttons) choose(at(event)), drawStrips(); });
      canvas.addEventListener("mouseup", (event) => {
        const to = at(event);
        if (Math.abs(to - from) * canvas.clientWidth / slots < 3) state.span = null, state.thread = -1, find("span").textContent = "";
        else choose(to);
        from = -1;
        compute();
      });
    }
  }
  function drawStrips() {
    const ratio = window.devicePixelRatio || 1;
    for (const { canvas, bars, slots } of strips) {
      const width = canvas.clientWidth, height = 22, most = Math.max(1, ...bars), pen = canvas.getContext("2d");
      canvas.width = width * ratio;
      canvas.height = height * ratio;
      pen.scale(ratio, ratio);
      if (state.span) {
        pen.fillStyle = css("--bar");
        pen.fillRect(state.span[0] / slots * width, 0, (state.span[1] - state.span[0]) / slots * width, height);
      }
      pen.fillStyle = css("--accent");
      for (let s = 0; s < slots; s++) {
        const size = bars[s] / most * (height - 2);
        pen.fillRect(s / slots * width, height - size, Math.max(1, width / slots - 0.5), size);
      }
    }
  }

  function addOption(select, value, text) {
    const option = document.createElement("option");
    option.value = value;
    option.textContent = text;
    select.appendChild(option);
  }
  const select = find("thread");
  if (select) {
    addOption(select, "-1", "all threads");
    data.threads.forEach((thread, index) => addOption(select, String(index), thread[2] + " (" + thread[3] + ")"));
    select.onchange = () => { state.thread = Number(select.value); compute(); };
  }

  // The labels that most values have, the heaviest first: [key, value].
  const LABEL_CHOICES = 200;
  function heaviestLabels() {
    const weights = data.label_sets.map(() => 0), sums = new Map();
    data.values.labels.forEach((set, i) => { weights[set] += data.values.count[i]; });
    data.label_sets.forEach((set, number) => {
      for (const label of set) {
        const name = JSON.stringify(label);
        sums.set(name, (sums.get(name) || 0) + weights[number]);
      }
    });
    const sorted = Array.from(sums).sort((a, b) => b[1] - a[1]);
    return sorted.slice(0, LABEL_CHOICES).map(([name]) => JSON.parse(name));
  }
  const labelSelect = find("label");
  if (labelSelect) {
    const choices = heaviestLabels();
    addOption(labelSelect, "-1", "all labels");
    choices.forEach(([key, value], index) => addOption(labelSelect, String(index), key + " = " + value));
    labelSelect.onchange = () => {
      const choice = choices[Number(labelSelect.value)];
      const has = (set) => set.some(([key, value]) => key === choice[0] && value === choice[1]);
      chosenSets = choice ? data.label_sets.map(has) : null;
      compute();
    };
  }
  const measure = find("measure");
  if (measure) measure.onchange = () => { state.inTime = measure.value === "time"; compute(); };
  for (const button of document.querySelectorAll("[data-mode]")) button.onclick = () => setMode(button.dataset.mode);
  for (const button of document.querySelectorAll("th button"))
    button.onclick = () => { state.sort = button.dataset.sort; drawTable(); };
  find("reset").onclick = () => {
    for (const layout of current.layouts) layout.zoomed = 0;
    drawAll();
  };
  find("search").oninput = (event) => { state.search = event.target.value; drawAll(); };
  window.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target === document.body) {
      event.preventDefault();
      find("search").focus();
    }
  });
  window.addEventListener("resize", drawAll);
  isDark.addEventListener("change", drawAll);
  for (const canvas of document.querySelectorAll(".legend canvas")) {
    canvas.width = canvas.height = 11;
    const paint = () => {
      const pen = canvas.getContext("2d");
      pen.fillStyle = color(canvas.dataset.style);
      pen.fillRect(0, 0, 11, 11);
    };
    paint();
    isDark.addEventListener("change", paint);
  }
  makeStrips();
  for (const part of document.querySelectorAll("[data-scripted]")) part.hidden = false;
  setMode("flame");
})();
