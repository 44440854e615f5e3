// The first page: pictures come in by drop, paste, file dialog or camera, and are analysed one after the other.

import { openCamera } from "./camera.js";
import { fill, h, named, say } from "./dom.js";
import { getJson } from "./http.js";
import { optionFields } from "./options.js";
import { caseRow } from "./case_row.js";
import { analyse } from "./upload.js";
import { language, t } from "./words.js";

const AT_ONCE = 2;
const RECENT = 8;
// What was dropped stays when the page is left and come back to, and after an error.
const entries = [];

export async function open(place, { go }) {
  const rows = h("ul", { class: "uploads" });
  const files = h("input", { type: "file", id: "files", multiple: true, accept: "image/*", class: "unseen", onchange: () => { take(files.files); files.value = ""; } });
  const options = optionFields();
  const drop = h("section", { class: "drop", "aria-labelledby": "drop-title" },
    h("h1", { id: "drop-title" }, t("desk.title")),
    h("p", { class: "soft" }, t("desk.help")),
    h("div", { class: "row centre" },
      h("label", { class: "button main", for: "files" }, t("desk.choose")), files,
      h("button", { onclick: photograph }, t("desk.camera"))),
    h("p", { class: "soft small" }, t("desk.private")));
  const recent = h("section", { class: "recent" });
  let counter = 0;

  function take(list) {
    const pictures = [...list].filter((one) => one.size !== undefined);
    if (!pictures.length) return;
    for (const file of pictures) entries.push(entryOf(file));
    say(t("desk.taken", { n: pictures.length }));
    work();
  }

  function entryOf(file) {
    const entry = { file, name: file.name || t("desk.pasted"), state: "waiting", number: counter++, options: options.values() };
    return draw(entry);
  }

  function draw(entry) {
    entry.bar = h("progress", { max: 1, value: 0, "aria-label": t("desk.progress") });
    entry.steps = h("ol", { class: "steps-live", "aria-label": t("desk.steps") });
    entry.note = h("p", { class: "soft small" });
    entry.again = h("button", { class: "small", hidden: true, onclick: () => { entry.state = "waiting"; work(); } }, t("desk.again"));
    entry.picture = h("img", { alt: "", class: "preview" });
    entry.url = URL.createObjectURL(entry.file);
    entry.picture.src = entry.url;
    entry.picture.addEventListener("error", () => { entry.picture.hidden = true; });
    entry.row = h("li", { class: "upload card" }, entry.picture,
      h("div", { class: "grow" }, h("p", { class: "name" }, named(entry.name)), entry.bar, entry.steps, entry.note, entry.again));
    return entry;
  }

  async function work() {
    for (const entry of entries) if (entry.row.parentNode !== rows) rows.append(entry.row);
    const busy = entries.filter((one) => one.state === "busy").length;
    const next = entries.filter((one) => one.state === "waiting").slice(0, Math.max(0, AT_ONCE - busy));
    await Promise.all(next.map(one));
  }

  async function one(entry) {
    entry.state = "busy";
    entry.again.hidden = true;
    try {
      const made = await analyse(entry);
      entry.state = "done";
      fill(entry.note, h("a", { href: `/case/${made.case_id}`, "data-go": "" }, t("desk.open_case")));
      if (entries.length === 1 && location.pathname === "/") {
        entries.length = 0;
        options.clear();
        go(`/case/${made.case_id}`);
        return;
      }
      say(t("desk.done", { name: entry.name }));
    } catch (error) {
      entry.state = "failed";
      entry.note.textContent = `${error.message} ${t("desk.kept")}`;
      entry.note.classList.add("wrong");
      entry.again.hidden = false;
      say(entry.note.textContent);
    }
    work();
  }

  async function photograph() {
    const shot = await openCamera();
    if (shot) take([shot]);
  }

  function onPaste(event) {
    const pictures = [...(event.clipboardData?.files ?? [])];
    if (pictures.length) { event.preventDefault(); take(pictures); }
  }
  function onDrag(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop" && !event.target.closest?.(".references")) take(event.dataTransfer.files);
  }
  document.addEventListener("paste", onPaste);
  for (const name of ["dragover", "dragleave", "drop"]) document.addEventListener(name, onDrag);

  fill(place, h("div", { class: "intake" }, h("div", { class: "stack" }, drop, rows), h("div", { class: "stack" }, options.nodes, recent)));
  for (const entry of entries) { draw(entry); if (entry.state === "failed") entry.again.hidden = false; }
  work();
  await drawRecent(recent).catch((error) => say(error.message));
  return () => {
    document.removeEventListener("paste", onPaste);
    for (const name of ["dragover", "dragleave", "drop"]) document.removeEventListener(name, onDrag);
    if (entries.every((each) => each.state === "done")) options.clear();
    for (const entry of entries.filter((each) => each.state === "done")) URL.revokeObjectURL(entry.url);
    entries.splice(0, entries.length, ...entries.filter((each) => each.state !== "done"));
  };
}

async function drawRecent(place) {
  const { cases } = await getJson(`/v1/cases?limit=${RECENT}&language=${language()}`);
  fill(place, h("h2", {}, t("desk.recent")),
    cases.length ? h("ul", { class: "plain" }, cases.map((one) => h("li", {}, caseRow(one)))) : h("p", { class: "soft" }, t("desk.none")));
}
