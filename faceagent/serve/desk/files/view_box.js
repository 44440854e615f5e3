// Zoom and pan of one element: wheel, drag, pinch, buttons and keys. Knows no picture.

const MOST = 40;
const STEP = 1.25;

export function viewBox(frame, world, size, changed = () => {}) {
  let scale = 1;
  let x = 0;
  let y = 0;
  const pointers = new Map();

  function apply() {
    const [w, h] = [size.width * scale, size.height * scale];
    const { clientWidth: fw, clientHeight: fh } = frame;
    // What is smaller than the frame is centred; what is larger cannot be pushed out of it.
    x = w <= fw ? (fw - w) / 2 : Math.min(0, Math.max(fw - w, x));
    y = h <= fh ? (fh - h) / 2 : Math.min(0, Math.max(fh - h, y));
    world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    world.style.setProperty("--unscale", String(1 / scale));
    changed(scale);
  }
  function least() { return Math.min(frame.clientWidth / size.width, frame.clientHeight / size.height); }

  function fit() {
    scale = least();
    apply();
  }
  function zoom(factor, at) {
    const box = frame.getBoundingClientRect();
    const [px, py] = at ? [at.x - box.left, at.y - box.top] : [frame.clientWidth / 2, frame.clientHeight / 2];
    const next = Math.min(MOST * least(), Math.max(least(), scale * factor));
    x = px - ((px - x) / scale) * next;
    y = py - ((py - y) / scale) * next;
    scale = next;
    apply();
  }
  function move(dx, dy) {
    x += dx;
    y += dy;
    apply();
  }
  // Show a box of the world, given as shares of its size.
  function show([x0, y0, x1, y1], margin = 0.35) {
    const [w, h] = [(x1 - x0) * size.width, (y1 - y0) * size.height];
    const grown = 1 + 2 * margin;
    scale = Math.min(MOST * least(), Math.max(least(), Math.min(frame.clientWidth / (w * grown), frame.clientHeight / (h * grown))));
    x = frame.clientWidth / 2 - ((x0 + x1) / 2) * size.width * scale;
    y = frame.clientHeight / 2 - ((y0 + y1) / 2) * size.height * scale;
    apply();
  }

  frame.addEventListener("wheel", (event) => {
    // A page must stay scrollable: the wheel zooms with Ctrl, or once the picture has been zoomed into.
    if (!event.ctrlKey && scale <= least() * 1.01) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? STEP : 1 / STEP, { x: event.clientX, y: event.clientY });
  }, { passive: false });
  frame.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button) return;
    pointers.set(event.pointerId, event);
  });
  frame.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const others = [...pointers.values()].filter((one) => one.pointerId !== event.pointerId);
    if (others.length) {
      const far = (one) => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY) || 1;
      zoom(far(event) / far(before), { x: (event.clientX + others[0].clientX) / 2, y: (event.clientY + others[0].clientY) / 2 });
    } else if (scale > least() * 1.01) {
      if (!frame.hasPointerCapture(event.pointerId) && Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY) > 3) {
        frame.setPointerCapture(event.pointerId);
      }
      move(event.clientX - before.clientX, event.clientY - before.clientY);
    }
    pointers.set(event.pointerId, event);
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    frame.addEventListener(name, (event) => pointers.delete(event.pointerId));
  }
  frame.addEventListener("keydown", (event) => {
    const keys = {
      "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), 0: fit,
      ArrowLeft: () => move(40, 0), ArrowRight: () => move(-40, 0), ArrowUp: () => move(0, 40), ArrowDown: () => move(0, -40),
    };
    if (!(event.key in keys) || event.target.tagName === "INPUT" || (event.key.startsWith("Arrow") && scale <= least() * 1.01)) return;
    event.preventDefault();
    keys[event.key]();
  });
  const watcher = new ResizeObserver(() => (scale <= least() * 1.01 || scale < least() ? fit() : apply()));
  watcher.observe(frame);
  fit();
  return { fit, zoom, show, close: () => watcher.disconnect() };
}
