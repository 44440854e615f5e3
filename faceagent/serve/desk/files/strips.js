// Verdicts as strips: the answer in words, its place on the verbal scale with its interval, and its number.

import { h } from "./dom.js";
import { citing } from "./case_state.js";
import { t } from "./words.js";

export function strips(state, subject) {
  const found = state.view.strips.filter((one) => one.subject === subject);
  return h("div", { class: "strips" }, found.map((one) => strip(state, one)));
}

function strip(state, one) {
  const verdict = state.verdicts.get(one.verdict);
  const card = h("article", { class: `strip ${one.tone}` },
    h("h3", {}, one.title),
    h("p", { class: "answer" }, one.answer),
    one.bar ? scale(state, one.bar) : null,
    one.reason ? h("p", { class: "soft small" }, one.reason) : null,
    verdict.contradicts.length ? h("p", { class: "soft small" }, t("case.against", { n: verdict.contradicts.length })) : null);
  return citing(state, card, [one.verdict]);
}

function scale(state, bar) {
  const width = Math.max(bar.high - bar.low, 0.8);
  const drawing = h("svg", { class: "scale", viewBox: "0 0 100 12", preserveAspectRatio: "none", role: "img", "aria-label": bar.text },
    bar.ends
      ? state.view.zones.map((zone, place) => h("rect", { class: place % 2 ? "zone other" : "zone", x: zone.left, y: 3, width: zone.width, height: 6 }, h("title", {}, zone.words)))
      : [h("rect", { class: "zone", y: 3, width: 100, height: 6, x: 0 }), h("rect", { class: "fill", y: 3, width: bar.value, height: 6, x: 0 })],
    h("rect", { class: "whisker", x: Math.min(bar.low, 100 - width), y: 5.3, width, height: 1.4 }),
    bar.ends ? h("rect", { class: "mark", x: Math.min(98.6, Math.max(0, bar.value - 0.7)), y: 0.5, width: 1.4, height: 11 }) : null);
  return [drawing,
    bar.ends ? h("p", { class: "ends", "aria-hidden": "true" }, h("span", {}, bar.ends[0]), h("span", {}, bar.ends[1])) : null,
    h("p", { class: "number" }, bar.text)];
}
