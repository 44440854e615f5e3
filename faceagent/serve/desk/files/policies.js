// Policies: rules in an editor, and at once what they would decide about the cases that are stored.

import { caseRow } from "./case_row.js";
import { fill, h, say } from "./dom.js";
import { getJson, send, sendJson } from "./http.js";
import { language, t } from "./words.js";

const DECISIONS = ["allow", "review", "block"];
const WAIT = 300;
const DRAFT = "draft-policy";
const MOST_SHOWN = 60;

export async function open(place, { who }) {
  const which = h("select", { id: "policy", onchange: () => pick(which.value) });
  const name = h("input", { type: "text", id: "policy-name", pattern: "[A-Za-z0-9][A-Za-z0-9_\\-]*", maxlength: "64", required: true, oninput: keep });
  const text = h("textarea", { id: "document", spellcheck: "false", wrap: "off", oninput: () => { keep(); later(); }, onkeydown: indent });
  const note = h("p", { class: "soft small", role: "status" });
  const save = h("button", { class: "main", type: "submit" }, t("policies.save"));
  const preview = h("section", { class: "card stack", "aria-label": t("policies.tried", { n: "" }), "aria-live": "polite" });
  const meaning = h("section", { class: "card stack", "aria-label": t("rules.title"), hidden: true });
  const form = h("form", { class: "card stack editor", onsubmit: store },
    h("div", { class: "row" }, h("label", { for: "policy" }, t("policies.which")), which, h("label", { for: "policy-name" }, t("policies.name")), name),
    h("label", { for: "document" }, t("policies.document")), text, h("div", { class: "row" }, save, note));
  let timer = null;
  let asked = 0;

  function keep() { sessionStorage.setItem(DRAFT, JSON.stringify({ name: name.value, text: text.value, which: which.value })); }

  // Tab indents; Escape then Tab leaves the field, as in other editors.
  function indent(event) {
    if (event.key === "Escape") { text.dataset.leave = "yes"; return; }
    if (event.key !== "Tab" || event.shiftKey || text.dataset.leave) { if (event.key !== "Tab") delete text.dataset.leave; return; }
    event.preventDefault();
    text.setRangeText("  ", text.selectionStart, text.selectionEnd, "end");
    keep();
    later();
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(show, WAIT);
  }

  async function show() {
    const mine = ++asked;
    try {
      const found = await sendJson("POST", "/v1/policies/preview", { document: text.value, against: which.value || null, language: language() });
      if (mine === asked) draw(found);
    } catch (error) {
      if (mine !== asked) return;
      meaning.hidden = true;
      const details = error.details?.map((one) => `${one.field}: ${one.message}`) ?? [];
      fill(preview, h("h2", {}, t("policies.wrong")), h("p", { class: "wrong" }, error.message), details.length ? h("ul", { class: "sentences", lang: "en" }, details.map((one) => h("li", {}, one))) : null);
    }
  }

  function draw(found) {
    meaning.hidden = false;
    fill(meaning, h("h2", {}, t("rules.title")), h("ul", { class: "sentences" }, found.sentences.map((one) => h("li", {}, one))), h("p", { class: "soft small" }, t("rules.strictest")));
    if (!found.cases) { fill(preview, h("p", { class: "soft" }, t("policies.none"))); return; }
    fill(preview, h("h2", {}, t("policies.tried", { n: found.cases })),
      h("div", { class: "flow" }, DECISIONS.map((one) => h("div", { class: one }, h("b", {}, found.after[one] ?? 0), h("span", {}, t(`decisions.${one}`)),
        h("span", { class: "soft small" }, `${t("policies.against")} ${which.value || "strictest"}: ${found.before[one] ?? 0}`)))),
      h("h3", {}, found.changes.length ? t("policies.changes", { n: found.changes.length }) : t("policies.no_changes")),
      found.changes.length ? h("ul", { class: "changes" }, found.changes.slice(0, MOST_SHOWN).map((one) =>
        h("li", {}, caseRow({ ...one, answer: `${t("policies.from_to", { from: t(`decisions.${one.before}`), to: t(`decisions.${one.after}`) })} · ${one.reasons.join(" ")}` })))) : null);
  }

  async function pick(wanted, draft = null) {
    const found = await getJson(`/v1/policies/${wanted || "strictest"}`);
    name.value = draft?.name ?? (found.version === null ? `my-${found.name}` : found.name);
    text.value = draft?.text ?? yaml(found.document);
    note.textContent = found.version === null ? t("policies.built_in") : "";
    if (who?.role !== "admin") { save.disabled = true; note.textContent = t("policies.admin"); }
    if (!draft) keep();
    await show();
  }

  async function store(event) {
    event.preventDefault();
    try {
      const made = await (await send(`/v1/policies/${encodeURIComponent(name.value)}`, { method: "PUT", headers: { "content-type": "application/yaml" }, body: text.value })).json();
      note.textContent = t("policies.saved", { name: made.name, version: made.version });
      say(note.textContent);
      sessionStorage.removeItem(DRAFT);
      await choices(made.name);
      await show();
    } catch (error) {
      note.textContent = [error.message, ...(error.details ?? []).map((one) => one.message)].join(" ");
    }
  }

  async function choices(wanted) {
    const { policies } = await getJson("/v1/policies");
    fill(which, policies.map((one) => h("option", { value: one.name, selected: one.name === wanted }, one.version === null ? one.name : `${one.name} (${one.version})`)));
  }

  fill(place, h("div", { class: "queue-head" }, h("h1", {}, t("policies.title")), h("p", { class: "soft" }, t("policies.help"))), h("div", { class: "policy-grid" }, form, h("div", { class: "stack" }, meaning, preview)));
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
  await choices(draft?.which ?? "strictest");
  await pick(which.value, draft);
  return () => clearTimeout(timer);
}

// A policy as YAML that a person reads and writes; texts are quoted as JSON, which is YAML as well.
function yaml(one) {
  const lines = [`description: ${JSON.stringify(one.description)}`, "rules:"];
  for (const rule of one.rules) {
    lines.push(`  - when: [${rule.when.map((condition) => JSON.stringify(condition)).join(", ")}]`, `    then: ${rule.then}`);
    if (rule.reason) lines.push(`    reason: ${JSON.stringify(rule.reason)}`);
  }
  lines.push(`otherwise: ${one.otherwise}`, "");
  return lines.join("\n");
}
