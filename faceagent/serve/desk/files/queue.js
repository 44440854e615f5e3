// The review queue: cases by filter and order, driven by keys, signed one by one or together, taken away as a file.

import { hasPicture, thumbnail } from "./case_row.js";
import { download, fill, h, named, say, seen, typing } from "./dom.js";
import { getJson, send, sendJson } from "./http.js";
import { filterBar } from "./queue_filter.js";
import { signOff } from "./signoff.js";
import { language, percent, t, when } from "./words.js";

const PAGE = 200;
// Cases that are drawn at once; the rest of a page follows when they are seen.
const FIRST = 30;
const KEYS = { a: "accept", r: "reject", e: "escalate" };
const SHOWN = ["forgery", "morph", "spoof", "identity"];

// A figure that was no answer must not look like one: where the question stayed undecided, the words say so.
function measure({ question, label, leaning, positive }) {
  const undecided = positive === null || (label === "inconclusive" && !leaning);
  const high = !undecided && positive >= 0.9 && question !== "identity";
  return h("span", { class: `measure${high ? " high" : ""}${undecided ? " soft" : ""}`, title: undecided && positive !== null ? `${t(`titles.${question}`)}: ${percent(positive)}` : t(`titles.${question}`) },
    h("span", { class: "soft small" }, t(`brief.${question}`), undecided ? ":" : null), " ", undecided ? t("queue.cannot_tell") : percent(positive));
}

