// A table: sent, followed while the server works on it, and fetched with its answers.

import { Problem, ask, byId, element, percent } from "/client.js";

const EVERY = 300; // milliseconds between two questions
const SVG = "http://www.w3.org/2000/svg";
let current = null; // the id of the table that is shown
let saved = null; // the address of the result in memory

byId("file").addEventListener("change", (event) => {
  if (event.target.files.length) send(event.target.files[0]);
});
const drop = byId("drop");
// Beside the field, a dropped file would otherwise replace the page.
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
drop.addEventListener("dragover", () => drop.classList.add("over"));
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
});
byId("table-stop").addEventListener("click", async () => {
  const job = current;
  current = null;
  byId("table-status").textContent = "Stopped.";
  byId("table-stop").hidden = true;
  if (job) await ask(`/v1/tables/${job}`, { method: "DELETE" }).catch(() => {});
});

async function send(file) {
  if (saved) URL.revokeObjectURL(saved);
  saved = null;
  for (const id of ["table-problem", "table-result", "distribution", "preview", "bad"]) byId(id).hidden = true;
  byId("table").hidden = false;
  byId("table-stop").hidden = false;
  byId("table-status").textContent = `Sending ${file.name} …`;
  byId("table-progress").removeAttribute("value");
  const mine = (current = "sending");
  try {
    const column = byId("column").value.trim();
    const query = new URLSearchParams({ name: file.name, ...(column ? { text_column: column } : {}) });
    const headers = { "Content-Type": "application/octet-stream" };
    const response = await ask(`/v1/tables?${query}`, { method: "POST", headers, body: file });
    const { id } = await response.json();
    if (current !== mine) {
      await ask(`/v1/tables/${id}`, { method: "DELETE" });
      return;
    }
    current = id;
    await follow(id);
  } catch (error) {
    fail(error instanceof Problem ? error.message : "The server cannot be reached.");
  }
}

async function follow(id) {
  while (current === id) {
    const table = await (await ask(`/v1/tables/${id}`)).json();
    if (current !== id) return;
    show(table);
    if (table.state === "failed") return fail(table.detail);
    if (table.state === "done") return finish(id, table);
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

function show(table) {
  const done = table.rows.toLocaleString();
  byId("table-progress").value = table.share;
  byId("table-status").textContent =
    table.state === "waiting" ? `${table.name} waits for its turn.` : `${table.name}: ${done} rows, ${percent(table.share)}`;
  if (table.rows) {
    showDistribution(table);
    showPreview(table.preview);
  }
  byId("bad").hidden = !table.bad_rows;
  byId("bad-summary").textContent = `${table.bad_rows.toLocaleString()} rows without a review have no answer`;
  byId("bad-rows").replaceChildren(...table.messages.map((message) => element("li", message)));
}

async function finish(id, table) {
  byId("table-stop").hidden = true;
  byId("table-status").textContent = `${table.name}: ${table.rows.toLocaleString()} rows are done.`;
  // Fetched here, not by a link, which could not send the token.
  const content = await (await ask(`/v1/tables/${id}/result`)).blob();
  if (current !== id) return;
  saved = URL.createObjectURL(content);
  const link = byId("table-result");
  link.href = saved;
  link.download = table.output;
  link.textContent = `Save ${table.output}`;
  link.hidden = false;
  await ask(`/v1/tables/${id}`, { method: "DELETE" }).catch(() => {});
}

function fail(detail) {
  current = null;
  byId("table-stop").hidden = true;
  byId("table-progress").value = 0;
  byId("table-status").textContent = "The table has no answers.";
  byId("table-problem").textContent = detail;
  byId("table-problem").hidden = false;
}

function showPreview(rows) {
  byId("preview").hidden = false;
  byId("preview-rows").replaceChildren(
    ...rows.map((row) => {
      const line = element("tr");
      const probability = row.probability === null ? "–" : row.probability.toFixed(3);
      line.append(element("td", row.text), element("td", row.label || "no answer"), element("td", probability, { class: "number" }));
      return line;
    }),
  );
}

function showDistribution(table) {
  byId("distribution").hidden = false;
  const most = Math.max(...table.bins, 1);
  const shapes = table.bins.map((count, bin) => {
    const height = (85 * count) / most;
    const label = bin < 5 ? "negative" : "positive";
    return shape("rect", { x: 5 + 31 * bin, y: 92 - height, width: 28, height, class: label });
  });
  shapes.push(shape("line", { x1: 3, x2: 317, y1: 92.5, y2: 92.5 }));
  for (const tenth of [0, 5, 10]) {
    const anchor = { 0: "start", 5: "middle", 10: "end" }[tenth];
    shapes.push(shape("text", { x: 5 + 31 * tenth, y: 105, "text-anchor": anchor }, (tenth / 10).toFixed(1)));
  }
  byId("bars").replaceChildren(...shapes);
  const counts = Object.entries(table.labels).map(([label, count]) => `${count.toLocaleString()} ${label}`);
  byId("distribution-text").textContent = counts.join(", ");
}

function shape(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}
