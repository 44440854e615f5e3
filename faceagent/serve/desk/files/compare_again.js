// The kept picture of a case, analysed again beside references that are chosen now; the result is a case of its own.

import { h, say } from "./dom.js";
import { t } from "./words.js";
import { analyse } from "./upload.js";

export function compareAgain(state, go) {
  const { report, view, id } = state;
  if (!report.picture) return null;
  if (!view.kept) return h("p", { class: "soft small" }, t("compare.again_not_kept"));
  const note = h("p", { class: "soft small", role: "status" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": t("desk.progress") });
  const steps = h("ol", { class: "steps-live", "aria-label": t("desk.steps") });
  const live = h("div", { class: "stack", hidden: true }, bar, steps);
  const file = h("input", { type: "file", id: "compare-with", multiple: true, accept: "image/*", class: "unseen", onchange: start });
  const { questions, purpose, jurisdiction } = report.request;
  // No question stands for all of them; of some, identity is one from now on.
  const asked = questions.length ? [...new Set([...questions, "identity"])] : [];

  async function start() {
    const references = [...file.files];
    file.value = "";
    if (!references.length) return;
    file.disabled = true;
    live.hidden = false;
    try {
      const fields = { url: `case:${id}`, keep: "true", questions: asked, purpose, jurisdiction };
      const made = await analyse({ note, bar, steps, options: { fields, references } });
      // Who has gone elsewhere meanwhile is not called back.
      if (file.isConnected) go(`/case/${made.case_id}`);
    } catch (error) {
      note.textContent = error.message;
      note.classList.add("wrong");
      say(error.message);
      live.hidden = true;
    }
    file.disabled = false;
  }

  return h("div", { class: "stack again" },
    h("div", { class: "row" }, h("label", { class: "button", for: file.id }, t("compare.again")), file, h("span", { class: "soft small grow" }, t("compare.again_help"))),
    live, note);
}
