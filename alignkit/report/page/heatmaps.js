// Heat maps as tables of buttons: a panel a checkpoint, and a panel a difference.

const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];
const DIVERGING = ["#2166ac", "#67a9cf", "#d1e5f0", "#f7f7f7", "#fddbc7", "#ef8a62", "#b2182b"];
const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function mixed(stops, share) {
  const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const low = channels(stops[Math.floor(at)]), high = channels(stops[Math.ceil(at)]);
  return low.map((one, i) => Math.round(one + (high[i] - one) * (at % 1)));
}

// Black or white, whichever stands out more.
function readable(rgb) {
  const [r, g, b] = rgb.map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

function heatmaps(section, data, open) {
  const kept = data.datasets.filter((one) => one.measures.length);
  if (!kept.length) return false;
  const state = { dataset: kept[0], measure: kept[0].measures[0], chosen: null };
  const panels = make("div", { class: "panels" }), controls = make("div", { class: "controls" }), about = make("p", { class: "facts" });
  const languageName = (code) => data.names[code][0];

  function arrange() {
    const datasets = kept.length > 1 ? choice("Data", kept.map(({ name }) => ({ name })), (i) => {
      state.dataset = kept[i];
      state.measure = kept[i].measures[0];
      state.chosen = null;
      open(null);
      arrange();
      controls.querySelector("select").value = i;
    }) : null;
    const measures = choice("Measure", state.dataset.measures, (i) => {
      state.measure = state.dataset.measures[i];
      show();
    });
    const csv = make("button", { type: "button", onclick: () => saveCsv(`${state.dataset.name}-pairs-${state.measure.metric}`, table()) }, "CSV");
    controls.replaceChildren(...[datasets, measures, csv].filter(Boolean));
    show();
  }

  function table() {
    const { languages } = state.dataset, measure = state.measure;
    const heads = ["checkpoint", "query_language", "passage_language", "metric", "value", "ci_low", "ci_high", "n", "delta", "delta_low", "delta_high", "p_adjusted"];
    const rows = data.checkpoints.flatMap((label, i) => languages.flatMap((asked, a) => languages.map((answered, b) => {
      const cell = a * languages.length + b, c = data.candidates.indexOf(i);
      const change = c < 0 || !measure.delta ? [] : [measure.delta, measure.delta_low, measure.delta_high, measure.p].map((of) => of[c][cell]);
      return [label, asked, answered, measure.metric, ...[measure.value, measure.low, measure.high, measure.n].map((of) => of[i][cell]), ...change];
    })));
    return [heads, ...rows.filter((row) => row[4] !== null)];
  }

  // What a cell tells, of all checkpoints.
  function words(cell) {
    const { languages } = state.dataset, measure = state.measure;
    const [asked, answered] = [Math.floor(cell / languages.length), cell % languages.length].map((i) => languageName(languages[i]));
    const lines = data.checkpoints.map((label, i) => `${label} ${number(measure.value[i][cell], measure.ranks)}, ${interval(measure.low[i][cell], measure.high[i][cell], measure.ranks)}, n ${measure.n[i][cell]?.toLocaleString("en-US") ?? "–"}`);
    if (measure.delta) data.candidates.forEach((candidate, c) => {
      const p = measure.p[c][cell];
      lines.push(`${data.checkpoints[candidate]} − ${data.checkpoints[data.baseline]} ${number(measure.delta[c][cell], measure.ranks, true)}, ${interval(measure.delta_low[c][cell], measure.delta_high[c][cell], measure.ranks, true)}${p === null ? "" : p < 0.001 ? ", adjusted p < .001" : `, adjusted p = ${number(p)}`}`);
    });
    return [`${asked} to ${answered}, ${measure.name}`, ...lines].join("\n");
  }

  function panel(title, values, limits, stops, sign, p) {
    const { languages } = state.dataset, measure = state.measure, n = languages.length;
    const [low, high, scale] = limits;
    const body = languages.map((asked, a) => make("tr", {}, make("th", { scope: "row", title: languageName(asked) }, asked), ...languages.map((_, b) => {
      const cell = a * n + b, value = values[cell];
      if (value === null) return make("td");
      const rgb = mixed(stops, high > low ? (scale(value) - scale(low)) / (scale(high) - scale(low)) : 0.5);
      const text = brief(value, measure.ranks, sign);
      const button = make("button", {
        type: "button", "data-cell": cell, tabindex: -1, class: p && p[cell] !== null && p[cell] < 0.05 ? "shown" : null,
        "aria-label": `${text}. ${words(cell)}`, "aria-pressed": String(cell === state.chosen),
        style: `background:rgb(${rgb});color:${readable(rgb)}`,
      }, text);
      return make("td", {}, button);
    })));
    const head = make("tr", {}, make("td"), ...languages.map((code) => make("th", { scope: "col", title: languageName(code) }, code)));
    const grid = make("table", { class: "heat" }, make("caption", {}, title), make("thead", {}, head), make("tbody", {}, ...body));
    const first = grid.querySelector("button");
    if (first) first.tabIndex = 0;
    return make("div", { class: "panel" },
      make("div", { class: "scroll" }, grid),
      make("div", { class: "scale", style: `background:linear-gradient(to right,${stops})` }),
      make("div", { class: "ends" }, make("span", {}, number(low, measure.ranks, sign)), make("span", {}, number(high, measure.ranks, sign))));
  }

  function show() {
    const measure = state.measure;
    const all = measure.value.flat().filter((value) => value !== null);
    const scale = measure.ranks ? (value) => Math.log(Math.max(value, 1)) : (value) => value;
    const limits = [Math.min(...all), Math.max(...all), scale];
    const stops = measure.better === false ? [...VIRIDIS].reverse() : VIRIDIS;
    const found = data.checkpoints.map((label, i) => panel(label, measure.value[i], limits, stops, false));
    if (measure.delta) {
      const most = Math.max(1e-9, ...measure.delta.flat().map((value) => Math.abs(value ?? 0)));
      data.candidates.forEach((candidate, c) => found.push(panel(`${data.checkpoints[candidate]} − ${data.checkpoints[data.baseline]}`, measure.delta[c], [-most, most, (value) => value], DIVERGING, true, measure.p[c])));
    }
    panels.replaceChildren(...found);
    const better = measure.better === null ? "No direction is better." : `${measure.better ? "Higher" : "Lower"} is better.`;
    about.replaceChildren(`${measure.group}: ${measure.name}. ${better} ${measure.delta ? "Underlined differences have an adjusted p below .05. " : ""}`, measureLink(measure) ?? "");
  }

  const cellOf = (event) => event.target.closest?.("button[data-cell]");
  const tell = (event) => { const at = cellOf(event); tipAt(at, at ? words(Number(at.dataset.cell)) : ""); };
  panels.addEventListener("mouseover", tell);
  panels.addEventListener("focusin", tell);
  panels.addEventListener("mouseleave", () => tipAt(null, ""));
  panels.addEventListener("focusout", () => tipAt(null, ""));
  panels.addEventListener("click", (event) => {
    const at = cellOf(event);
    if (!at) return;
    state.chosen = Number(at.dataset.cell);
    for (const one of panels.querySelectorAll("button[data-cell]")) one.setAttribute("aria-pressed", String(Number(one.dataset.cell) === state.chosen));
    open(state.dataset, state.chosen);
  });
  panels.addEventListener("keydown", (event) => {
    const at = cellOf(event), steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!at || !steps) return;
    event.preventDefault();
    const n = state.dataset.languages.length, table = at.closest("table");
    let [row, column] = [Math.floor(at.dataset.cell / n), at.dataset.cell % n];
    do { row += steps[0]; column += steps[1]; } while (row >= 0 && column >= 0 && row < n && column < n && !table.querySelector(`[data-cell="${row * n + column}"]`));
    const next = row >= 0 && column >= 0 && row < n && column < n ? table.querySelector(`[data-cell="${row * n + column}"]`) : null;
    if (!next) return;
    at.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  section.append(controls, about, panels);
  arrange();
  return true;
}
