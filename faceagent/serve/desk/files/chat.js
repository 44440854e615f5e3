// The conversation beside a case. Answers stream in; the evidence that an answer cites lights up in the picture.

import { citation } from "./case_state.js";
import { h, fill, say } from "./dom.js";
import { eventsOf, send } from "./http.js";
import { t } from "./words.js";

const CITED = /\b([A-Z]\d+:[A-Za-z0-9_.:-]+|E\d+)\b/g;

export function chat(state) {
  const turns = [];
  const log = h("div", { class: "turns", role: "log", "aria-label": t("chat.log"), tabindex: "0" });
  const text = h("textarea", { id: "ask", rows: "2", placeholder: t("chat.placeholder"), onkeydown: (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); ask(); } } });
  const button = h("button", { class: "main", type: "submit" }, t("chat.ask"));
  const form = h("form", { class: "ask", onsubmit: (event) => { event.preventDefault(); ask(); } },
    h("label", { for: "ask", class: "unseen" }, t("chat.placeholder")), text, button);
  const starters = h("p", { class: "starters" }, ["real", "where", "sure", "feel"].map((name) =>
    h("button", { class: "small", onclick: () => { text.value = t(`chat.${name}`); ask(); } }, t(`chat.${name}`))));
  let busy = false;

  async function ask() {
    const words = text.value.trim();
    if (!words || busy) return;
    busy = true;
    button.disabled = true;
    starters.hidden = true;
    const answer = h("div", { class: "turn answer", "aria-busy": "true" }, h("p", { class: "soft" }, t("chat.thinking")));
    log.append(h("div", { class: "turn mine" }, h("p", {}, words)), answer);
    answer.scrollIntoView({ block: "nearest" });
    let told = "";
    try {
      const messages = [...turns, { role: "user", content: turns.length ? words : [{ type: "text", text: words }, { type: "image_url", image_url: { url: `case:${state.id}` } }] }];
      const reply = await send("/v1/chat/completions", {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ stream: true, messages }),
      });
      let notes = {};
      for await (const { data } of eventsOf(reply)) {
        if (data === "[DONE]") break;
        const part = JSON.parse(data);
        if (part.error) throw new Error(part.error.message);
        told += part.choices[0].delta.content ?? "";
        notes = part.faceagent ?? notes;
        if (told) fill(answer, paragraphs(told));
      }
      turns.push(messages.at(-1), { role: "assistant", content: told });
      fill(answer, paragraphs(told, Object.fromEntries((notes.citations ?? []).map((one) => [one.label, one.evidence_id]))), (notes.notices ?? []).map((one) => h("p", { class: "soft small" }, one)));
      lightCited(answer);
      if (text.value.trim() === words) text.value = "";
      say(told);
    } catch (error) {
      // What was typed stays in the field, to be sent again.
      fill(answer, h("p", { class: "wrong" }, error.message));
      say(error.message);
    }
    answer.removeAttribute("aria-busy");
    answer.scrollIntoView({ block: "nearest" });
    busy = false;
    button.disabled = false;
  }

  function paragraphs(words, citations = {}) {
    return words.split(/\n+/).filter(Boolean).map((line) => h("p", {}, line.split(CITED).map((piece, place) => (place % 2 ? cited(piece, citations) : piece))));
  }

  function cited(name, citations) {
    const id = citations[name] ?? name;
    return state.evidence.has(id) ? citation(state, id, name) : name;
  }

  function lightCited(answer) {
    const ids = [...answer.querySelectorAll("[data-cited]")].map((one) => one.dataset.cited);
    const subject = state.evidence.get(ids[0])?.subject;
    if (state.report.faces.some((face) => face.id === subject)) state.choose(subject);
    for (const row of document.querySelectorAll("[data-evidence]")) row.classList.toggle("about", ids.includes(row.dataset.evidence));
    if (ids.length) state.light(state.areas(ids));
  }

  const closed = state.view.kept ? null : h("p", { class: "soft" }, t("chat.no_picture"));
  return h("section", { class: "chat card", "aria-label": t("chat.title") }, h("h2", {}, t("chat.title")),
    closed ?? [log, starters, form]);
}
