// Read the page's data and bring its parts to life, the first screen first.

async function unpacked() {
  const bytes = Uint8Array.from(atob(byId("payload").textContent), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

function reveal(id, is) {
  byId(id).hidden = !is;
  const link = document.querySelector(`nav a[href="#${id}"]`);
  if (link) link.parentElement.hidden = !is;
}

async function main() {
  tools();
  await pause();
  const data = await unpacked();
  for (const figure of document.querySelectorAll("figure[data-chart]")) tradeOff(figure, data);
  await pause();
  byId("pairs").hidden = false;
  reveal("pairs", heatmaps(byId("pairs"), data, pairDetail(byId("pairs"), data)));
  await pause();
  reveal("maps", maps(byId("maps"), data));
  byId("plain").hidden = true;
  document.documentElement.dataset.ready = "";
}

main();
