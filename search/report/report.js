// What is pointed at is named, what is clicked is copied. Points are the pairs "x,y" of the paths of class "hit".
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const tip = document.getElementById("tip");
  const reach = 14;  // pixels of the screen

  const text = (parent, tag, words) => {
    const element = document.createElement(tag);
    element.textContent = words;
    parent.append(element);
  };
  const show = (x, y, lines, heading) => {
    tip.replaceChildren();
    if (heading) text(tip, "b", heading);
    text(tip, "div", lines.join("\n"));
    tip.hidden = false;
    const box = tip.getBoundingClientRect(), room = 8, away = 14;
    const wide = document.documentElement.clientWidth, high = window.innerHeight;
    const left = x + away + box.width + room > wide ? x - away - box.width : x + away;
    const top = y + away + box.height + room > high ? y - away - box.height : y + away;
    tip.style.left = Math.max(room, Math.min(left, wide - box.width - room)) + "px";
    tip.style.top = Math.max(room, top) + "px";
  };

  const known = new WeakMap();
  const pointsOf = (svg) => {
    if (known.has(svg)) return known.get(svg);
    const points = [];
    for (const path of svg.querySelectorAll(".hit")) {
      const rows = path.dataset.rows ? path.dataset.rows.split(" ") : [];
      let i = 0;
      for (const [, x, y] of path.getAttribute("d").matchAll(/(-?[\d.]+),(-?[\d.]+)/g))
        points.push({x: +x, y: +y, name: path.dataset.name, row: data.rows[rows[i++]]});
    }
    known.set(svg, points);
    return points;
  };
  const nearest = (svg, event) => {
    const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    let best = null, least = (reach * scale) ** 2;
    for (const point of pointsOf(svg)) {
      const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (distance <= least) [best, least] = [point, distance];
    }
    return best;
  };
  const number = (value) => String(+value.toPrecision(4));
  const linesOf = (svg, point) => {
    if (point.row) return data.columns.map((column, i) => column + ": " + point.row[1][i]);
    const [left, right, bottom, top, x0, x1, y0, y1] = svg.dataset.frame.split(" ").map(Number);
    const x = x0 + (x1 - x0) * (point.x - left) / (right - left);
    const y = y0 + (y1 - y0) * (point.y - bottom) / (top - bottom);
    return [svg.dataset.x + ": " + number(x), svg.dataset.y + ": " + number(y)];
  };
  const spot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  spot.setAttribute("class", "spot");
  spot.setAttribute("r", "6");
  const hide = () => {
    tip.hidden = true;
    spot.remove();
  };
  const point = (svg, event, note) => {
    const found = nearest(svg, event);
    svg.style.cursor = found && found.row ? "copy" : "";
    if (!found) {
      hide();
      return null;
    }
    spot.setAttribute("cx", found.x);
    spot.setAttribute("cy", found.y);
    svg.append(spot);
    const lines = linesOf(svg, found);
    if (found.name && !found.row) lines.unshift(found.name);
    if (note) lines.push(note);
    show(event.clientX, event.clientY, lines, found.row && found.row[0]);
    return found;
  };

  const copy = async (words) => {
    try {
      await navigator.clipboard.writeText(words);
      return true;
    } catch {
      // Where a page may not ask for the clipboard.
      const area = document.createElement("textarea");
      area.value = words;
      area.style.position = "fixed";
      area.style.opacity = "0";
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };
  const said = (done) => done ? "copied" : "could not be copied";

  for (const svg of document.querySelectorAll("svg.plot")) {
    svg.addEventListener("pointermove", (event) => point(svg, event));
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("click", async (event) => {
      const found = point(svg, event);
      if (found && found.row) point(svg, event, said(await copy(found.row[0])));
    });
  }
  for (const code of document.querySelectorAll(".copy")) {
    const act = async (x, y) => show(x, y, [said(await copy(code.textContent))]);
    code.addEventListener("click", (event) => act(event.clientX, event.clientY));
    code.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      const box = code.getBoundingClientRect();
      act(box.left, box.bottom);
    });
    code.addEventListener("pointerleave", hide);
    code.addEventListener("blur", hide);
  }
  window.addEventListener("scroll", hide, {passive: true});
})();
