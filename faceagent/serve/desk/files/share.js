// Taking a case away: the report as a page or PDF, its JSON, and a page on which everybody else is unrecognisable.

import { download, h, say } from "./dom.js";
import { send } from "./http.js";
import { language, t } from "./words.js";

export function shareMenu(state) {
  const path = `/v1/cases/${state.id}`;
  const stem = state.view.file_stem;
  const spoken = `language=${language()}`;
  const told = h("p", { class: "soft small" });
  const note = h("p", { class: "soft small" }, t("share.redacted_note"));
  const link = (name, address, file, more = {}) => h("a", { class: "button", href: address, download: file, title: t(`share.${name}_help`), onclick: take, ...more }, t(`share.${name}`));
  const report = (name, ending, more) => link(name, `${path}/report.${ending}?${spoken}`, `${stem}.${ending}`, more);
  const redacted = link("redacted", "", "");

  function tell(text, wrong = false) {
    told.textContent = text;
    told.classList.toggle("wrong", wrong);
    say(text);
  }
  // Fetched here and not by the browser, so that the page can say what was saved, or why nothing was.
  async function take(event) {
    event.preventDefault();
    const { href, download: name } = event.currentTarget;
    tell(t("share.making", { name }));
    try {
      download(await (await send(href)).blob(), name);
      tell(t("share.saved", { name }));
    } catch (error) { tell(error.message, true); }
  }
  function point() {
    redacted.href = `${path}/redacted.html?face=${state.face}&${spoken}`;
    redacted.download = `${state.id}-${state.face}-redacted.html`;
    redacted.hidden = note.hidden = !state.face || !state.view.kept;
    redacted.title = t("share.redacted_help", { id: state.face });
  }
  state.onFace.push(point);
  point();
  return h("div", { class: "share" },
    h("div", { class: "row", role: "group", "aria-label": t("share.title") },
      h("span", { class: "soft small" }, t("share.title")),
      report("pdf", "pdf", { class: "button main" }), report("signature", "pdf.sig"), report("page", "html"), redacted,
      link("json", path, `${stem}.json`)),
    note, told);
}
