// The picture of a case, large: faces to click, parts of the chosen face, landmarks, a heat map with its opacity.

import { WHOLE_FACE, WHOLE_PICTURE } from "./case_state.js";
import { fill, h, named } from "./dom.js";
import { drawHeat } from "./heat.js";
import { count, t } from "./words.js";
import { viewBox } from "./view_box.js";

const WORLD = 2048;
const LABELLED = 12;
const PICTURE_SIDE = 2048;

export function stage(state) {
  const { report, view } = state;
  const { width, height } = report.picture;
  const unit = Math.min(1, WORLD / Math.max(width, height));
  const size = { width: width * unit, height: height * unit };
  const image = h("img", { alt: t("stage.alt", { name: report.source, n: report.faces.length }), draggable: false });
  const heat = h("canvas", { class: "heat", "aria-hidden": "true", hidden: true });
  const drawn = h("svg", { class: "drawn", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": t("stage.faces") });
  const world = h("div", { class: "world" }, image, heat, drawn);
  const frame = h("div", { class: "frame", tabindex: "0", role: "group", "aria-label": t("stage.label") }, world);
  world.style.width = `${size.width}px`;
  world.style.height = `${size.height}px`;
  frame.style.setProperty("--ratio", String(width / height));
  frame.style.setProperty("--per-px", String(1 / unit));
  let box = null;
  let sharp = false;

  if (view.kept) image.src = `/v1/cases/${state.id}/picture?side=${PICTURE_SIDE}`;
  else { image.hidden = true; frame.classList.add("grey"); }

  function sharpen(scale) {
    // Zoomed in so far that pixels would show: the same picture with all of its own pixels.
    if (sharp || !view.kept || scale * unit < 0.6 || Math.max(width, height) <= PICTURE_SIDE) return;
    sharp = true;
    const whole = new Image();
    whole.onload = () => { image.src = whole.src; };
    whole.src = `/v1/cases/${state.id}/picture?side=${Math.min(8192, Math.max(width, height))}`;
  }

  function share([x0, y0, x1, y1]) { return [x0 / width, y0 / height, x1 / width, y1 / height]; }

  function faceNode(face) {
    const [x0, y0, x1, y1] = face.box;
    const chosen = state.face === face.id;
    const strip = view.strips.find((one) => one.subject === face.id);
    const tone = view.tones[face.id] ?? "plain";
    const label = t("stage.face", { id: face.id, text: strip?.answer ?? "" });
    const crowded = report.faces.length > LABELLED && !chosen;
    const choose = () => state.choose(face.id);
    return h("g", {
      class: `face ${tone}${chosen ? " chosen" : ""}${chosen && state.lit.has(WHOLE_FACE) ? " lit" : ""}`, role: "button", tabindex: "0", "aria-label": label, "aria-pressed": String(chosen),
      onclick: choose,
      onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); } },
    },
      h("title", {}, label),
      h("rect", { class: "halo", x: x0, y: y0, width: x1 - x0, height: y1 - y0 }),
      h("rect", { class: "box", x: x0, y: y0, width: x1 - x0, height: y1 - y0, rx: 2 }),
      crowded ? null : h("text", { class: "face-name", x: x0, y: y0, dy: "-.5em" }, face.id));
  }

  function partNodes() {
    const outlines = view.outlines[state.face] ?? {};
    return Object.entries(outlines).map(([part, points]) => h("polygon", {
      class: `part${state.lit.has(part) ? " lit" : ""}`, points: points.map((one) => one.join(",")).join(" "), "data-part": part,
      onclick: (event) => { event.stopPropagation(); state.pick(part); },
      onpointerenter: () => state.light([part]), onpointerleave: () => state.light([]),
    }, h("title", {}, t(`face_parts.${part}`))));
  }

  function dots() {
    const face = report.faces.find((one) => one.id === state.face);
    if (!state.mesh || !face) return null;
    const points = face.landmarks.length ? face.landmarks : face.points5;
    return h("path", { class: "dots", d: points.map(([x, y]) => `M${x} ${y}h0`).join("") });
  }

  function draw() {
    const held = document.activeElement?.closest?.(".face")?.getAttribute("aria-label");
    const order = [...report.faces].sort((one, other) => (one.id === state.face) - (other.id === state.face));
    fill(drawn, order.map(faceNode), partNodes(), dots());
    if (held) [...drawn.querySelectorAll(".face")].find((one) => one.getAttribute("aria-label") === held)?.focus({ preventScroll: true });
    const map = state.map && report.evidence.find((one) => one.id === state.map);
    heat.hidden = !map;
    if (map) {
      const [x0, y0, x1, y1] = map.heatmap.box.map((one) => one * unit);
      Object.assign(heat.style, { left: `${x0}px`, top: `${y0}px`, width: `${x1 - x0}px`, height: `${y1 - y0}px`, opacity: String(state.opacity) });
      if (heat.dataset.of !== map.id) { drawHeat(heat, map.heatmap.values); heat.dataset.of = map.id; }
    }
  }

  // Hovering changes classes only; nothing is drawn anew.
  function light() {
    frame.classList.toggle("lit", state.lit.has(WHOLE_PICTURE));
    drawn.querySelector(".face.chosen")?.classList.toggle("lit", state.lit.has(WHOLE_FACE));
    for (const one of drawn.querySelectorAll(".part")) one.classList.toggle("lit", state.lit.has(one.dataset.part));
  }

  function setUp() {
    box = viewBox(frame, world, size, sharpen);
    draw();
  }

  const bar = h("div", { class: "stage-bar" },
    h("button", { class: "icon", "aria-label": t("stage.in"), title: t("stage.in"), onclick: () => box.zoom(1.5) }, "+"),
    h("button", { class: "icon", "aria-label": t("stage.out"), title: t("stage.out"), onclick: () => box.zoom(1 / 1.5) }, "−"),
    h("button", { onclick: () => box.fit() }, t("stage.fit")),
    report.faces.length ? h("button", { onclick: toFace }, t("stage.to_face")) : null,
    h("label", { class: "inline" }, h("input", { type: "checkbox", onchange: (event) => { state.mesh = event.target.checked; draw(); } }), t("stage.mesh")),
    mapFields());

  function toFace() {
    const face = report.faces.find((one) => one.id === state.face);
    if (face) box.show(share(face.box));
  }

  function mapFields() {
    const place = h("span", { class: "map-fields" });
    function fields() {
      const maps = report.evidence.filter((one) => one.heatmap && one.subject === state.face);
      if (!maps.some((one) => one.id === state.map)) state.map = null;
      if (!maps.length) { fill(place); return; }
      fill(place,
        h("label", { class: "inline" }, t("stage.map"), h("select", { onchange: (event) => state.show(event.target.value || null) },
          h("option", { value: "" }, t("stage.no_map")), maps.map((one) => h("option", { value: one.id, selected: one.id === state.map }, t(`tools.${one.tool.name}`))))),
        h("span", { class: "map-fields of-map", hidden: !state.map },
          h("label", { class: "inline" }, t("stage.opacity"),
            h("input", { type: "range", min: "0", max: "1", step: "0.05", value: String(state.opacity), oninput: (event) => { state.opacity = Number(event.target.value); draw(); } })),
          h("span", { class: "inline small", title: t("stage.ramp") }, t("stage.little"), h("span", { class: "ramp", role: "img", "aria-label": t("stage.ramp") }), t("stage.much"))));
    }
    fields();
    state.onFace.push(fields);
    state.onMap.push(() => {
      const choice = place.querySelector("select");
      if (!choice) return;
      choice.value = state.map ?? "";
      place.querySelector(".of-map").hidden = !state.map;
    });
    return place;
  }

  const caption = h("p", { class: "soft small caption" }, named(report.source), ` · ${count(width)} × ${count(height)} px · ${report.picture.format}`, view.kept ? null : ` · ${t("stage.not_kept")}`);
  const hint = view.outlines[state.face] ? h("p", { class: "soft small caption" }, t("stage.hint"), " ", t("stage.sides")) : null;
  const node = h("section", { class: "stage", "aria-label": t("stage.title") }, h("div", { class: "view" }, frame, bar), hint, caption);
  state.onFace.push(draw);
  state.onLight.push(light);
  state.onMap.push(draw);
  requestAnimationFrame(setUp);
  return { node, toFace, close: () => box?.close() };
}
