// Charts by ECharts, in the page's colours; drawn again when they change.

const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31"];
const SYMBOLS = ["circle", "rect", "triangle", "diamond", "pin", "arrow", "roundRect"];
const drawn = [];

function inks() {
  const css = getComputedStyle(document.documentElement);
  const of = (name) => css.getPropertyValue(name).trim();
  return { ink: of("--ink"), soft: of("--soft"), line: of("--line"), paper: of("--paper") };
}
const PAPER = { ink: "#1b1f24", soft: "#57606a", line: "#d5d9de", paper: "#ffffff" };

// Black is lost on a dark page. Beyond eight, shades nearer the ink or the paper.
function colour(i, ink) {
  const own = COLOURS[i % COLOURS.length];
  if (i < COLOURS.length) return own === "#000000" ? ink.soft : own;
  const turn = Math.floor(i / COLOURS.length), rgb = mixed([own, turn % 2 ? ink.ink : ink.paper], 0.4);
  return `rgb(${rgb})`;
}

function draw(element, option, name, alt) {
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", alt);
  const chart = echarts.init(element, null, { renderer: "canvas" });
  chart.setOption(option(inks()));
  const entry = { chart, option };
  drawn.push(entry);
  new ResizeObserver(() => chart.isDisposed() || chart.resize()).observe(element);
  return entry;
}

function forget(entries) {
  for (const entry of entries) {
    entry.chart.dispose();
    drawn.splice(drawn.indexOf(entry), 1);
  }
}

// One after another, so that the page answers in between.
async function redraw() {
  for (const { chart, option, after } of [...drawn]) {
    await pause();
    if (chart.isDisposed()) continue;
    chart.setOption(option(inks()), true);
    after?.();
  }
}

function saveSvg(name, option, width, height) {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  chart.setOption({ ...option(PAPER), backgroundColor: "#ffffff" });
  save(`${name}.svg`, "image/svg+xml", chart.renderToSVGString());
  chart.dispose();
}

const axis = (name, ink, more) => ({
  name, nameLocation: "middle", nameTextStyle: { color: ink.soft }, axisLabel: { color: ink.soft },
  axisLine: { lineStyle: { color: ink.soft } }, splitLine: { lineStyle: { color: ink.line } }, ...more,
});
const tooltip = (ink) => ({
  backgroundColor: ink.ink, borderWidth: 0, textStyle: { color: ink.paper, fontSize: 13 }, confine: true,
});

// Monolingual mAP against rank distance, with intervals, and a paper's points in grey.
function tradeOff(figure, data) {
  const of = data.datasets.find((one) => one.name === figure.dataset.dataset).tradeOff;
  if (!of) return;
  const lines = (point) => `${point.label}\nmonolingual mAP ${number(point.x[0])}, ${interval(point.x[1], point.x[2])}\nrank distance ${number(point.y[0], true)}, ${interval(point.y[1], point.y[2], true)}`;
  // A label at the right edge is written to the left, or the edge would cut it off.
  const across = of.points.map(({ x }) => x[0]);
  const middle = (Math.min(...across) + Math.max(...across)) / 2;
  const option = (ink) => ({
    animation: false,
    grid: { left: 62, right: 24, top: 24, bottom: 48 },
    tooltip: { ...tooltip(ink), formatter: ({ name }) => echarts.format.encodeHTML(name).replaceAll("\n", "<br>") },
    xAxis: axis("monolingual mAP", ink, { scale: true, nameGap: 28, splitNumber: 4 }),
    yAxis: axis("rank distance (ranks), lower is better", ink, { scale: true, nameGap: 46, splitNumber: 5 }),
    series: [
      ...of.points.flatMap(({ x, y }, i) => [[[x[1], y[0]], [x[2], y[0]]], [[x[0], y[1]], [x[0], y[2]]]].map((ends) => ({
        type: "line", data: ends, symbol: "none", silent: true, lineStyle: { color: colour(i, ink), width: 1.5 },
      }))),
      ...of.points.map((point, i) => ({
        type: "scatter", symbol: SYMBOLS[i % SYMBOLS.length], symbolSize: 11, itemStyle: { color: colour(i, ink) },
        data: [{ name: lines(point), value: [point.x[0], point.y[0]] }],
        label: { show: true, formatter: () => point.label, position: i % 2 ? "bottom" : "top", align: point.x[0] > middle ? "right" : "left", color: ink.ink, textBorderWidth: 0 },
        labelLayout: { moveOverlap: "shiftY" },
      })),
      {
        type: "scatter", symbol: "emptyDiamond", symbolSize: 8, itemStyle: { color: ink.soft },
        data: of.published.map(({ label, x, y }) => ({ name: `${label}, published\nmonolingual mAP ${number(x)}\nrank distance ${number(y, true)}`, value: [x, y] })),
      },
    ],
  });
  const chart = make("div", { class: "chart" });
  if (of.published.length) figure.querySelector("figcaption").append(" Grey diamonds are published values, over pools of their own.");
  figure.prepend(chart);
  figure.classList.add("drawn");
  draw(chart, option, figure.id, figure.querySelector("img").alt);
}

// How ranks of one pair spread, a group of bars a checkpoint.
function histogram(parent, data, pairs, pool, pair, title, stem) {
  const bars = pairs.upper.length + 1;
  const names = pairs.upper.map((last, i) => {
    const first = i ? pairs.upper[i - 1] + 1 : 1;
    return first === last ? `${last}` : `${first.toLocaleString("en-US")}–${last.toLocaleString("en-US")}`;
  });
  names.push(`> ${pairs.upper.at(-1).toLocaleString("en-US")}`);
  const counts = pairs.histograms[pool].map((of) => of.slice(pair * bars, (pair + 1) * bars));
  const last = Math.max(1, ...counts.map((of) => of.findLastIndex((count) => count > 0)));
  const option = (ink) => ({
    animation: false, color: counts.map((_, i) => colour(i, ink)),
    grid: { left: 48, right: 8, top: 32, bottom: 56 },
    legend: { top: 0, textStyle: { color: ink.ink } },
    tooltip: { ...tooltip(ink), trigger: "axis", axisPointer: { type: "shadow" } },
    xAxis: axis("rank", ink, { type: "category", data: names.slice(0, last + 1), nameGap: 38, axisLabel: { color: ink.soft, rotate: 30, fontSize: 10 } }),
    yAxis: axis("questions", ink, { nameGap: 34 }),
    series: counts.map((of, i) => ({ type: "bar", name: data.checkpoints[i], data: of.slice(0, last + 1), barGap: "5%" })),
  });
  const chart = make("div", { class: "chart" });
  parent.append(make("div", {}, make("h4", {}, title), chart, make("p", { class: "downloads" },
    make("button", { type: "button", onclick: () => saveSvg(stem, option, 520, 300) }, "SVG"),
    make("button", { type: "button", onclick: () => saveCsv(stem, [["rank", ...data.checkpoints], ...names.map((name, i) => [name, ...counts.map((of) => of[i])])]) }, "CSV"))));
  const words = data.checkpoints.map((label, i) => `${label}: ${names.map((name, k) => counts[i][k] ? `${counts[i][k]} at rank ${name}` : "").filter(Boolean).join(", ")}`);
  return draw(chart, option, stem, `${title}. ${words.join(". ")}.`);
}
