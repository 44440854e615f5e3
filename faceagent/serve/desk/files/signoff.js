// Signing off: what others have said about a case, and the form for one's own word. What is typed outlives everything.

import { fill, h, named, say } from "./dom.js";
import { getJson, sendJson } from "./http.js";
import { t, when } from "./words.js";

const DECISIONS = ["accept", "reject", "escalate"];
const LABELS = ["REAL", "MANIPULATED", "SYNTHETIC", "UNKNOWN"];

const draftOf = (id) => `draft-${id}`;

// The sign-offs of one case with the form. ``shown`` is told of every state that is drawn, ``done`` of one's own signing.
export function signOff(id, who, { shown = () => {}, done = () => {} } = {}) {
  const may = who && who.role !== "submit";
  const said = h("ol", { class: "reviews" });
  const state = h("span", { class: "tag" });
  const wrong = h("p", { class: "wrong", role: "alert", id: `wrong-${id}` });
  const reason = h("textarea", { rows: "2", id: `reason-${id}`, maxlength: "2000", "aria-required": "true", "aria-describedby": wrong.id, oninput: keep });
  const label = h("select", { id: `label-${id}`, "aria-describedby": `label-help-${id}` }, h("option", { value: "" }, t("sign.no_label")), LABELS.map((one) => h("option", { value: one }, t(`labels.${one}`))));
  const choices = DECISIONS.map((one) => h("label", { class: `chip ${one}` },
    h("input", { type: "radio", name: `decision-${id}`, value: one, onchange: keep }), t(`sign.${one}`)));
  // The page itself says what is missing: the browser's own bubble would cover the button.
  const form = h("form", { class: "sign-form", novalidate: true, onsubmit: submit },
    h("div", { class: "chips", role: "radiogroup", "aria-label": t("sign.decision") }, choices),
    h("p", { class: "soft small" }, t("sign.escalate_help")),
    h("label", { for: reason.id }, t("sign.reason")), reason, wrong,
    h("div", { class: "row" }, h("label", { class: "inline small", for: label.id }, t("sign.label"), label),
      h("button", { class: "main", type: "submit" }, t("sign.go"))),
    h("p", { class: "soft small", id: `label-help-${id}` }, t("sign.label_help")));
  const again = h("button", { class: "small", type: "button", hidden: true, onclick: () => { unfold(); reason.focus(); } }, t("sign.again"));
  let seen = 0;
  restore();

  // What is signed needs no empty form; who means to sign again opens it.
  function unfold(open = true) {
    form.hidden = !open;
    again.hidden = open;
  }
  function value() { return form.querySelector("input:checked")?.value ?? ""; }
  function keep() { sessionStorage.setItem(draftOf(id), JSON.stringify({ decision: value(), reason: reason.value })); }
  function restore() {
    const draft = JSON.parse(sessionStorage.getItem(draftOf(id)) ?? "{}");
    reason.value = draft.reason ?? "";
    if (draft.decision) choose(draft.decision);
  }
  function choose(decision) {
    const button = form.querySelector(`input[value="${decision}"]`);
    if (button) button.checked = true;
  }

  async function load() {
    const found = await getJson(`/v1/cases/${id}/reviews`);
    draw(found);
    return found;
  }
  function draw(found) {
    seen = found.reviews.length;
    state.textContent = t(`states.${found.state}`);
    state.className = `tag ${found.state}`;
    shown(found.state);
    fill(said, found.reviews.map((one) => h("li", {}, t("sign.by"), " ", h("b", {}, named(one.reviewer)), ": ", h("span", { class: `tag ${one.decision}` }, t(`signed.${one.decision}`)),
      h("span", { class: "soft small" }, ` ${when(one.created)}`), h("p", {}, one.reason))));
  }

  async function submit(event) {
    event.preventDefault();
    wrong.textContent = "";
    reason.removeAttribute("aria-invalid");
    if (!value()) {
      wrong.textContent = t("sign.needs_decision");
      form.querySelector("input").focus();
      return;
    }
    if (!reason.value.trim()) {
      wrong.textContent = t("sign.needs_reason");
      reason.setAttribute("aria-invalid", "true");
      reason.focus();
      return;
    }
    const body = { decision: value(), reason: reason.value, seen, label: label.value || null };
    try {
      const found = await sendJson("POST", `/v1/cases/${id}/reviews`, body);
      sessionStorage.removeItem(draftOf(id));
      form.reset();
      draw(found);
      unfold(false);
      again.focus();
      say(t("sign.done", { state: t(`states.${found.state}`) }));
      done(found.state);
    } catch (error) {
      wrong.textContent = error.code === "conflict" ? t("sign.conflict") : error.message;
      if (error.code === "conflict") await load().catch(() => {});
      reason.focus();
    }
  }

  load().then((found) => { if (found.state !== "open" && !reason.value && !value()) unfold(false); }, (error) => { wrong.textContent = error.message; });
  const node = h("section", { class: "sign" }, h("div", { class: "row" }, h("h2", {}, t("sign.title")), state), said, may ? [form, again] : h("p", { class: "soft small" }, t("sign.role")));
  return {
    node,
    focus(decision) {
      unfold();
      if (decision) { choose(decision); keep(); }
      reason.focus();
    },
  };
}
