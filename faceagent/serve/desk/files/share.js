// Taking a case away: the report as a page or PDF, its JSON, and a page on which everybody else is unrecognisable.

import { h } from "./dom.js";
import { language, t } from "./words.js";

export function shareMenu(state) {
  const path = `/v1/cases/${state.id}`;
  const spoken = `language=${language()}`;
  const file = (name, ending, more = {}) => h("a", { class: "button", href: `${path}/report.${ending}?${spoken}`, download: `${state.id}.${ending}`, ...more }, t(`share.${name}`));
  const redacted = h("a", { class: "button", download: "" }, t("share.redacted"));
  function point() {
    redacted.href = `${path}/redacted.html?face=${state.face}&${spoken}`;
    redacted.hidden = !state.face || !state.view.kept;
    redacted.title = t("share.redacted_help", { id: state.face });
  }
  state.onFace.push(point);
  point();
  return h("div", { class: "row", role: "group", "aria-label": t("share.title") },
    h("span", { class: "soft small" }, t("share.title")),
    file("pdf", "pdf", { class: "button main", title: t("share.pdf_help") }),
    file("signature", "pdf.sig", { title: t("share.signature_help") }),
    file("page", "html", { title: t("share.page_help") }),
    redacted,
    h("a", { class: "button", href: path, download: `${state.id}.json`, title: t("share.json_help") }, "JSON"));
}
