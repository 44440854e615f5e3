// The page of one case: the answer on top, the picture beside its reasons and what was found, the conversation below it.

import { caseState, citing, followPicks } from "./case_state.js";
import { actionUnits, quality } from "./charts.js";
import { chat } from "./chat.js";
import { fill, fold, h, named, seen } from "./dom.js";
import { evidenceTable, explanations } from "./evidence.js";
import { getJson } from "./http.js";
import { provenance } from "./provenance.js";
import { compare } from "./compare.js";
import { shareMenu } from "./share.js";
import { signOff } from "./signoff.js";
import { stage } from "./stage.js";
import { strips } from "./strips.js";
import { timeline } from "./timeline.js";
import { language, t, when } from "./words.js";

const PICTURE = "P1";
const narrow = matchMedia("(max-width: 640px)");

export async function open(place, { argument: id, who, go }) {
  let report;
  let view;
  try {
    [{ report }, view] = await Promise.all([getJson(`/v1/cases/${id}`), getJson(`/v1/cases/${id}/view?language=${language()}`)]);
  } catch (error) {
    fill(place, missing(error));
    return undefined;
  }
  document.title = `${report.source} · faceagent`;
  const state = caseState(id, report, view);
  const stateTag = h("span", { class: "tag case-state" });
  const grid = h("div", { class: "case-grid" });
  // The answer first: drawing all that it rests on takes longer.
  fill(place, head(state, stateTag), summary(state), grid);
  await seen();
  const picture = report.picture ? stage(state) : null;
  const about = h("div", { class: "about-face stack" });
  const tabs = h("div", { class: "face-tabs", role: "group", "aria-label": t("case.faces") });

  function draw() {
    drawTabs(tabs, state);
    fill(about, ofFace(state), ofPicture(state));
  }
  state.onFace.push(draw);
  draw();
  const sign = signOff(id, who, { shown: (now) => { stateTag.textContent = t(`states.${now}`); stateTag.className = `tag case-state ${now}`; } });
  const panels = h("div", { class: "stack panels" }, grounds(state.view.summary), tabs, compare(state, go), about);
  fill(grid,
    h("div", { class: "beside" }, picture?.node, h("div", { class: "chat-column stack" }, chat(state), h("div", { class: "card" }, sign.node))),
    panels);
  followPicks(state, place);
  return () => picture?.close();
}

function missing(error) {
  const known = error.status === 410 ? "expired" : error.status === 404 ? "unknown" : null;
  return h("section", { class: "card empty" }, h("h1", {}, known ? t(`case.${known}`) : t("case.failed")),
    h("p", {}, known ? t(`case.${known}_help`) : error.message), h("p", {}, h("a", { href: "/", class: "button main", "data-go": "" }, t("nav.desk"))));
}

function head(state, stateTag) {
  const { report, view, id } = state;
  return h("header", { class: "case-head" },
    h("div", { class: "grow" }, h("p", { class: "row" }, h("span", { class: "name big" }, named(report.source)), stateTag),
      h("p", { class: "soft small" }, h("code", {}, id), ` · ${when(view.created)} · ${t("case.expires", { when: when(view.expires) })}`)),
    shareMenu(state));
}

function summary(state) {
  const { summary: told } = state.view;
  const [answer, ...left] = told.answer.split("\n");
  const lead = citing(state, h("h1", {}, answer), told.cites);
  return h("section", { class: `summary card ${state.view.tone}`, "aria-label": t("case.summary"), lang: spoken(told) },
    lead, left.map((line) => h("p", {}, line)));
}

function spoken(told) { return told.language === "zh" ? "zh-Hans" : told.language; }

function grounds(told) {
  return h("dl", { class: "grounds card", "aria-label": t("case.why"), lang: spoken(told) }, [["reason", "why"], ["trust", "how_sure"], ["next_step", "what_next"]].filter(([field]) => told[field]).map(([field, name]) =>
      [h("dt", {}, t(`case.${name}`)), h("dd", {}, told[field].split("\n").map((line) => h("p", {}, line)))]));
}

function drawTabs(place, state) {
  const { faces } = state.report;
  if (faces.length < 2) { fill(place); return; }
  fill(place, h("h2", {}, t("case.n_faces", { n: faces.length })), h("div", { class: "chips" }, faces.map((face) => {
    const tone = state.view.tones[face.id] ?? "plain";
    return h("button", { class: `chip ${tone}`, "aria-pressed": String(face.id === state.face), onclick: () => state.choose(face.id) }, face.id);
  })));
}

function ofFace(state) {
  const face = state.report.faces.find((one) => one.id === state.face);
  if (!face) {
    return state.report.picture ? h("section", { class: "card empty" }, h("h2", {}, t("case.no_face")), h("p", { class: "soft" }, t("case.no_face_help"))) : null;
  }
  const why = explanations(state, face.id);
  return [
    h("section", { class: "card" }, h("h2", {}, t("case.answers", { id: face.id })), strips(state, face.id)),
    why.length ? h("section", { class: "card" }, fold(t("case.explained"), [h("p", { class: "soft small" }, t("case.explained_help")), why], { open: true })) : null,
    h("section", { class: "card" }, fold(t("case.charts"), h("div", { class: "columns" }, quality(face), actionUnits(state, face)), { open: !narrow.matches })),
    h("section", { class: "card" }, fold(t("case.evidence"), evidenceTable(state, face.id), { note: face.id })),
  ];
}

function ofPicture(state) {
  const { report } = state;
  return [
    report.picture ? h("section", { class: "card" }, fold(t("case.origin"), [strips(state, PICTURE), provenance(state)], { id: "origin" })) : null,
    report.picture ? h("section", { class: "card" }, fold(t("case.steps"), timeline(state))) : null,
    h("section", { class: "card" }, fold(t("case.limits"), h("ul", { class: "sentences", lang: "en" }, report.limitations.map((one) => h("li", {}, one)),
      report.refused.map((one) => h("li", {}, one.notice))))),
  ];
}
