// One case as a line of a list.

import { h, named } from "./dom.js";
import { t, when } from "./words.js";

export function caseRow(one) {
  return h("a", { class: "case-row", href: `/case/${one.case_id}`, "data-go": "" },
    thumbnail(one),
    h("span", { class: "grow" },
      h("span", { class: "name" }, one.name ? named(one.name) : one.case_id),
      h("span", { class: "soft small line" }, one.answer ?? when(one.created))),
    one.sign_off && one.sign_off !== "open" ? h("span", { class: `tag ${one.sign_off}` }, t(`states.${one.sign_off}`)) : null);
}

// Whether there is a picture to show: a file that could not be read may have been kept as well.
export function hasPicture(one) { return one.kept && !one.problem; }

export function thumbnail(one) {
  if (!hasPicture(one)) return h("span", { class: "thumb none", "aria-hidden": "true" });
  return h("img", { class: "thumb", src: `/v1/cases/${one.case_id}/thumbnail`, alt: "", loading: "lazy", width: "48", height: "48" });
}
