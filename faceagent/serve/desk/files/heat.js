// A heat map as a canvas: viridis from 0 to 1, the scale of every map of every report.

const VIRIDIS = [
  [68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141],
  [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37],
];
const SIDE = 192;

function colour(value) {
  const at = Math.min(1, Math.max(0, value)) * (VIRIDIS.length - 1);
  const low = Math.min(VIRIDIS.length - 2, Math.floor(at));
  return VIRIDIS[low].map((one, place) => one + (at - low) * (VIRIDIS[low + 1][place] - one));
}

// Values between the centres of the patches are mixed; the colour is chosen after that.
export function drawHeat(canvas, values) {
  canvas.width = SIDE;
  canvas.height = SIDE;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(SIDE, SIDE);
  const n = values.length;
  const clamp = (one) => Math.min(n - 1, Math.max(0, one));
  for (let y = 0; y < SIDE; y += 1) {
    const v = ((y + 0.5) / SIDE) * n - 0.5;
    const [top, dy] = [Math.floor(v), v - Math.floor(v)];
    for (let x = 0; x < SIDE; x += 1) {
      const u = ((x + 0.5) / SIDE) * n - 0.5;
      const [left, dx] = [Math.floor(u), u - Math.floor(u)];
      const at = (row, column) => values[clamp(row)][clamp(column)];
      const value = (1 - dy) * ((1 - dx) * at(top, left) + dx * at(top, left + 1)) + dy * ((1 - dx) * at(top + 1, left) + dx * at(top + 1, left + 1));
      const place = 4 * (y * SIDE + x);
      const [red, green, blue] = colour(value);
      pixels.data.set([red, green, blue, 90 + 165 * value], place);
    }
  }
  context.putImageData(pixels, 0, 0);
}
