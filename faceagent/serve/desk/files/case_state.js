// What is chosen on the page of a case: a face, the lit parts of it, a part that was clicked; and who is told.

export function caseState(id, report, view) {
  const evidence = new Map(report.evidence.map((one) => [one.id, one]));
  const verdicts = new Map(report.verdicts.map((one) => [one.id, one]));
  const first = view.strips.find((one) => report.faces.some((face) => face.id === one.subject))?.subject;
  const hot = report.evidence.find((one) => one.heatmap && one.subject === first);
  const state = {
    id, report, view, evidence, verdicts,
    face: first ?? report.faces[0]?.id ?? null,
    lit: new Set(), picked: null, map: null, mesh: false, opacity: 0.6,
    onFace: [], onLight: [],

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
    // The parts of the face that ids are about.
    areas(ids) { return [...new Set(state.grounds(ids).flatMap((one) => view.areas[one.id] ?? []))]; },
  };
  if (hot) state.map = null;
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
    first?.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  });
}
