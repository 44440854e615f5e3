// The steps of the agent in the order in which a run takes them, how long each took, and what each recorded.

import { h } from "./dom.js";
import { nameOf } from "./upload.js";
import { t } from "./words.js";

const BEFORE = ["intake", "faces"];
const AFTER = ["weigh", "explain", "compose"];

export function timeline(state) {
  const { timings_ms: times } = state.report.manifest;
  const tools = Object.keys(times).filter((one) => one.startsWith("tool."));
  const order = [...BEFORE, ...tools.sort((one, other) => times[other] - times[one]), ...AFTER].filter((one) => one in times);
  const most = Math.max(...order.map((one) => times[one]), 1);
  return h("ol", { class: "timeline" }, order.map((part) => h("li", { class: part.startsWith("tool.") ? "tool" : null },
    h("span", { class: "what" }, nameOf(part), h("span", { class: "soft small" }, outcome(state, part))),
    h("svg", { class: "bar-chart", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" }, h("rect", { class: "fill", x: 0, y: 1, width: Math.max(0.5, (100 * times[part]) / most), height: 4, rx: 1 })),
    h("span", { class: "figure" }, times[part] >= 1000 ? `${(times[part] / 1000).toFixed(1)} s` : `${Math.round(times[part])} ms`))));
}

function outcome(state, part) {
  const { report } = state;
  if (part === "faces") return t("steps.faces", { n: report.faces.length });
  if (part === "weigh") return t("steps.verdicts", { n: report.verdicts.length });
  if (part === "explain") return t("steps.sentences", { n: report.explanations.reduce((sum, one) => sum + one.steps.length, 0) });
  if (!part.startsWith("tool.")) return "";
  const made = report.evidence.filter((one) => one.tool.name === part.slice(5));
  const open = made.filter((one) => one.status !== "ok").length;
  return t(open ? "steps.evidence_open" : "steps.evidence", { n: made.length, open });
}
