// One review: the answer as it is typed, and its words in colour.

import { Problem, askJson, byId, element, percent } from "/client.js";

const PAUSE = 120; // milliseconds without a key: the answer follows the typing, not each letter of it
const STRONGEST = 12;
let timer = 0;
let running = null;

byId("text").addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(update, PAUSE);
});

async function update() {
  if (running) running.abort();
  const text = byId("text").value;
  if (!text.trim()) {
    byId("answer").hidden = true;
    byId("problem").hidden = true;
    return;
  }
  const mine = (running = new AbortController());
  try {
    // The answer is there sooner than its explanation, for which the model reads the text once for each word.
    const { predictions } = await askJson("/v1/predict", { text }, { signal: mine.signal });
    showAnswer(predictions[0]);
    const explained = await askJson("/v1/explain", { text }, { signal: mine.signal });
    showAnswer(explained);
    showWords(explained);
    byId("problem").hidden = true;
  } catch (error) {
    if (error.name === "AbortError") return;
    byId("problem").textContent = error instanceof Problem ? error.message : "The server cannot be reached.";
    byId("problem").hidden = false;
    if (error.status === 503) timer = setTimeout(update, 1000);
  }
}

function showAnswer(answer) {
  byId("answer").hidden = false;
  const known = answer.probability !== null;
  const verdict = byId("verdict");
  const text = known
    ? `${answer.label}: ${answer.certainty} (probability of being positive ${percent(answer.probability)})`
    : "unknown: no word that the model knows";
  if (verdict.textContent !== text) verdict.textContent = text; // read out again only if it has changed
  verdict.className = `verdict ${known ? answer.label : ""}`;
  byId("meter").value = known ? answer.probability : 0.5;
}

function showWords(explained) {
  byId("short").hidden = !explained.short;
  const characters = Array.from(explained.text); // places count code points, JavaScript's strings UTF-16 units
  const between = (start, end) => characters.slice(start, end).join("");
  const largest = Math.max(...explained.words.map((word) => Math.abs(word.contribution || 0)), 1e-9);
  const shown = document.createDocumentFragment();
  let end = 0;
  for (const word of explained.words) {
    shown.append(between(end, word.start));
    shown.append(asElement(word, between(word.start, word.end), largest));
    end = word.end;
  }
  shown.append(between(end));
  byId("words").replaceChildren(shown);
  showStrongest(explained.words, between);
}

function asElement(word, text, largest) {
  if (word.contribution === null) return element("span", text, { class: "unread" });
  if (!word.known) return element("span", text, { class: "unknown", title: "unknown to the model" });
  const level = Math.round((4 * Math.abs(word.contribution)) / largest);
  if (!level) return document.createTextNode(text);
  const label = word.contribution > 0 ? "positive" : "negative";
  const sign = word.contribution > 0 ? "+" : "";
  return element("mark", text, { class: `${label}${level}`, title: `${label}: ${sign}${word.contribution.toFixed(2)}` });
}

function showStrongest(words, between) {
  const sorted = words.filter((word) => word.contribution).sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const rows = sorted.slice(0, STRONGEST).map((word) => {
    const row = element("tr");
    row.append(
      element("th", between(word.start, word.end), { scope: "row" }),
      element("td", word.contribution > 0 ? "positive" : "negative"),
      element("td", `${word.contribution > 0 ? "+" : ""}${word.contribution.toFixed(2)}`, { class: "number" }),
    );
    return row;
  });
  byId("strongest").tBodies[0].replaceChildren(...rows);
}

if (byId("text").value) update();
