// The reference beside the picture in question, both turned and scaled so that the eyes lie in the same places.

import { compareAgain } from "./compare_again.js";
import { h, named } from "./dom.js";
import { t } from "./words.js";

const SIDE = 480;
// Where the eyes come to lie, as shares of the square.
const EYES = [[0.36, 0.42], [0.64, 0.42]];
// Correlation of the two whole pictures in grey, on so many pixels a side, from which they are one photograph. Measured on
// 41 people: with a copy of a sixth of the width, JPEG 40, 0.997 at least; with the same person smiling, same light and
// place, 0.981 at most. A crop of the photograph is not noticed.
const SMALL = 32;
const SAME_SHOT = 0.99;

export function compare(state, go) {
  const { report, view } = state;
  const shown = report.references.filter((one) => view.references_kept.includes(one.id));
  const again = compareAgain(state, go);
  if (!report.references.length) return again && h("section", { class: "card compare", "aria-label": t("compare.with") }, again);
  const identity = () => view.strips.find((one) => one.question === "identity" && one.subject === state.face);
  const answer = h("p", { class: "answer" });
  const mine = h("canvas", { role: "img", "aria-label": t("compare.query") });
  const body = h("div", { class: "stack" });
  const warning = h("p", { class: "wrong small", role: "status" });
  let one = shown[0];
  const choice = shown.length < 2 ? null : h("label", { class: "inline small" }, t("compare.choose"),
    h("select", { onchange: (event) => { one = shown[event.target.selectedIndex]; draw(); } }, shown.map((each) => h("option", {}, each.source))));

  async function draw() {
    answer.textContent = identity()?.answer ?? "";
    warning.textContent = sameFile() ? t("compare.same_shot") : "";
    const face = report.faces.find((one) => one.id === state.face);
    if (!face || !view.kept || !shown.length) return;
    const other = report.reference_faces.find((each) => each.picture === one.id);
    const reference = h("canvas", { role: "img", "aria-label": t("compare.reference") });
    const [own, others] = await Promise.all([
      aligned(mine, `/v1/cases/${state.id}/picture?side=2048`, report.picture, face),
      other ? aligned(reference, `/v1/cases/${state.id}/references/${one.id}?side=2048`, one, other) : null,
    ]);
    if (!other) { body.replaceChildren(h("p", { class: "soft small" }, t("compare.no_face"))); return; }
    if (own && others && likeness(own, others) >= SAME_SHOT) warning.textContent = t("compare.same_shot");
    body.replaceChildren(pair(mine, reference, one), swipe(mine, reference));
  }

  function sameFile() { return (one ? [one] : report.references).some((each) => each.sha256 === report.picture?.sha256); }

  function pair(left, right, one) {
    return h("div", { class: "compare-pair" },
      h("figure", {}, right, h("figcaption", { class: "soft small" }, t("compare.reference"), ": ", named(one.source))),
      h("figure", {}, left, h("figcaption", { class: "soft small" }, t("compare.query"), ": ", named(report.source), ` ${state.face}`)));
  }

  function swipe(left, right) {
    const copy = (canvas) => {
      const made = h("canvas", { "aria-hidden": "true" });
      made.width = SIDE;
      made.height = SIDE;
      made.getContext("2d").drawImage(canvas, 0, 0);
      return made;
    };
    const frame = h("div", { class: "swipe" }, copy(right), copy(left));
    const slider = h("input", { type: "range", min: "0", max: "100", value: "50", "aria-label": t("compare.swipe"), oninput: (event) => frame.style.setProperty("--at", `${event.target.value}%`) });
    return h("details", { class: "fold" }, h("summary", {}, h("h3", {}, t("compare.swipe"))), frame, slider);
  }

  state.onFace.push(draw);
  draw();
  return h("section", { class: "card compare stack", "aria-label": t("compare.title") }, h("h2", {}, t("compare.title")), answer, warning, choice,
    shown.length ? body : h("p", { class: "soft small" }, t("compare.not_kept")), again);
}

// The correlation of two pictures in grey, -1 to 1; 0 where one of them is of one colour.
function likeness(one, other) {
  const [a, b] = [greys(one), greys(other)];
  const sum = (x, y) => x.reduce((total, value, place) => total + value * y[place], 0);
  return sum(a, b) / (Math.sqrt(sum(a, a) * sum(b, b)) || 1);
}

function greys(image) {
  const small = document.createElement("canvas");
  small.width = SMALL;
  small.height = SMALL;
  const context = small.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, SMALL, SMALL);
  const { data } = context.getImageData(0, 0, SMALL, SMALL);
  const found = Array.from({ length: SMALL * SMALL }, (_, at) => 0.3 * data[4 * at] + 0.59 * data[4 * at + 1] + 0.11 * data[4 * at + 2]);
  const mean = found.reduce((total, value) => total + value, 0) / found.length;
  return found.map((value) => value - mean);
}

async function aligned(canvas, address, picture, face) {
  canvas.width = SIDE;
  canvas.height = SIDE;
  const image = new Image();
  image.src = address;
  await image.decode().catch(() => {});
  if (!image.naturalWidth) return null;
  const scale = image.naturalWidth / picture.width;
  const [right, left] = face.points5.slice(0, 2).map(([x, y]) => [x * scale, y * scale]);
  const [toRight, toLeft] = EYES.map(([x, y]) => [x * SIDE, y * SIDE]);
  const from = [left[0] - right[0], left[1] - right[1]];
  const to = [toLeft[0] - toRight[0], toLeft[1] - toRight[1]];
  const length = from[0] ** 2 + from[1] ** 2 || 1;
  // The similarity that takes one pair of eyes to the other, as a complex factor a + bi.
  const a = (to[0] * from[0] + to[1] * from[1]) / length;
  const b = (to[1] * from[0] - to[0] * from[1]) / length;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.setTransform(a, b, -b, a, toRight[0] - (a * right[0] - b * right[1]), toRight[1] - (b * right[0] + a * right[1]));
  context.drawImage(image, 0, 0);
  return image;
}
