// From a grid of heights to a shaded picture and contour lines.
import type { Terrain } from "../protocol";

const SUN = [-0.5, 0.5, 0.7071]; // light from the north-west, as on printed maps

/** The grid as a picture, rows from the north, lit from the north-west. */
export function shade(terrain: Terrain, heights: Float32Array, light: boolean): HTMLCanvasElement {
  const { rows, columns, step } = terrain;
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d")!, image = context.createImageData(columns, rows);
  const at = (row: number, column: number) =>
    heights[Math.min(rows - 1, Math.max(0, row)) * columns + Math.min(columns - 1, Math.max(0, column))]!;
  let low = Infinity, high = -Infinity;
  for (const h of heights) {
    if (h < low) low = h;
    if (h > high) high = h;
  }
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const dx = (at(row, column + 1) - at(row, column - 1)) / (2 * step), dy = (at(row + 1, column) - at(row - 1, column)) / (2 * step);
      // slopes of a coarse grid are gentle: four times steeper shows them
      const x = -4 * dx, y = -4 * dy, length = Math.hypot(x, y, 1);
      const lit = Math.max(0, (x * SUN[0]! + y * SUN[1]! + SUN[2]!) / length);
      const tall = (at(row, column) - low) / Math.max(1, high - low), pixel = 4 * ((rows - 1 - row) * columns + column);
      const level = light ? 105 + 140 * lit + 8 * tall : 2 + 62 * lit * lit + 14 * tall;
      image.data[pixel] = level * (light ? 1 : 0.82);
      image.data[pixel + 1] = level * (light ? 1 : 0.95);
      image.data[pixel + 2] = level * (light ? 0.97 : 1.08);
      image.data[pixel + 3] = 255;
    }
  context.putImageData(image, 0, 0);
  return canvas;
}

export interface Contour { line: [number, number][]; height: number; main: boolean }

/** Lines of equal height, by marching squares, joined end to end; every fifth is a main one. */
export function contours(terrain: Terrain, heights: Float32Array): Contour[] {
  let low = Infinity, high = -Infinity;
  for (const h of heights) {
    low = Math.min(low, h);
    high = Math.max(high, h);
  }
  const interval = [5, 10, 20, 50, 100, 200, 500].find((i) => (high - low) / i <= 30) ?? 1000;
  const found: Contour[] = [];
  for (let height = Math.ceil(low / interval) * interval; height <= high; height += interval)
    for (const line of join(pieces(terrain, heights, height)))
      if (line.length > 3) found.push({ line, height, main: Math.round(height / interval) % 5 === 0 });
  return found;
}

type Place = [number, number];

function pieces(terrain: Terrain, heights: Float32Array, level: number): [Place, Place][] {
  const { rows, columns, step, east, north } = terrain, found: [Place, Place][] = [];
  for (let row = 0; row + 1 < rows; row++)
    for (let column = 0; column + 1 < columns; column++) {
      const i = row * columns + column;
      const corner = [heights[i]!, heights[i + 1]!, heights[i + columns + 1]!, heights[i + columns]!];
      const crossing: Place[] = [];
      for (let edge = 0; edge < 4; edge++) {
        const from = corner[edge]!, to = corner[(edge + 1) % 4]!;
        if (from < level === to < level) continue;
        const share = (level - from) / (to - from);
        const [x, y] = [[share, 0], [1, share], [1 - share, 1], [0, 1 - share]][edge]!;
        crossing.push([east + (column + x!) * step, north + (row + y!) * step]);
      }
      for (let k = 0; k + 1 < crossing.length; k += 2) found.push([crossing[k]!, crossing[k + 1]!]);
    }
  return found;
}

function join(found: [Place, Place][]): Place[][] {
  const key = (p: Place) => `${p[0].toFixed(2)} ${p[1].toFixed(2)}`;
  const ends = new Map<string, number[]>();
  found.forEach((piece, i) => piece.forEach((p) => ends.set(key(p), [...(ends.get(key(p)) ?? []), i])));
  const used = new Set<number>(), lines: Place[][] = [];
  const follow = (line: Place[]): void => {
    for (;;) {
      const last = line.at(-1)!, next = ends.get(key(last))?.find((i) => !used.has(i));
      if (next === undefined) return;
      used.add(next);
      const [a, b] = found[next]!;
      line.push(key(a) === key(last) ? b : a);
    }
  };
  found.forEach((piece, i) => {
    if (used.has(i)) return;
    used.add(i);
    const line = [...piece];
    follow(line);
    line.reverse();
    follow(line);
    lines.push(line);
  });
  return lines;
}
