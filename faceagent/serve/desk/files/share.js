// Taking a case away: the report as a page or PDF, its JSON, and a page on which everybody else is unrecognisable.

import { h } from "./dom.js";
import { t } from "./words.js";

export function shareMenu(state) {
  const path = `/v1/cases/${state.id}`;
  const redacted = h("a", { class: "button", download: "" }, t("share.redacted"));
  function point() {
    redacted.href = `${path}/redacted.html?face=${state.face}`;
    redacted.hidden = !state.face || !state.view.kept;
    redacted.title = t("share.redacted_help", { id: state.face });
  }
  state.onFace.push(point);
  point();
  return [
    h("a", { class: "button", href: `${path}/report.html`, download: `${state.id}.html` }, t("share.page")),
    h("a", { class: "button", href: `${path}/report.pdf`, download: `${state.id}.pdf` }, t("share.pdf")),
    h("a", { class: "button", href: `${path}/report.pdf.sig`, download: `${state.id}.pdf.sig`, title: t("share.signature_help") }, t("share.signature")),
    redacted,
    h("a", { class: "button", href: path, download: `${state.id}.json` }, "JSON"),
  ];
}
