// What both parts of the page share: asking the server, the token, and building elements from texts.
// Texts become text nodes: nothing that a review, a file or the server says is read as HTML.

export const byId = (id) => document.getElementById(id);

export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export async function ask(path, options = {}) {
  const token = sessionStorage.getItem("token");
  const headers = { ...(options.headers || {}), ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  if (response.status === 401) byId("token-form").hidden = false;
  const problem = await response.json().catch(() => ({}));
  throw new Problem(response.status, problem.detail || `the server answered with ${response.status}`);
}

export const askJson = (path, content, options = {}) =>
  ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(content),
    ...options,
  }).then((response) => response.json());

export function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export const percent = (probability) => `${(100 * probability).toFixed(probability < 0.01 || probability > 0.99 ? 1 : 0)}%`;
