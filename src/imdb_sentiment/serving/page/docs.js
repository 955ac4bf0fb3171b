// The operations and schemas of openapi.json, as headings, tables and examples; nothing is loaded from elsewhere.

const main = document.getElementById("operations");
const api = await (await fetch("/openapi.json")).json();

function add(parent, name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

const nameOf = (schema) => (schema.$ref || "").split("/").pop();

function typeOf(schema) {
  if (schema.$ref) return nameOf(schema);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  return schema.type === "array" ? `list of ${typeOf(schema.items || {})}` : schema.type || "any";
}

function addFields(parent, schema) {
  const table = add(parent, "table");
  const head = add(add(table, "thead"), "tr");
  for (const title of ["Field", "Type", "Meaning"]) add(head, "th", title, { scope: "col" });
  const body = add(table, "tbody");
  for (const [name, field] of Object.entries(schema.properties || {})) {
    const row = add(body, "tr");
    add(row, "th", name, { scope: "row" });
    add(row, "td", typeOf(field));
    add(row, "td", field.description || "");
  }
}

for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const section = add(main, "section");
    add(section, "h2", `${method.toUpperCase()} ${path}`);
    add(section, "p", operation.description || operation.summary || "");
    for (const parameter of operation.parameters || []) {
      const description = parameter.schema.description || parameter.description || "";
      add(section, "p", `${parameter.name} (${parameter.in}, ${typeOf(parameter.schema)}): ${description}`);
    }
    for (const [type, content] of Object.entries(operation.requestBody?.content || {})) {
      add(section, "h3", `Body: ${type}`);
      const schema = api.components.schemas[nameOf(content.schema)];
      if (schema) addFields(section, schema);
    }
    for (const [status, answer] of Object.entries(operation.responses)) {
      const found = Object.values(answer.content || {}).map((content) => nameOf(content.schema || {})).find(Boolean);
      add(section, "p", `${status}: ${answer.description}${found ? ` (${found})` : ""}`, { class: "note" });
    }
  }
}
add(main, "h2", "Schemas");
for (const [name, schema] of Object.entries(api.components.schemas)) {
  add(main, "h3", name);
  if (schema.description) add(main, "p", schema.description);
  addFields(main, schema);
}
