// The conversation beside a case. Answers stream in; the evidence that an answer cites lights up in the picture.
// What was said is kept for as long as the tab is, so that it outlives a change of language and of page.

import { citation } from "./case_state.js";
import { h, fill, onceAFrame, say } from "./dom.js";
import { eventsOf, send } from "./http.js";
import { t } from "./words.js";

const CITED = /\b([A-Z]\d+:[A-Za-z0-9_.:-]+|E\d+)\b/g;

const keptAs = (id) => `chat-${id}`;

export function chat(state) {
  const key = keptAs(state.id);
  const kept = () => JSON.parse(sessionStorage.getItem(key) ?? "[]");
  const log = h("div", { class: "turns", role: "log", "aria-label": t("chat.log"), tabindex: "0" });
  const text = h("textarea", { id: "ask", rows: "2", placeholder: t("chat.placeholder"), onkeydown: (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); ask(); } } });
  const button = h("button", { class: "main", type: "submit" }, t("chat.ask"));
  const form = h("form", { class: "ask", onsubmit: (event) => { event.preventDefault(); ask(); } },
    h("label", { for: "ask", class: "unseen" }, t("chat.placeholder")), text, button);
  const starters = h("p", { class: "starters" }, ["real", "where", "sure", "feel"].map((name) =>
    h("button", { class: "small", onclick: () => ask(t(`chat.${name}`)) }, t(`chat.${name}`))));
  let busy = false;
  let failed = [];

  // The first question carries the picture.
  function messagesOf(said, words) {
    const picture = { type: "image_url", image_url: { url: `case:${state.id}` } };
    return [...said.flatMap((one) => [one.words, one.told]), words].map((content, place) =>
      ({ role: place % 2 ? "assistant" : "user", content: place ? content : [{ type: "text", text: content }, picture] }));
  }

  function turn(words) {
    const mine = h("div", { class: "turn mine" }, h("p", {}, words));
    const answer = h("div", { class: "turn answer" });
    log.append(mine, answer);
    return [mine, answer];
  }

  function fillAnswer(answer, { told, citations, notices }) {
    fill(answer, paragraphs(told, citations), notices.map((one) => h("p", { class: "soft small" }, one)));
  }

  // The question on top of the log where the answer is long, both at its end where they fit. Reads where things stand,
  // so it is called once a frame, after everything was written.
  function follow(mine) {
    log.scrollTop += mine.getBoundingClientRect().top - log.getBoundingClientRect().top;
    section.scrollIntoView({ block: "nearest" });
  }

  async function ask(words = text.value.trim()) {
    if (!words || busy) return;
    busy = true;
    button.disabled = true;
    for (const node of failed) node.remove();
    failed = [];
    if (text.value.trim() === words) text.value = "";
    const [mine, answer] = turn(words);
    answer.setAttribute("aria-busy", "true");
    fill(answer, h("p", { class: "soft" }, t("chat.thinking")));
    let told = "";
    // Pieces come faster than frames: what came since the last frame is shown with the next.
    const draw = onceAFrame(() => { if (told && answer.ariaBusy) fill(answer, paragraphs(told)); follow(mine); });
    draw();
    try {
      const messages = messagesOf(kept(), words);
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
        if (told) draw();
      }
      const said = { words, told, citations: Object.fromEntries((notes.citations ?? []).map((one) => [one.label, one.evidence_id])), notices: notes.notices ?? [] };
      sessionStorage.setItem(key, JSON.stringify([...kept(), said]));
      fillAnswer(answer, said);
      lightCited(answer);
      say(told);
    } catch (error) {
      // What was typed is back in the field, to be sent again.
      if (!text.value.trim()) text.value = words;
      failed = [mine, answer];
      fill(answer, h("p", { class: "wrong" }, error.message));
      say(error.message);
    }
    answer.removeAttribute("aria-busy");
    busy = false;
    button.disabled = false;
    draw();
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
  const section = h("section", { class: "chat card", "aria-label": t("chat.title") }, h("h2", {}, t("chat.title")),
    closed ?? [log, starters, form]);
  for (const said of closed ? [] : kept()) fillAnswer(turn(said.words)[1], said);
  requestAnimationFrame(() => { log.scrollTop = log.scrollHeight; });
  return section;
}
