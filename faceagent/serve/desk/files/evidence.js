// Everything that was recorded about a face or the picture, one row per measurement, and the explanations that cite it.

import { fill, fold, h } from "./dom.js";
import { citation, citing } from "./case_state.js";
import { t } from "./words.js";

export function evidenceTable(state, subject) {
  const all = state.report.evidence.filter((one) => one.subject === subject);
  const body = h("tbody", {});
  const search = h("input", { type: "search", placeholder: t("case.find_evidence"), "aria-label": t("case.find_evidence"), oninput: () => draw() });
  const shown = h("span", { class: "soft small", role: "status" });

  function draw() {
    const wanted = search.value.toLowerCase();
    const found = all.filter((one) => !wanted || `${one.id} ${one.statement} ${one.tool.name} ${one.label ?? ""}`.toLowerCase().includes(wanted));
    fill(body, found.map((one) => row(state, one)));
    shown.textContent = t("case.of", { n: found.length, all: all.length });
  }
  draw();
  return h("div", { class: "evidence" }, h("div", { class: "row" }, search, shown),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("case.evidence") }, h("table", {},
      h("thead", {}, h("tr", {}, ["id", "statement", "score", "tool"].map((name) => h("th", { scope: "col" }, t(`columns.${name}`))))), body)));
}

function row(state, one) {
  const made = h("tr", { "data-evidence": one.id, class: one.status === "ok" ? null : "faint" },
    h("td", {}, h("code", {}, one.id)),
    h("td", { lang: "en" }, one.statement, one.status === "ok" ? null : h("span", { class: "tag" }, one.reason ? t(`reasons.${one.reason}`) : t(`statuses.${one.status}`))),
    h("td", { class: "figure" }, one.score ? [Number(one.score.value.toPrecision(3)), " ", h("span", { class: "soft small" }, one.score.scale)] : null),
    h("td", { class: "soft small" }, `${one.tool.name} ${one.tool.version}`));
  made.addEventListener("pointerenter", () => state.light(state.about(one)));
  made.addEventListener("pointerleave", () => state.light([]));
  return made;
}

const MOST_CITED = 4;

// One fold per question, the most important question first and open.
export function explanations(state, subject) {
  const order = state.view.strips.filter((one) => one.subject === subject).map((one) => one.question);
  const told = state.report.explanations.filter((one) => one.subject === subject && one.steps.length);
  told.sort((one, other) => order.indexOf(one.question) - order.indexOf(other.question));
  return told.map((one, place) => {
    const node = fold(t(`titles.${one.question}`), [
      h("ul", { class: "sentences", lang: "en" }, one.steps.map((step) => sentence(state, step))),
      one.struck.length ? h("ul", { class: "sentences soft", lang: "en" }, one.struck.map((claim) => h("li", {}, h("s", {}, claim)))) : null,
    ], { open: place === 0 });
    node.classList.add("told");
    return node;
  });
}

function sentence(state, step) {
  const cited = step.cites.slice(0, MOST_CITED).flatMap((id) => [" ", citation(state, id)]);
  const more = step.cites.length - MOST_CITED;
  return citing(state, h("li", {}, step.text, cited, more > 0 ? h("span", { class: "soft small" }, ` + ${more}`) : null), step.cites);
}
