/// What a flame graph does where scripts run: zoom, search, details. Without it the picture is complete.
///
/// Before it come `UP`, 1 where callees stand above their callers and -1 where below, and `boxes`: the start and the width
/// of every box in the profile's unit, two numbers each, since the rounded numbers of the rectangles would not bear
/// magnification. The text holds no `]]>`, which would end its section.
enum FlameScript {
  static let text = #"""
    (function () {
      "use strict";
      const own = document.currentScript;
      const svg = (own && own.ownerSVGElement) || document.documentElement;
      const find = (selector) => svg.querySelector(selector);
      const reset = find(".reset"), search = find(".search"), matched = find(".matched"), details = find(".details");
      const frames = [], byElement = new Map(), callers = [];
      let zoomed = null, focused = null;

      for (const g of svg.querySelectorAll(".frames>g")) {
        const i = frames.length, rect = g.querySelector("rect"), tip = g.querySelector("title").textContent;
        const first = tip.split("\n", 1)[0];
        const frame = {
          g, rect, tip, text: g.querySelector("text"), name: first.slice(0, first.lastIndexOf(" (")),
          isFunction: !/^a\d/.test(g.getAttribute("class")), y: +rect.getAttribute("y"),
          start: boxes[2 * i], total: boxes[2 * i + 1], isShown: true, caller: null
        };
        while (callers.length && UP * callers[callers.length - 1].y <= UP * frame.y) callers.pop();
        frame.caller = callers[callers.length - 1] || null;
        callers.push(frame);
        frames.push(frame);
        byElement.set(g, frame);
      }
      if (!frames.length) return;
      const root = frames[0], left = +root.rect.getAttribute("x"), width = +root.rect.getAttribute("width");

      function cells(character) {
        const code = character.codePointAt(0);
        if (code < 0x300) return 1;
        if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) return 0;
        return /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u
          .test(character) ? 2 : 1;
      }

      function shortened(name, room) {
        let used = 0, short = "";
        if (room < 3) return "";
        const characters = Array.from(name);
        if (characters.reduce((sum, character) => sum + cells(character), 0) <= room) return name;
        for (const character of characters) {
          used += cells(character);
          if (used > room - 1) break;
          short += character;
        }
        return short + "\u2026";
      }

      function place(frame, x, size) {
        frame.isShown = size >= 0.3;
        frame.g.style.display = frame.isShown ? "" : "none";
        if (!frame.isShown) return;
        frame.rect.setAttribute("x", x.toFixed(1));
        frame.rect.setAttribute("width", size.toFixed(1));
        const label = shortened(frame.name, Math.floor((size - 6) / CELL));
        if (!label && !frame.text) return;
        if (!frame.text) {
          frame.text = document.createElementNS("http://www.w3.org/2000/svg", "text");
          frame.text.setAttribute("y", frame.y + 12);
          frame.g.appendChild(frame.text);
        }
        frame.text.setAttribute("x", (x + 3).toFixed(1));
        frame.text.textContent = label;
      }

      function zoom(target) {
        const end = target.start + target.total, scale = width / target.total;
        for (const frame of frames) {
          const frameEnd = frame.start + frame.total;
          const isCaller = UP * frame.y > UP * target.y && frame.start <= target.start && frameEnd >= end;
          const isInside = UP * frame.y <= UP * target.y && frame.start >= target.start && frameEnd <= end;
          if (isCaller) place(frame, left, width);
          else place(frame, left + (frame.start - target.start) * scale, isInside ? frame.total * scale : 0);
          frame.g.classList.toggle("faded", isCaller);
        }
        zoomed = target === root ? null : target;
        reset.classList.toggle("off", !zoomed);
        if (focused && !focused.isShown) focus(target, false);
      }

      function focus(frame, isMoved) {
        if (focused) focused.g.setAttribute("tabindex", "-1");
        focused = frame;
        frame.g.setAttribute("tabindex", "0");
        if (isMoved) frame.g.focus({ preventScroll: false });
      }

      function pattern(text) {
        try {
          return new RegExp(text);
        } catch (error) {
          return new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
        }
      }

      function highlight(text) {
        const wanted = text ? pattern(text) : null;
        let sum = 0, covered = 0;
        for (const frame of frames) {
          const isMatch = wanted !== null && frame.isFunction && wanted.test(frame.name);
          frame.g.classList.toggle("match", isMatch);
          // Callers come before callees: what begins before the end of the last match lies above it.
          if (isMatch && frame.start >= covered) {
            sum += frame.total;
            covered = frame.start + frame.total;
          }
        }
        matched.textContent = wanted ? "Matched: " + (100 * sum / root.total).toFixed(2) + " %" : "";
        search.textContent = wanted ? "Clear search" : "Search";
        search.classList.toggle("active", wanted !== null);
      }

      function ask() {
        const text = prompt("Functions to highlight (a regular expression)", "");
        if (text !== null) highlight(text);
      }

      function step(frame, key) {
        const i = frames.indexOf(frame);
        const direction = key === "ArrowLeft" ? -1 : 1;
        if (key === "ArrowDown") return frame.caller;
        for (let j = i + direction; j >= 0 && j < frames.length; j += direction) {
          const other = frames[j];
          if (!other.isShown) continue;
          if (key === "ArrowUp" ? other.caller === frame : other.caller === frame.caller) return other;
        }
        return null;
      }

      const frameOf = (event) => byElement.get(event.target.closest && event.target.closest(".frames>g"));
      const tell = (event) => {
        const frame = frameOf(event);
        if (frame) details.textContent = frame.tip.replace(/\n/g, ", ");
      };
      const onSearch = () => search.classList.contains("active") ? highlight("") : ask();
      svg.addEventListener("mouseover", tell);
      svg.addEventListener("focusin", tell);
      svg.addEventListener("mouseout", (event) => { if (frameOf(event)) details.textContent = ""; });
      svg.addEventListener("click", (event) => {
        const frame = frameOf(event);
        if (frame) {
          focus(frame, false);
          zoom(frame);
        }
      });
      reset.addEventListener("click", () => zoom(root));
      search.addEventListener("click", onSearch);
      window.addEventListener("keydown", (event) => {
        if (event.key === "F3" || (event.key.toLowerCase() === "f" && (event.ctrlKey || event.metaKey))) {
          event.preventDefault();
          ask();
        } else if (event.key === "Escape") {
          highlight("");
          zoom(root);
        } else if (event.key === "Enter") {
          if (event.target === reset) zoom(root);
          else if (event.target === search) onSearch();
          else if (frameOf(event)) zoom(frameOf(event));
        } else if (/^Arrow/.test(event.key) && frameOf(event)) {
          const next = step(frameOf(event), event.key);
          if (next) {
            event.preventDefault();
            focus(next, true);
          }
        }
      });
      svg.classList.add("on");
      focus(root, false);
    })();

    """#
}
