// Elements, numbers as the tables print them, and downloads.

const byId = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Let the browser paint and answer between two parts.
const pause = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

function number(value, ranks, sign = false) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  let text = size.toFixed(3);
  if (ranks) text = size >= 999.5 ? Math.round(size).toLocaleString("en-US") : size.toFixed(1);
  else text = Number(text) < 1 ? text.slice(1) : size.toFixed(2);
  if (!/[1-9]/.test(text)) return text;
  return (value < 0 ? "−" : sign ? "+" : "") + text;
}

const interval = (low, high, ranks, sign) =>
  low === null || low === undefined ? "" : `95 % CI ${number(low, ranks, sign)} to ${number(high, ranks, sign)}`;

// A cell has room for three or four characters.
function brief(value, ranks, sign) {
  if (value === null || value === undefined) return "";
  const size = Math.abs(value);
  const head = value < 0 ? "−" : sign && size > 0 ? "+" : "";
  if (ranks) return head + (size >= 9999.5 ? `${Math.round(size / 1000)}k` : size < 9.95 ? size.toFixed(1) : Math.round(size));
  return size >= 9.95 ? head + Math.round(size) : size >= 0.995 ? head + size.toFixed(1) : head + size.toFixed(2).slice(1);
}

function save(name, type, text) {
  const link = make("a", { download: name, href: URL.createObjectURL(new Blob([text], { type })) });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const csvCell = (value) =>
  value === null || value === undefined ? "" : /[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value;
const saveCsv = (name, rows) =>
  save(`${name}.csv`, "text/csv", rows.map((row) => row.map(csvCell).join(",") + "\n").join(""));

function choice(label, options, change) {
  const select = make("select", { onchange: () => change(Number(select.value)) });
  const groups = new Map();
  options.forEach((option, i) => {
    const entry = make("option", { value: i }, option.name);
    if (!option.group) return select.append(entry);
    if (!groups.has(option.group)) {
      groups.set(option.group, make("optgroup", { label: option.group }));
      select.append(groups.get(option.group));
    }
    groups.get(option.group).append(entry);
  });
  return make("label", {}, label, select);
}

function tipAt(element, text) {
  const tip = byId("tip");
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const box = element instanceof Element ? element.getBoundingClientRect() : element;
  const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
  const above = box.top - tip.offsetHeight - 6;
  tip.style.left = `${Math.max(left, 8) + scrollX}px`;
  tip.style.top = `${(above > 0 ? above : box.bottom + 6) + scrollY}px`;
}

function tools() {
  for (const figure of document.querySelectorAll("figure")) {
    const image = figure.querySelector("img");
    const kind = image.src.startsWith("data:image/svg") ? "svg" : "png";
    figure.append(make("p", { class: "downloads" }, make("a", {
      href: image.src, download: `${figure.id}.${kind}`,
      "aria-label": `${kind.toUpperCase()} of the figure: ${figure.id}`,
    }, kind.toUpperCase())));
  }
  const command = byId("command");
  if (command && navigator.clipboard) {
    const copy = make("button", { type: "button", onclick: async () => {
      await navigator.clipboard.writeText(command.textContent);
      copy.textContent = "Copied";
    } }, "Copy the command");
    command.after(copy);
  }
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  const theme = make("button", { type: "button", onclick: () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    named();
    redraw();
  } });
  const named = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  named();
  dark.addEventListener("change", () => { named(); redraw(); });
  document.querySelector("nav ul").append(make("li", {}, theme));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.measure");
    if (!link) return;
    event.preventDefault();
    define(link.getAttribute("href").slice(1));
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tipAt(null, ""); });
}

// Show the definition that stands under "Measures".
function define(id) {
  const term = byId(id), dialog = byId("definition");
  dialog.querySelector("h2").textContent = term.textContent;
  dialog.querySelector("div").replaceChildren(...term.nextElementSibling.cloneNode(true).childNodes);
  dialog.showModal();
}

function measureLink(measure) {
  const base = `measure-${measure.metric.split("@")[0]}`;
  const id = byId(`measure-${measure.metric}`) ? `measure-${measure.metric}` : base;
  return byId(id) ? make("a", { class: "measure", href: `#${id}` }, "What it is") : null;
}
