// What is chosen on the page of a case: a face, the lit parts of it, a part that was clicked; and who is told.

import { h } from "./dom.js";

export const WHOLE_FACE = "face";
export const WHOLE_PICTURE = "picture";

export function caseState(id, report, view) {
  const evidence = new Map(report.evidence.map((one) => [one.id, one]));
  const verdicts = new Map(report.verdicts.map((one) => [one.id, one]));
  const first = view.strips.find((one) => report.faces.some((face) => face.id === one.subject))?.subject;
  const state = {
    id, report, view, evidence, verdicts,
    face: first ?? report.faces[0]?.id ?? null,
    lit: new Set(), picked: null, map: null, mesh: false, opacity: 0.6,
    onFace: [], onLight: [], onMap: [],

    choose(face) {
      if (face === state.face) return;
      state.face = face;
      state.lit = new Set();
      state.picked = null;
      for (const tell of state.onFace) tell();
    },
    light(parts) {
      state.lit = new Set(parts.length ? parts : state.picked ? [state.picked] : []);
      for (const tell of state.onLight) tell();
    },
    pick(part) {
      state.picked = state.picked === part ? null : part;
      state.light([]);
      for (const tell of state.onPick) tell(part);
    },
    onPick: [],

    // The evidence behind ids of evidence and verdicts.
    grounds(ids) {
      return ids.flatMap((one) => verdicts.get(one)?.supports ?? [one]).map((one) => evidence.get(one)).filter(Boolean);
    },
    // What evidence is about: parts of its face, or the whole of it, or the picture.
    about(one) { return view.areas[one.id] ?? [report.faces.some((face) => face.id === one.subject) ? WHOLE_FACE : WHOLE_PICTURE]; },
    areas(ids) { return [...new Set(state.grounds(ids).flatMap((one) => state.about(one)))]; },

    // Evidence that was clicked: its face is chosen, its place lit, its map shown, its row opened.
    reveal(id) {
      const one = evidence.get(id);
      if (!one) return;
      if (report.faces.some((face) => face.id === one.subject)) state.choose(one.subject);
      if (one.heatmap) state.show(id);
      state.light(state.about(one));
      const row = document.querySelector(`[data-evidence="${CSS.escape(id)}"]`);
      for (let at = row?.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
      row?.scrollIntoView({ block: "center", behavior: calm() });
      for (const other of document.querySelectorAll("[data-evidence]")) other.classList.toggle("about", other === row);
    },
    show(map) {
      state.map = map;
      for (const tell of state.onMap) tell();
    },
  };
  return state;
}

// A sentence that cites: hovering or focusing it lights its parts of the face and its evidence.
export function citing(state, node, ids) {
  if (!ids.length) return node;
  node.dataset.cites = ids.join(" ");
  node.classList.add("citing");
  node.tabIndex = 0;
  const subject = state.grounds(ids)[0]?.subject;
  const on = () => {
    if (subject && subject !== state.face && state.report.faces.some((face) => face.id === subject)) return;
    state.light(state.areas(ids));
    mark(ids, true);
  };
  const off = () => { state.light([]); mark(ids, false); };
  node.addEventListener("pointerenter", on);
  node.addEventListener("pointerleave", off);
  node.addEventListener("focus", on);
  node.addEventListener("blur", off);
  return node;
}

function calm() { return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth"; }

// The id of evidence as a button that shows what it is about.
export function citation(state, id, name = id) {
  const one = state.evidence.get(id);
  if (!one) return h("cite", {}, name);
  return h("button", {
    class: "cited", "data-cited": id, title: one.statement, onclick: () => state.reveal(id),
    onpointerenter: () => state.light(state.about(one)), onpointerleave: () => state.light([]),
  }, name);
}

function mark(ids, is) {
  for (const row of document.querySelectorAll("[data-evidence]")) {
    row.classList.toggle("lit", is && ids.includes(row.dataset.evidence));
  }
}

// Every sentence and row about a part is marked, and the first one is brought into view.
export function followPicks(state, place) {
  state.onPick.push(() => {
    let first = null;
    for (const node of place.querySelectorAll("[data-cites], [data-evidence]")) {
      const ids = (node.dataset.cites ?? node.dataset.evidence).split(" ");
      const about = Boolean(state.picked) && state.grounds(ids).some((one) => one.subject === state.face && (state.view.areas[one.id] ?? []).includes(state.picked));
      node.classList.toggle("about", about);
      if (about && !first && node.offsetParent) first = node;
    }
    first?.scrollIntoView({ block: "nearest", behavior: calm() });
  });
}
