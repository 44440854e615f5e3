// Quality and action units of a face as bars, with their numbers as text.

import { fold, h } from "./dom.js";
import { t } from "./words.js";

const QUALITY = ["unified", "sharpness", "illumination", "exposure", "resolution", "pose", "visibility", "detection"];
const MOST_INTENSITY = 5;

function bar(label, share, text, faint = false, more = {}) {
  return h("tr", { class: faint ? "faint" : null, ...more },
    h("th", { scope: "row" }, label),
    h("td", { class: "track-cell" }, h("svg", { class: "bar-chart", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
      h("rect", { class: "zone", x: 0, y: 0, width: 100, height: 6, rx: 1 }),
      h("rect", { class: "fill", x: 0, y: 0, width: 100 * Math.min(1, Math.max(0, share)), height: 6, rx: 1 }))),
    h("td", { class: "figure" }, text));
}

export function quality(face) {
  return h("table", { class: "bars" }, h("caption", {}, t("case.quality")),
    h("tbody", {}, QUALITY.map((name) => bar(t(`quality.${name}`), face.quality[name] / 100, String(Math.round(face.quality[name]))))));
}

// Units by intensity: those that were found, the others behind a fold; hovering one lights its part of the face.
export function actionUnits(state, face) {
  const units = state.report.evidence.filter((one) => one.subject === face.id && one.question === "action_units");
  const measured = units.filter((one) => one.score).sort((one, other) => other.score.value - one.score.value);
  const hidden = units.filter((one) => !one.score && /:AU\d/.test(one.id));
  if (!units.length) return null;
  const rowOf = (one) => row(state, one, one.score.value / MOST_INTENSITY, one.score.value.toFixed(1), one.label === "absent");
  const found = measured.filter((one) => one.label !== "absent");
  const others = [...measured.filter((one) => one.label === "absent").map(rowOf), ...hidden.map((one) => row(state, one, 0, t("case.not_seen"), true))];
  return h("div", { class: "stack" },
    h("table", { class: "bars" }, h("caption", {}, t("case.units")), h("tbody", {}, found.map(rowOf))),
    found.length ? null : h("p", { class: "soft small" }, t("case.no_units")),
    others.length ? fold(t("case.other_units", { n: others.length }), h("table", { class: "bars" }, h("caption", { class: "unseen" }, t("case.units")), h("tbody", {}, others))) : null);
}

function row(state, one, share, text, faint) {
  const code = one.id.split(":")[1];
  const made = bar(h("span", { title: one.statement }, h("b", {}, code), " ", h("span", { class: "soft" }, t(`units.${code}`))), share, text, faint, { "data-evidence": one.id });
  made.addEventListener("pointerenter", () => state.light(state.about(one)));
  made.addEventListener("pointerleave", () => state.light([]));
  return made;
}
