// What is asked about a picture: questions, purpose, pictures to compare with, and whether the picture is kept.

import { fill, h, named } from "./dom.js";
import { list, t } from "./words.js";

const references = [];

export function optionFields() {
  const shown = h("ul", { class: "plain stack" });
  const file = h("input", { type: "file", id: "references", multiple: true, accept: "image/*", class: "unseen", onchange: () => { take(file.files); file.value = ""; } });
  const compare = h("section", { class: "card stack references", "aria-labelledby": "compare-title", ondrop: (event) => { event.preventDefault(); take(event.dataTransfer.files); } },
    h("h2", { id: "compare-title" }, t("options.compare")), h("p", { class: "soft small" }, t("options.compare_help")),
    h("div", { class: "row" }, h("label", { class: "button", for: "references" }, t("options.add_reference")), file), h("div", { role: "status" }, shown));
  const questions = h("div", { class: "chips" }, list("questions").map((name) =>
    h("label", { class: "chip" }, h("input", { type: "checkbox", name: "question", value: name }), t(`titles.${name}`))));
  const purpose = h("select", { id: "purpose" }, list("purposes").map((name) => h("option", { value: name }, t(`purposes.${name}`))));
  const keep = h("input", { type: "checkbox", id: "keep", checked: true });

  function take(files) {
    references.push(...files);
    draw();
  }
  function draw() {
    for (const picture of shown.querySelectorAll("img")) URL.revokeObjectURL(picture.src);
    fill(shown, references.map((one, place) => h("li", { class: "row reference" }, h("img", { class: "thumb", alt: "", src: URL.createObjectURL(one) }),
      h("span", { class: "grow small" }, t("options.with"), " ", named(one.name)),
      h("button", { class: "quiet small", "aria-label": t("options.remove", { name: one.name }), onclick: () => { references.splice(place, 1); draw(); } }, "×"))));
  }
  draw();

  const asked = h("details", { class: "card fold" },
    h("summary", {}, h("h2", {}, t("options.title")), h("span", { class: "soft small" }, t("options.note"))),
    h("fieldset", {}, h("legend", {}, t("options.questions")), h("p", { class: "soft small" }, t("options.questions_help")), questions),
    h("p", { class: "field" }, h("label", { for: "purpose" }, t("options.purpose")), purpose),
    h("p", { class: "field" }, h("label", { for: "keep", class: "inline" }, keep, t("options.keep"))));

  function values() {
    const chosen = [...questions.querySelectorAll("input:checked")].map((one) => one.value);
    const fields = { keep: keep.checked ? "true" : "false" };
    if (chosen.length) fields.questions = chosen;
    if (purpose.value && purpose.value !== "unstated") fields.purpose = purpose.value;
    return { fields, references: [...references] };
  }
  // A person of one picture is not silently compared with the next one.
  function clear() { references.length = 0; }
  return { nodes: [compare, asked], values, clear };
}
