// What the file says about itself: content credentials as a tree, EXIF and XMP as a table. Text from the file stays text.

import { h } from "./dom.js";
import { t } from "./words.js";

const TREE = ["state", "issuer", "signed", "generator", "generators", "actions", "digital_source_types", "failures", "remote"];

export function provenance(state) {
  const found = state.report.evidence.filter((one) => one.question === "provenance");
  const credentials = found.find((one) => one.id.endsWith(":c2pa"));
  const metadata = found.find((one) => one.id.endsWith(":metadata"));
  const picture = state.report.picture;
  return h("div", { class: "provenance" },
    h("h4", {}, t("case.credentials")), credentials ? [h("p", { lang: "en", "data-evidence": credentials.id }, credentials.statement), tree(credentials)] : null,
    h("h4", {}, t("case.metadata")), metadata ? [h("p", { lang: "en", "data-evidence": metadata.id }, metadata.statement), facts(metadata)] : null,
    h("h4", {}, t("case.file")),
    h("dl", { class: "facts" },
      entry("SHA-256", h("code", {}, picture.sha256)), entry(t("case.format"), `${picture.format}, ${picture.mode}`),
      entry(t("case.size"), `${picture.width} × ${picture.height} px`), entry(t("case.bytes"), picture.bytes),
      picture.notes.map((note) => entry(t("case.note"), h("span", { lang: "en" }, note)))));
}

function entry(name, value) { return [h("dt", {}, name), h("dd", {}, value)]; }

function tree(one) {
  const known = TREE.filter((name) => name in one.facts);
  if (one.facts.state === "none" || !known.length) return null;
  return h("ul", { class: "tree" }, h("li", {}, h("b", {}, t("c2pa.manifest")), h("ul", {}, known.map((name) => {
    const values = String(one.facts[name]).split(", ");
    return h("li", {}, t(`c2pa.${name}`), values.length > 1 ? h("ul", {}, values.map((value) => h("li", {}, h("bdi", {}, value)))) : [": ", h("bdi", {}, values[0])]);
  }))));
}

function facts(one) {
  const rows = Object.entries(one.facts);
  if (!rows.length) return null;
  return h("table", { class: "plain-table" }, h("caption", { class: "unseen" }, t("case.metadata")),
    h("tbody", {}, rows.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name.replace(/^(exif|xmp)_/, (_, kind) => `${kind.toUpperCase()} `).replaceAll("_", " ")), h("td", {}, h("bdi", {}, String(value)))))));
}
