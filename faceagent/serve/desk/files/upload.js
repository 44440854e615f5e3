// One picture to the service and its progress back, over one request that streams.
// Without a file, a field says which picture is meant.

import { fill, h } from "./dom.js";
import { Problem, eventsOf, send } from "./http.js";
import { t } from "./words.js";

// Parts of a run that are no tools, in their order.
const PARTS = ["intake", "faces", "weigh", "explain", "compose"];
const MOST_BYTES = 200 * 2 ** 20;

export async function analyse(entry) {
  if (entry.file?.size > MOST_BYTES) throw new Problem(t("errors.too_large"), "too_large", 413);
  const form = new FormData();
  if (entry.file) form.append("image", entry.file, entry.name);
  for (const [name, values] of Object.entries(entry.options.fields)) for (const value of [values].flat()) form.append(name, value);
  for (const reference of entry.options.references) form.append("references", reference, reference.name);
  const steps = new Map();
  fill(entry.steps);
  entry.note.classList.remove("wrong");
  entry.note.textContent = t("desk.sending");
  entry.bar.removeAttribute("value");
  const answer = await send("/v1/analyze", { method: "POST", body: form, headers: { accept: "text/event-stream" } });
  entry.note.textContent = t("desk.queued");
  let made = null;
  for await (const { event, data } of eventsOf(answer)) {
    const told = JSON.parse(data);
    if (event === "step") step(entry, steps, told);
    if (event === "case") made = told;
    if (event === "error") throw new Problem(told.error.message, told.error.code, 500);
  }
  if (!made) throw new Problem(t("errors.away"), "away", 0);
  entry.bar.value = 1;
  entry.note.textContent = "";
  return made;
}

function step(entry, steps, { part, state }) {
  entry.note.textContent = "";
  const known = steps.get(part) ?? h("li", {}, nameOf(part));
  if (!steps.has(part)) {
    steps.set(part, known);
    entry.steps.append(known);
  }
  known.className = state === "ended" ? "ended" : "begun";
  const ended = [...steps.values()].filter((one) => one.className === "ended").length;
  // How many tools there will be is known once the faces are; until then a guess that only grows.
  entry.bar.value = Math.min(0.97, ended / Math.max(PARTS.length + 8, steps.size + 2));
}

export function nameOf(part) {
  return part.startsWith("tool.") ? t(`tools.${part.slice(5)}`) : t(`parts.${part}`);
}
