// Maps of the questions, a panel a checkpoint: pointing at one lights its translations in all.

const REACH = 14; // pixels from the pointer within which a point is taken

function maps(section, data) {
  const kept = data.datasets.filter((one) => one.points);
  if (!kept.length) return false;
  const svgNs = "http://www.w3.org/2000/svg";
  const box = make("div");
  let dataset, points, panels = [], hiddenLanguages, current = -1;

  function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return Float32Array.from(new Uint16Array(bytes.buffer), (value) => value / 65535);
  }

  function visible(language) {
    return !hiddenLanguages.has(language);
  }

  // A series a language, all drawn as one path. Zooming survives a filter: ranges are not given.
  function option(coordinates) {
    return (ink) => ({
      animation: false,
      grid: { left: 6, right: 6, top: 6, bottom: 6 },
      xAxis: { type: "value", min: -0.02, max: 1.02, show: false },
      yAxis: { type: "value", min: -0.02, max: 1.02, show: false },
      dataZoom: [0, 1].map((i) => ({
        type: "inside", [i ? "yAxisIndex" : "xAxisIndex"]: 0, filterMode: "none", zoomOnMouseWheel: "ctrl",
        moveOnMouseMove: !matchMedia("(pointer: coarse)").matches, preventDefaultMouseMove: false,
      })),
      series: [...dataset.languages.keys()].filter((language) => visible(language) && points.byLanguage[language].length).map((language) => ({
        id: `language-${language}`, type: "scatter", large: true, largeThreshold: 0, symbolSize: 3, silent: true, dimensions: ["x", "y"],
        itemStyle: { color: colour(language, ink), opacity: 0.75 },
        data: of(coordinates, language),
      })),
    });
  }

  function of(coordinates, language) {
    const own = points.byLanguage[language], found = new Float32Array(own.length * 2);
    own.forEach((point, i) => { found[2 * i] = coordinates[2 * point]; found[2 * i + 1] = coordinates[2 * point + 1]; });
    return found;
  }

  // Where points are on the screen: a linear map of both axes, found from two corners.
  function place(panel) {
    const [x0, y0] = panel.entry.chart.convertToPixel({ gridIndex: 0 }, [0, 0]);
    const [x1, y1] = panel.entry.chart.convertToPixel({ gridIndex: 0 }, [1, 1]);
    panel.at = (point) => [x0 + panel.coordinates[2 * point] * (x1 - x0), y0 + panel.coordinates[2 * point + 1] * (y1 - y0)];
    panel.labels.replaceChildren();
    label(panel, inks());
    light();
  }

  function nearest(panel, x, y) {
    let found = -1, least = REACH ** 2;
    for (let point = 0; point < points.ids.length; point++) {
      if (!visible(points.languages[point])) continue;
      const [left, top] = panel.at(point), distance = (left - x) ** 2 + (top - y) ** 2;
      if (distance < least) { least = distance; found = point; }
    }
    return found;
  }

  // Ring a question and its translations in every panel, joined to the one pointed at.
  function light() {
    const ink = inks(), own = current < 0 ? [] : related(current);
    for (const panel of panels) {
      panel.lights.replaceChildren();
      if (current < 0 || !panel.at) continue;
      const [x, y] = panel.at(current);
      for (const point of own) {
        const [left, top] = panel.at(point), width = point === current ? 2.5 : 1.5;
        panel.lights.append(
          shape("line", { x1: x, y1: y, x2: left, y2: top, stroke: ink.ink, "stroke-opacity": 0.5 }),
          shape("circle", { cx: left, cy: top, r: 3 + width, fill: colour(points.languages[point], ink), stroke: ink.ink, "stroke-width": width }));
      }
    }
  }

  // Codes above the medians of languages, where they do not fall on one another.
  function label(panel, ink) {
    const written = [];
    dataset.languages.forEach((code, language) => {
      const own = points.byLanguage[language];
      if (!visible(language) || !own.length) return;
      const spots = own.map(panel.at), middle = [0, 1].map((k) => spots.map((spot) => spot[k]).sort((a, b) => a - b)[spots.length >> 1]);
      if (written.some(([x, y]) => Math.abs(x - middle[0]) < 22 && Math.abs(y - middle[1]) < 16)) return;
      written.push(middle);
      const attributes = { x: middle[0], y: middle[1] - 12, fill: ink.ink, stroke: ink.paper, "stroke-width": 3, "paint-order": "stroke", "font-size": 12, "text-anchor": "middle", "dominant-baseline": "central" };
      panel.labels.append(shape("text", attributes, code));
    });
  }

  function shape(tag, attributes, words = "") {
    const element = document.createElementNS(svgNs, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = words;
    return element;
  }

  function related(point) {
    const question = points.questions[point];
    return question < 0 ? [point] : points.byQuestion[question].filter((one) => one === point || visible(points.languages[one]));
  }

  const idOf = (point) => `${dataset.languages[points.languages[point]]}:${points.ids[point]}`;
  const wordsOf = (point) => points.texts?.[point] ?? idOf(point);

  function tell(point) {
    current = point;
    light();
    const list = box.querySelector(".question");
    if (point < 0) return list.replaceChildren(make("p", { class: "facts" }, "Point at a question, or search for one."));
    list.replaceChildren(make("p", { class: "facts" }, "Question ", make("code", {}, points.ids[point])), make("ul", {}, ...related(point).map((one) => {
      const code = dataset.languages[points.languages[one]];
      return make("li", {}, make("span", { class: "badge" }, data.names[code][0]), make("span", { class: "text", lang: points.texts ? code : null, dir: data.names[code][1] }, wordsOf(one)));
    })));
  }

  function hover(panel, event) {
    const frame = panel.overlay.getBoundingClientRect();
    const point = nearest(panel, event.clientX - frame.left, event.clientY - frame.top);
    if (point === current) return;
    tell(point);
    if (point < 0) return tipAt(null, "");
    const [x, y] = panel.at(point);
    const spot = new DOMRect(frame.left + x, frame.top + y - 4, 0, 8);
    tipAt(spot, `${idOf(point)}\n${points.texts ? wordsOf(point) : ""}`);
  }

  function panel(label, trust, packed) {
    const chart = make("div", { class: "chart" });
    const [overlay, labels, lights] = [shape("svg", { "aria-hidden": "true" }), shape("g", {}), shape("g", {})];
    overlay.append(labels, lights);
    const said = trust === null ? "" : `, trustworthiness ${number(trust)}`;
    const frame = make("div", {}, make("h3", {}, `${label}${said}`), make("div", { class: "map" }, chart, overlay));
    return { chart, overlay, labels, lights, frame, label, coordinates: unpack(packed) };
  }

  function chips() {
    const show = async () => {
      list.querySelectorAll("button[data-language]").forEach((chip) => chip.setAttribute("aria-pressed", String(visible(Number(chip.dataset.language)))));
      light();
      for (const one of panels) {
        await pause();
        if (one.entry.chart.isDisposed()) return;
        one.entry.chart.setOption(one.entry.option(inks()), { replaceMerge: ["series"] });
        place(one);
      }
    };
    const list = make("ul", { class: "chips", "aria-label": "Languages shown" }, ...dataset.languages.map((code, language) => make("li", {}, make("button", {
      type: "button", "data-language": language, "aria-pressed": "true", onclick: () => {
        if (visible(language)) hiddenLanguages.add(language);
        else hiddenLanguages.delete(language);
        show();
      },
    }, make("i", { style: `background:${colour(language, inks())}`, "aria-hidden": "true" }), data.names[code][0]))),
    make("li", {}, make("button", { type: "button", onclick: () => {
      hiddenLanguages = hiddenLanguages.size ? new Set() : new Set(dataset.languages.keys());
      show();
    } }, "All or none")));
    return list;
  }

  function search() {
    const field = make("input", { type: "search", size: 28 });
    const step = (by) => {
      const wanted = field.value.trim().toLowerCase(), n = points.ids.length;
      for (let i = 1; i <= n; i++) {
        const point = (((current < 0 ? (by > 0 ? -1 : n) : current) + by * i) % n + n) % n;
        if (visible(points.languages[point]) && `${idOf(point)} ${wordsOf(point)}`.toLowerCase().includes(wanted)) return tell(point);
      }
    };
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") step(1); });
    const zoom = (factor) => {
      for (const { entry } of panels) {
        const { start, end } = entry.chart.getOption().dataZoom[0], middle = (start + end) / 2, half = Math.min(50, (end - start) / 2 * factor);
        entry.chart.dispatchAction({ type: "dataZoom", batch: [0, 1].map((dataZoomIndex) => ({ dataZoomIndex, start: Math.max(0, middle - half), end: Math.min(100, middle + half) })) });
      }
    };
    const button = (name, act) => make("button", { type: "button", onclick: act }, name);
    return [make("label", {}, "Find a question (text or id)", field), button("Next", () => step(1)), button("Previous", () => step(-1)), button("Zoom in", () => zoom(0.5)), button("Zoom out", () => zoom(2))];
  }

  function arrange(i) {
    forget(panels.map(({ entry }) => entry));
    dataset = kept[i];
    hiddenLanguages = new Set();
    current = -1;
    points = { ...dataset.points, byLanguage: dataset.languages.map(() => []), byQuestion: [] };
    points.languages.forEach((language, point) => points.byLanguage[language].push(point));
    points.questions.forEach((question, point) => { if (question >= 0) (points.byQuestion[question] ??= []).push(point); });
    panels = points.maps.map((packed, k) => panel(data.checkpoints[points.checkpoints[k]], points.trust[k], packed));
    const grid = make("div", { class: "maps" }, ...panels.map(({ frame }) => frame));
    const texts = points.texts ? "" : " This run kept no texts, or too many for a page: ids stand in their place.";
    const about = `A point is a question, ${points.ids.length.toLocaleString("en-US")} in all, by UMAP. Pointing at one lights its translations in every map. Drag to move, Ctrl and the wheel, or two fingers, to zoom. Distances between far groups mean nothing.${texts}`;
    const svg = make("button", { type: "button", onclick: () => panels.forEach((one) => saveSvg(`${dataset.name}-map-${one.label}`, one.entry.option, 600, 600)) }, "SVG");
    const datasets = kept.length > 1 ? choice("Data", kept.map(({ name }) => ({ name })), arrange) : null;
    if (datasets) datasets.querySelector("select").value = i;
    box.replaceChildren(make("p", { class: "facts" }, about), make("div", { class: "controls" }, datasets ?? "", ...search(), svg), chips(), grid, make("div", { class: "question", "aria-live": "polite" }));
    for (const one of panels) {
      one.entry = draw(one.chart, option(one.coordinates), one.label, `Map of the questions by ${one.label}; the search above lists a question with its translations.`);
      one.entry.chart.on("datazoom", () => place(one));
      new ResizeObserver(() => one.entry.chart.isDisposed() || requestAnimationFrame(() => place(one))).observe(one.chart);
      one.entry.after = () => place(one);
      one.chart.addEventListener("pointermove", (event) => hover(one, event));
      one.chart.addEventListener("pointerdown", (event) => hover(one, event));
      one.chart.addEventListener("pointerleave", () => tipAt(null, ""));
      place(one);
    }
    tell(-1);
  }
  section.append(box);
  section.hidden = false; // a hidden chart has no size
  arrange(0);
  return true;
}
