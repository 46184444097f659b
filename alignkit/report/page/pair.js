// An opened pair: histograms of ranks, and the questions that changed most with what was found.

function pairDetail(section, data) {
  const box = make("div", { class: "detail", hidden: true, tabindex: -1, role: "region", "aria-label": "The opened pair" });
  let charts = [];
  const reader = data.reader;

  function text(kind, language, words) {
    if (words === null) return make("p", { class: "facts" }, "This run kept no texts.");
    return make("p", { class: kind, lang: language, dir: data.names[language]?.[1] ?? "auto" }, words);
  }

  // A text, and under it the parallel one that the reader can read.
  function both(dataset, entries, parallels, number, noun) {
    const [, language, words] = entries[number];
    const parts = [text("text", language, words)];
    if (language === reader || words === null) return parts;
    const other = parallels[number] >= 0 ? entries[parallels[number]] : null;
    if (other?.[2]) parts.push(text("parallel", reader, other[2]));
    else if (dataset.languages.includes(reader)) parts.push(make("p", { class: "parallel" }, `No parallel ${noun} in ${data.names[reader][0]} is known.`));
    return parts;
  }

  function list(dataset, pairs, checkpoint, query) {
    const found = pairs.hits[checkpoint]?.[query];
    if (!found) return null;
    return make("div", {}, make("h4", {}, `${data.checkpoints[checkpoint]}: five best of all passages`), make("ol", {}, ...found.map(([passage, answers]) => {
      const code = pairs.passages[passage][1];
      return make("li", { class: answers ? "answers" : null },
        make("span", { class: "badge" }, data.names[code]?.[0] ?? code), answers ? " answers it" : "",
        ...both(dataset, pairs.passages, pairs.passage_parallels, passage, "passage"));
    })));
  }

  function article(dataset, [query, candidate, passage, before, after]) {
    const pairs = dataset.pairs, one = data.candidates.length === 0;
    const [name, language] = pairs.queries[query];
    const of = one ? data.baseline : data.candidates[candidate];
    const ranks = one ? `rank ${after.toLocaleString("en-US")}` : `rank ${before.toLocaleString("en-US")} with ${data.checkpoints[data.baseline]}, ${after.toLocaleString("en-US")} with ${data.checkpoints[of]}`;
    const sought = pairs.passages[passage][1];
    const sides = [data.baseline, ...(one ? [] : [of])].map((checkpoint) => list(dataset, pairs, checkpoint, query)).filter(Boolean);
    return make("article", {},
      make("h4", {}, `${data.names[language][0]} question `, make("code", {}, name)),
      ...both(dataset, pairs.queries, pairs.query_parallels, query, "question"),
      make("h4", {}, `${data.names[sought][0]} ${pairs.answers ? "answer" : "translation"}: ${ranks}`),
      ...both(dataset, pairs.passages, pairs.passage_parallels, passage, "passage"),
      sides.length ? make("div", { class: "sides" }, ...sides) : null);
  }

  function questions(dataset, cell) {
    const { pairs } = dataset, shown = pairs.shown[cell] ?? [];
    if (!shown.length) return [make("p", {}, data.candidates.length ? "No question of this pair is shown: no rank changed, or others changed more." : "No question of this pair is shown.")];
    const groups = data.candidates.length === 0 ? [["Worst ranks", shown]] : data.candidates.flatMap((candidate, c) => {
      const own = shown.filter((one) => one[1] === c), label = data.checkpoints[candidate];
      return [[`Improved most with ${label}`, own.filter((one) => one[4] < one[3])], [`Worsened most with ${label}`, own.filter((one) => one[4] > one[3])]];
    });
    return groups.filter(([, of]) => of.length).map(([title, of], i) => {
      const box = make("details", { open: i === 0 }, make("summary", {}, `${title} (${of.length})`));
      const fill = () => box.childElementCount === 1 && box.append(...of.map((one) => article(dataset, one)));
      if (i === 0) fill();
      else box.addEventListener("toggle", fill);
      return box;
    });
  }

  return (dataset, cell) => {
    forget(charts);
    charts = [];
    box.hidden = !dataset;
    section.append(box); // below the heat maps
    if (!dataset) return;
    const n = dataset.languages.length, pairs = dataset.pairs;
    const [asked, answered] = [dataset.languages[Math.floor(cell / n)], dataset.languages[cell % n]];
    const names = [asked, answered].map((code) => data.names[code][0]);
    const title = make("h3", {}, `${names[0]} questions, ${names[1]} ${pairs?.answers ?? true ? "passages" : "translations"}`);
    if (!pairs) return box.replaceChildren(title, make("p", {}, "This run kept no ranks of single questions."));
    const plots = make("div", { class: "histograms" });
    const said = [
      `Per pair up to ${pairs.each} questions that improved most and ${pairs.each} that worsened most by the ratio of ranks`,
      data.candidates.length ? "" : ` (of one checkpoint alone, the ${2 * pairs.each} worst ranks)`,
      `; in all ${pairs.queries_shown.toLocaleString("en-US")} questions of ${dataset.name} are in this page, the least changed ones of each pair left out first where there are more. Texts longer than ${pairs.longest} characters are cut.`,
    ].join("");
    const lists = Object.values(pairs.hits).some((of) => Object.keys(of).length) ? "" : pairs.answers ? " This run was written by an older alignkit, which kept no lists of passages." : "";
    box.replaceChildren(title, plots, make("h3", {}, data.candidates.length ? "Questions that changed most" : "Questions with the worst ranks"), make("p", { class: "facts" }, said + lists), ...questions(dataset, cell));
    const stem = `${dataset.name}-ranks-${asked}-${answered}`;
    const plot = async () => {
      for (const pool of Object.keys(pairs.histograms)) {
        await pause();
        if (!plots.isConnected) return; // another pair was opened
        charts.push(histogram(plots, data, pairs, pool, cell, pools[pool], `${stem}-${pool}`));
      }
    };
    const pools = { all: `Rank of the ${names[1]} answer among all passages`, own: pairs.answers ? `Rank among ${names[1]} passages alone` : `Rank of the translation among ${names[1]} questions` };
    plot();
    box.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    box.focus({ preventScroll: true });
  };
}