export async function open(place, { go, who }) {
  const list = h("ul", { class: "queue", "aria-label": t("queue.title") });
  const told = h("p", { class: "soft small", role: "status" });
  const more = h("button", { hidden: true, onclick: () => further(PAGE) }, t("queue.more"));
  const side = h("aside", { class: "queue-side stack", "aria-label": t("sign.title") });
  const chosen = new Set();
  const bulk = bulkBar();
  const filter = filterBar(() => load());
  const every = h("input", { type: "checkbox", onchange: () => {
    for (const box of list.querySelectorAll("input[type=checkbox]")) box.checked = every.checked;
    for (const one of cases) if (every.checked) chosen.add(one.case_id); else chosen.delete(one.case_id);
    bulk.draw();
  } });
  let cases = [];
  let cursor = null;
  let at = -1;
  let asked = 0;
  let done = "";

  // Resolves with the first cases drawn. ``news``: what stays told beside their number.
  async function load(news = "") {
    const mine = ++asked;
    more.hidden = true;
    const found = await ask(FIRST, null, mine);
    if (!found) return;
    chosen.clear();
    every.checked = false;
    done = news;
    fill(list);
    at = -1;
    cases = [];
    draw(found);
    if (cases.length) point(0, false);
    if (cursor) seen().then(() => { if (mine === asked) further(PAGE - FIRST); });
  }

  async function further(limit) {
    const mine = ++asked;
    more.hidden = true;
    const found = await ask(limit, cursor, mine);
    if (!found && mine === asked) more.hidden = !cursor;
    // A few at a time, so that a key pressed meanwhile is heard; there is more to ask for once all are drawn.
    for (let start = 0; start < (found?.cases.length ?? 0); start += FIRST) {
      if (start) await seen();
      if (mine !== asked) return;
      const few = found.cases.slice(start, start + FIRST);
      draw({ cases: few, next: start + FIRST < found.cases.length ? null : found.next });
    }
  }

  // A page of cases; null where it cannot be had, which is told, or where something else was asked for meanwhile.
  async function ask(limit, after, mine) {
    const query = filter.query();
    query.set("limit", String(limit));
    query.set("language", language());
    if (after) query.set("cursor", after);
    try {
      const found = await getJson(`/v1/cases?${query}`);
      return mine === asked ? found : null;
    } catch (error) {
      if (mine === asked) told.textContent = error.message;
      return null;
    }
  }

  function draw(found) {
    cases = [...cases, ...found.cases];
    cursor = found.next;
    more.hidden = !cursor;
    // What follows while all are ticked is ticked as well: the tick says all.
    if (every.checked) for (const one of found.cases) chosen.add(one.case_id);
    list.append(...found.cases.map(row));
    told.textContent = [done, cases.length ? t("queue.shown", { n: cases.length, more: cursor ? "+" : "" }) : t("queue.none")].filter(Boolean).join(" · ");
    bulk.draw();
  }

  function row(one) {
    const pick = h("input", { type: "checkbox", "aria-label": t("queue.pick", { name: one.name }), checked: chosen.has(one.case_id), onchange: () => { toggle(one.case_id, pick.checked); } });
    const node = h("li", { class: "queue-row", id: `row-${one.case_id}`, "data-id": one.case_id, onclick: (event) => { if (event.target.tagName !== "INPUT" && event.target.tagName !== "A") point(cases.indexOf(one)); } },
      pick, thumbnail(one),
      h("div", { class: "grow" },
        h("a", { class: "name", href: `/case/${one.case_id}`, "data-go": "" }, one.name ? named(one.name) : one.case_id), " ", h("time", { class: "soft small" }, when(one.created)),
        h("p", { class: "soft small line" }, one.answer ?? (one.problem ? t(`reasons.${one.problem}`) : "")),
        h("p", { class: "figures" }, one.verdicts.filter((verdict) => SHOWN.includes(verdict.question)).map(measure))),
      one.decision ? h("span", { class: `tag ${one.decision}` }, t(`decisions.${one.decision}`)) : null,
      h("span", { class: `tag state ${one.sign_off}` }, t(`states.${one.sign_off}`)));
    return node;
  }

  function toggle(id, is) {
    if (is) chosen.add(id); else chosen.delete(id);
    every.checked &&= is;
    bulk.draw();
  }

  function point(next, shown = true) {
    if (!cases.length) return;
    list.children[at]?.classList.remove("current");
    list.children[at]?.removeAttribute("aria-current");
    at = Math.min(cases.length - 1, Math.max(0, next));
    const node = list.children[at];
    node.classList.add("current");
    node.setAttribute("aria-current", "true");
    if (shown) node.scrollIntoView({ block: "nearest" });
    // The side is drawn after the row has moved, so that keys feel immediate.
    clearTimeout(point.later);
    point.later = setTimeout(drawSide, shown ? 120 : 0);
  }

  function drawSide() {
    const one = cases[at];
    if (!one) return;
    const sign = signOff(one.case_id, who, { done: (state) => {
      one.sign_off = state;
      const tag = document.querySelector(`#row-${CSS.escape(one.case_id)} .state`);
      if (tag) { tag.textContent = t(`states.${state}`); tag.className = `tag state ${state}`; }
      point(at + 1);
    } });
    side.sign = sign;
    fill(side, h("div", { class: "card stack" },
      hasPicture(one) ? h("img", { class: "side-picture", src: `/v1/cases/${one.case_id}/picture?side=640`, alt: one.name }) : null,
      h("div", {}, h("a", { class: "name", href: `/case/${one.case_id}`, "data-go": "" }, named(one.name)), h("p", { class: "soft small" }, one.answer ?? "")),
      sign.node));
  }

  // Always there, and of one height, so that no row moves under the pointer when the first case is ticked.
  function bulkBar() {
    const may = who?.role !== "submit";
    const count = h("b", {});
    const note = h("span", { class: "wrong small", role: "alert" });
    const reason = h("input", { type: "text", id: "bulk-reason", placeholder: t("sign.reason"), "aria-label": t("sign.reason") });
    const node = h("div", { class: "bulk card", role: "group", "aria-label": t("queue.together") }, h("p", { class: "small" }, count, " ", note),
      may ? [reason, Object.values(KEYS).map((one) => h("button", { class: "small", onclick: () => signAll(one, reason, note) }, t(`sign.${one}`)))] : null,
      h("span", { class: "soft small export" }, t("queue.export")),
      ["csv", "json", "zip"].map((format) => h("button", { class: "small", onclick: () => take(format, note) }, format.toUpperCase())));
    function draw() {
      count.textContent = chosen.size ? t("queue.chosen", { n: chosen.size }) : t(may ? "queue.tick" : "queue.tick_export");
      note.textContent = "";
      for (const field of node.querySelectorAll("input, button")) field.disabled = !chosen.size;
    }
    draw();
    return { node, draw };
  }

  async function signAll(decision, reason, note) {
    if (!reason.value.trim()) { note.textContent = t("sign.needs_reason"); reason.focus(); return; }
    try {
      const found = await sendJson("POST", "/v1/reviews", { case_ids: [...chosen], decision, reason: reason.value });
      reason.value = "";
      const signed = t("queue.signed", { n: found.signed.length, left: Object.keys(found.left).length });
      say(signed);
      await load(signed);
    } catch (error) { note.textContent = error.message; }
  }

  async function take(format, note) {
    try {
      const made = await send("/v1/export", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ case_ids: [...chosen], format, language: language() }) });
      download(await made.blob(), `faceagent-cases.${format}`);
      say(t("queue.exported"));
    } catch (error) { note.textContent = error.message; }
  }

  function onKey(event) {
    if (typing(event) || document.querySelector("dialog[open]")) return;
    const keys = {
      j: () => point(at + 1), k: () => point(at - 1), Enter: () => cases[at] && !event.target.closest?.("a, button, summary") && go(`/case/${cases[at].case_id}`),
      x: () => { const box = list.children[at]?.querySelector("input"); if (box) box.click(); },
    };
    if (event.key in KEYS && cases[at]) {
      event.preventDefault();
      clearTimeout(point.later);
      drawSide();
      side.sign.focus(KEYS[event.key]);
    } else if (event.key in keys) {
      if (event.key !== "Enter") event.preventDefault();
      keys[event.key]();
    }
  }
  document.addEventListener("keydown", onKey);

  const all = h("label", { class: "inline small" }, every, t("queue.all"));
  fill(place, h("div", { class: "queue-head" }, h("h1", {}, t("queue.title")), h("p", { class: "soft small keys" }, t("queue.keys"))),
    filter.node, h("div", { class: "queue-grid" }, h("div", { class: "stack" }, h("div", { class: "row" }, all, told), bulk.node, list, more), side));
  await load();
  return () => { asked += 1; clearTimeout(point.later); document.removeEventListener("keydown", onKey); };
}
