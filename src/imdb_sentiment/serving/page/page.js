// The page: the model's name, the token, and the two parts that work by themselves.

import { ask, byId } from "/client.js";
import "/review.js";
import "/table.js";

async function describeModel() {
  const model = await (await ask("/v1/model")).json();
  byId("model").textContent =
    `Model ${model.name}, version ${model.version}, ${model.vocabulary_size.toLocaleString()} words.`;
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", byId("token").value);
  byId("token-form").hidden = true;
  describeModel().then(() => byId("text").dispatchEvent(new Event("input")), () => {});
});

describeModel().catch(() => {});
