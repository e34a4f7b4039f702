// What moves: tracks with trail and leader, where they fall, labels that give way to one another. Drawn on one canvas, on new data only.
import Layer from "ol/layer/Layer";
import type { FrameState } from "ol/Map";
import { apply } from "ol/transform";
import { altitude, countdown, known, metres } from "../format";
import { draft } from "../editing";
import { chosenClearance } from "../clearance";
import { AIRCRAFT, type Evidence, type Frame, PROJECTILE } from "../protocol";
import { drawMs, frame, hello, layers, selected, stale, tab, warnings } from "../store";
import { fill, texts } from "../texts";
import { colours } from "./colours";

declare global {
  interface Window { skywardenDrawn: number } // time of the picture on the map, for whoever measures how late it is drawn
}

const TRAIL_S = 12; // kept behind every track
const LEADER_S = 3; // drawn ahead of every track
const NINETY_FIVE = 2.4477; // standard deviations that hold 95 % in two dimensions
const MOST_ROUND_LABELS = 24; // soonest first; more would hide the map
const ARC = 60; // px, radius at which the sector left open to an effector is drawn
const MOST_ELLIPSES = 12; // likewise; the others keep their cross
const TOOLS = 336; // height of the column of buttons at the map's edge
const FONT = "600 12px system-ui, sans-serif";
const SMALL = "11px system-ui, sans-serif";

type Trail = { t: number[]; x: number[]; y: number[]; seen: number };
type Box = [number, number, number, number];

const trails = new Map<number, Trail>();
let trailed = NaN;
const images: Record<string, HTMLImageElement> = {};

/** Loads the symbols; calls `ready` when all are there. */
export function loadSymbols(ready: () => void): void {
  for (const name of ["projectile", "aircraft", "unknown"]) {
    const image = new Image(26, 26);
    image.onload = ready;
    image.src = `symbols/${name}.svg`;
    images[name] = image;
  }
}

/** Remembers where every track has been. Going back in time forgets the trails: they belong to another moment. */
export function remember(picture: Frame): void {
  if (!(picture.t >= trailed && picture.t - trailed < TRAIL_S)) trails.clear();
  trailed = picture.t;
  const { id, x, y } = picture.tracks;
  for (let i = 0; i < id.length; i++) {
    let trail = trails.get(id[i]!);
    if (!trail) trails.set(id[i]!, (trail = { t: [], x: [], y: [], seen: 0 }));
    if (trail.t.length && picture.t - trail.t.at(-1)! < 0.25) {
      trail.seen = picture.t;
      continue;
    }
    trail.t.push(picture.t);
    trail.x.push(x[i]!);
    trail.y.push(y[i]!);
    trail.seen = picture.t;
    while (trail.t[0]! < picture.t - TRAIL_S) {
      trail.t.shift();
      trail.x.shift();
      trail.y.shift();
    }
  }
  for (const [number, trail] of trails) if (picture.t - trail.seen > 1) trails.delete(number);
}

/** The track nearest to a place of the screen, within 18 pixels. */
export function trackAt(pixel: [number, number], toPixel: (place: [number, number]) => number[] | null): number | null {
  const tracks = frame.value?.tracks;
  let best: number | null = null, nearest = 18;
  tracks?.id.forEach((id, i) => {
    const p = toPixel([tracks.x[i]!, tracks.y[i]!]);
    if (!p) return;
    const distance = Math.hypot(p[0]! - pixel[0], p[1]! - pixel[1]);
    if (distance < nearest) [best, nearest] = [id, distance];
  });
  return best;
}

export function movingLayer(): Layer {
  const canvas = document.createElement("canvas");
  canvas.className = "moving";
  return new Layer({
    render: (state: FrameState) => {
      const begun = performance.now();
      draw(canvas, state);
      drawMs.value = Math.round((performance.now() - begun) * 10) / 10;
      window.skywardenDrawn = frame.value?.t ?? NaN;
      return canvas;
    },
  });
}

function draw(canvas: HTMLCanvasElement, state: FrameState): void {
  const [width, height] = state.size as [number, number], ratio = state.pixelRatio;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d")!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const picture = frame.value, site = hello.value?.site;
  if (!picture || !site) return;
  const at = (x: number, y: number): [number, number] => apply(state.coordinateToPixelTransform, [x, y]) as [number, number];
  const scale = 1 / state.viewState.resolution;
  const pen = new Pen(context, at, scale, width, height);
  context.globalAlpha = stale.value ? 0.75 : 1;
  pen.impacts(picture);
  if (layers.value.trails) pen.trails(picture);
  pen.symbols(picture);
  if (layers.value.labels) pen.labels(picture);
  context.globalAlpha = 1;
}

class Pen {
  private taken: Box[] = [];

  constructor(
    private c: CanvasRenderingContext2D,
    private at: (x: number, y: number) => [number, number],
    private scale: number,
    private width: number,
    private height: number,
  ) {}

  /** Where each round may come down: the 95 % ellipse, dashed, with a cross at its middle. */
  impacts({ impacts, t }: Frame): void {
    const c = this.c, colour = colours();
    c.lineWidth = 1.3;
    const soonest = new Set(
      impacts.id.map((_, i) => i).sort((p, q) => (impacts.t[p] ?? Infinity) - (impacts.t[q] ?? Infinity)).slice(0, MOST_ELLIPSES),
    );
    impacts.id.forEach((id, i) => {
      const x = impacts.x[i], y = impacts.y[i], a = impacts.a[i], b = impacts.b[i], when = impacts.t[i];
      if (!known(x) || !known(y) || (known(when) && when < t - 2)) return;
      const [px, py] = this.at(x, y), chosen = id === selected.value;
      c.strokeStyle = chosen ? colour.ink : colour.round;
      c.globalAlpha = stale.value ? 0.4 : chosen ? 1 : 0.3 + 0.6 * (impacts.p[i] ?? 0);
      if (known(a) && known(b) && (chosen || soonest.has(i))) {
        c.setLineDash([5, 3]);
        c.beginPath();
        c.ellipse(px, py, Math.max(3, NINETY_FIVE * a * this.scale), Math.max(3, NINETY_FIVE * b * this.scale), -(impacts.turn[i] ?? 0), 0, 2 * Math.PI);
        c.stroke();
        c.setLineDash([]);
      }
      c.beginPath();
      c.moveTo(px - 5, py - 5);
      c.lineTo(px + 5, py + 5);
      c.moveTo(px - 5, py + 5);
      c.lineTo(px + 5, py - 5);
      c.stroke();
      if (chosen) {
        const row = frame.value!.tracks.id.indexOf(id);
        if (row >= 0) {
          const [tx, ty] = this.at(frame.value!.tracks.x[row]!, frame.value!.tracks.y[row]!);
          c.setLineDash([2, 4]);
          c.beginPath();
          c.moveTo(tx, ty);
          c.lineTo(px, py);
          c.stroke();
          c.setLineDash([]);
        }
      }
    });
    c.globalAlpha = stale.value ? 0.75 : 1;
  }

  trails({ tracks }: Frame): void {
    const c = this.c, colour = colours();
    c.lineWidth = 1.4;
    for (let i = 0; i < tracks.id.length; i++) {
      const trail = trails.get(tracks.id[i]!);
      if (!trail || trail.t.length < 2) continue;
      c.strokeStyle = tint(tracks.kind[i]!, colour);
      c.globalAlpha = 0.5;
      c.beginPath();
      for (let k = 0; k < trail.t.length; k++) {
        const [x, y] = this.at(trail.x[k]!, trail.y[k]!);
        k ? c.lineTo(x, y) : c.moveTo(x, y);
      }
      c.lineTo(...this.at(tracks.x[i]!, tracks.y[i]!));
      c.stroke();
    }
    c.globalAlpha = stale.value ? 0.75 : 1;
  }

  symbols({ tracks, claims }: Frame): void {
    const c = this.c, colour = colours();
    for (let i = 0; i < tracks.id.length; i++) {
      const x = tracks.x[i]!, y = tracks.y[i]!, kind = tracks.kind[i]!, [px, py] = this.at(x, y);
      if (px < -40 || py < -40 || px > this.width + 40 || py > this.height + 40) continue;
      const [lx, ly] = this.at(x + tracks.vx[i]! * LEADER_S, y + tracks.vy[i]! * LEADER_S);
      c.strokeStyle = tint(kind, colour);
      c.lineWidth = 1.2;
      c.beginPath();
      c.moveTo(px, py);
      c.lineTo(lx, ly);
      c.stroke();
      if (known(tracks.a[i]) && tracks.a[i]! * NINETY_FIVE * this.scale > 14) {
        c.globalAlpha = 0.5;
        c.beginPath();
        c.ellipse(px, py, NINETY_FIVE * tracks.a[i]! * this.scale, NINETY_FIVE * tracks.b[i]! * this.scale, -(tracks.turn[i] ?? 0), 0, 2 * Math.PI);
        c.stroke();
        c.globalAlpha = stale.value ? 0.75 : 1;
      }
      const image = images[kind === PROJECTILE ? "projectile" : kind === AIRCRAFT ? "aircraft" : "unknown"];
      const size = kind === AIRCRAFT ? 22 : 18;
      if (image?.complete && image.naturalWidth) {
        const tall = (size * image.naturalHeight) / image.naturalWidth;
        c.drawImage(image, px - size / 2, py - tall / 2, size, tall);
      }
      if (tracks.id[i] === selected.value) {
        c.strokeStyle = colour.ink;
        c.lineWidth = 2;
        c.strokeRect(px - 16, py - 16, 32, 32);
      }
    }
    c.strokeStyle = colour.aircraft;
    c.lineWidth = 1.6;
    claims.x.forEach((x, i) => {
      const y = claims.y[i];
      if (!known(x) || !known(y)) return;
      const [px, py] = this.at(x, y);
      c.setLineDash([3, 2]);
      c.strokeRect(px - 8, py - 8, 16, 16);
      c.setLineDash([]);
    });
  }

  /** Why a rehearsed engagement of the selected track, else of the first that waits, is clear or not: the aircraft too near, the effectors' answers. */
  evidence(picture: Frame): void {
    const drill = picture.drill!, c = this.c, colour = colours(), { tracks } = picture, site = hello.value!.site;
    const shown = chosenClearance(drill), track = shown?.track;
    const row = track === undefined ? -1 : tracks.id.indexOf(track);
    if (row < 0) return;
    if (shown?.evidence) this.grounds(shown.evidence);
    const [x, y] = this.at(tracks.x[row]!, tracks.y[row]!);
    for (const clearance of drill.clearances) {
      if (clearance.track !== track) continue;
      const effector = site.effectors[clearance.effector]!;
      const answer = clearance.cleared ? `✓ ${texts.cleared}` : `✕ ${texts.verdicts_of[clearance.reason] ?? clearance.reason}`;
      this.label([effector.place[0], effector.place[1]], `${effector.name} → ${track}: ${answer}`, clearance.cleared ? colour.good : colour.warned, FONT, 16);
      const near = tracks.id.indexOf(clearance.aircraft);
      if (near < 0 || clearance.cleared) continue;
      const [ax, ay] = this.at(tracks.x[near]!, tracks.y[near]!);
      c.strokeStyle = colour.warned;
      c.lineWidth = 1.5;
      c.setLineDash([8, 4]);
      c.beginPath();
      c.moveTo(x, y);
      c.lineTo(ax, ay);
      c.stroke();
      c.strokeRect(ax - 14, ay - 14, 28, 28);
      c.setLineDash([]);
      this.label([tracks.x[near]!, tracks.y[near]!], fill(texts.too_near, { distance: metres(clearance.distance) }), colour.warned, FONT, 18);
    }
  }

  /** What a clearance rests on: the space it takes, the sector left open, where aircraft can be by then, where pieces can come down. */
  grounds(e: Evidence): void {
    const c = this.c, colour = colours();
    if (!known(e.place[0]) || !known(e.place[1])) return;
    const [px, py] = this.at(e.place[0], e.place[1]);
    c.lineWidth = 1.5;
    c.strokeStyle = colour.good;
    for (const [x, y] of e.ends) {
      if (!known(x) || !known(y)) continue;
      c.beginPath();
      c.moveTo(px, py);
      c.lineTo(...this.at(x, y));
      c.stroke();
    }
    // the sector open to it, dashed; no-fire arcs filled
    for (let k = 0; k + 1 < e.arc.length; k += 2) {
      const from = e.arc[k]!, width = e.arc[k + 1]!;
      if (k === 0 && width > 2 * Math.PI - 1e-6) continue;
      c.beginPath();
      c.moveTo(px, py);
      c.arc(px, py, ARC, from - Math.PI / 2, from + width - Math.PI / 2);
      c.closePath();
      c.strokeStyle = k ? colour.vermillion : colour.good;
      c.setLineDash(k ? [] : [2, 4]);
      c.stroke();
      if (!k) continue;
      c.globalAlpha = 0.2;
      c.fillStyle = colour.vermillion;
      c.fill();
      c.globalAlpha = 1;
    }
    c.setLineDash([]);
    e.tubes.id.forEach((id, i) => {
      const [x, y, reach] = [e.tubes.x[i]!, e.tubes.y[i]!, e.tubes.reach[i]!];
      if (!known(x) || !known(y) || !known(reach)) return;
      const [tx, ty] = this.at(x, y), inside = (e.tubes.gap[i] ?? 0) < hello.value!.site.policy.safety;
      c.strokeStyle = inside ? colour.warned : colour.aircraft;
      c.setLineDash(e.tubes.unknown[i] ? [3, 3] : []);
      c.beginPath();
      c.arc(tx, ty, Math.max(reach * this.scale, 3), 0, 2 * Math.PI);
      c.globalAlpha = 0.12;
      c.fillStyle = c.strokeStyle;
      c.fill();
      c.globalAlpha = 1;
      c.stroke();
      if (inside) this.label([x, y], `${id >= 0 ? id : texts.claim} ${texts.can_be}`, colour.warned, SMALL, 12);
    });
    c.setLineDash([6, 3]);
    c.strokeStyle = colour.orange;
    for (const f of e.fallout) {
      if (!known(f.place[0]) || !known(f.place[1]) || !known(f.radius)) continue;
      const [fx, fy] = this.at(f.place[0], f.place[1]);
      c.beginPath();
      c.arc(fx, fy, Math.max(f.radius * this.scale, 4), 0, 2 * Math.PI);
      c.stroke();
      this.label([f.place[0], f.place[1]], texts.causes[f.cause] ?? "", colour.orange, SMALL, 10);
    }
    c.setLineDash([]);
  }

  /** Labels in order of what matters: warned zones, the selected track, soonest impacts, aircraft, other zones. What finds no room is left out. */
  labels(picture: Frame): void {
    const colour = colours(), site = hello.value!.site, { tracks, impacts, claims, t } = picture;
    const row = new Map(tracks.id.map((id, i) => [id, i]));
    tracks.id.forEach((_, i) => {
      const [x, y] = this.at(tracks.x[i]!, tracks.y[i]!);
      if (tracks.kind[i] === AIRCRAFT || tracks.id.length < 60) this.taken.push([x - 9, y - 9, x + 9, y + 9]);
    });
    const warned = new Set<number>();
    for (const w of warnings.value) {
      warned.add(w.zone);
      const zone = site.zones[w.zone];
      if (zone) this.label(middle(zone.polygon), `⚠ ${zone.name}${known(w.impact) ? ` ${countdown(w.impact, t)} s` : ""}`, colour.warned, FONT, 0, true);
    }
    if (picture.drill && (selected.value !== null || tab.value === "rehearsal")) this.evidence(picture);
    const order = impacts.id.map((_, i) => i).sort((a, b) => (impacts.t[a] ?? Infinity) - (impacts.t[b] ?? Infinity));
    const chosen = order.findIndex((i) => impacts.id[i] === selected.value);
    if (chosen > 0) order.unshift(...order.splice(chosen, 1));
    for (const i of order.slice(0, MOST_ROUND_LABELS)) {
      const at = row.get(impacts.id[i]!);
      if (at === undefined) continue;
      const text = `${impacts.id[i]} · ${countdown(impacts.t[i], t)} s`;
      this.label([tracks.x[at]!, tracks.y[at]!], text, impacts.id[i] === selected.value ? colour.ink : colour.round, FONT, 13);
    }
    tracks.id.forEach((id, i) => {
      if (tracks.kind[i] !== AIRCRAFT && (id !== selected.value || impacts.id.includes(id))) return;
      const height = tracks.kind[i] === AIRCRAFT ? altitude(tracks.x[i]!, tracks.y[i]!, tracks.z[i]!) : `${Math.round(tracks.z[i]! / 10) * 10} m`;
      const text = `${tracks.call[i] || tracks.icao[i] || id} ${height}`;
      this.label([tracks.x[i]!, tracks.y[i]!], text, colour.aircraft, SMALL, 14);
    });
    claims.x.forEach((x, i) => {
      if (known(x) && known(claims.y[i]))
        this.label([x, claims.y[i]!], `${claims.call[i] || claims.icao[i]} ${texts.claim} ${Math.round(claims.age[i]!)} s`, colour.aircraft, SMALL, 12);
    });
    site.radars.forEach((radar, i) => {
      const state = picture.health.radars[i] ?? 0;
      const text = state ? `✕ ${radar.name} ${texts.radar_states[state]}` : radar.name;
      if ((layers.value.radars || state) && !draft.value) this.label([radar.place[0], radar.place[1]], text, state ? colour.warned : colour.aircraft, SMALL, 14);
    });
    if (layers.value.effectors && picture.drill && !draft.value)
      for (const effector of site.effectors) this.label([effector.place[0], effector.place[1]], effector.name, colour.good, SMALL, 14);
    site.zones.forEach((zone, i) => {
      if (!warned.has(i) && !draft.value) this.label(middle(zone.polygon), zone.name, colour.zone, SMALL, 0);
    });
  }

  /** Beside its place where there is room; what `must` be read goes further out, on a line, before it is left out. */
  private label(place: [number, number], text: string, colour: string, font: string, gap: number, must = false): void {
    const c = this.c, [x, y] = this.at(...place);
    if (x < -20 || y < -20 || x > this.width + 20 || y > this.height + 20) return;
    c.font = font;
    const w = c.measureText(text).width, h = 14;
    const places: [number, number][] = gap
      ? [[x + gap, y - h / 2], [x - gap - w, y - h / 2], [x - w / 2, y - gap - h], [x - w / 2, y + gap], [x + gap, y - gap - h], [x + gap, y + gap]]
      : [[x - w / 2, y - h / 2], [x - w / 2, y - h / 2 - 16], [x - w / 2, y - h / 2 + 16]];
    const near = places.length;
    if (must)
      for (let out = 34; out <= 130; out += 16)
        for (let turn = 0; turn < 12; turn++) {
          const angle = (turn * Math.PI) / 6, px = x + out * 1.3 * Math.cos(angle), py = y + out * Math.sin(angle);
          places.push([Math.cos(angle) < -0.1 ? px - w : px, py - h / 2]);
        }
    for (const [at, [left, top]] of places.entries()) {
      const box: Box = [left - 2, top - 1, left + w + 2, top + h + 1];
      const under = box[0] < 44 && box[1] < TOOLS; // the map's own buttons
      if (under || box[0] < 0 || box[1] < 0 || box[2] > this.width || box[3] > this.height) continue;
      if (this.taken.some((b) => b[0] < box[2] && b[2] > box[0] && b[1] < box[3] && b[3] > box[1])) continue;
      if (at >= near) {
        c.strokeStyle = colour;
        c.lineWidth = 1;
        c.beginPath();
        c.moveTo(x, y);
        c.lineTo(left > x ? left - 1 : left + w + 1, top + h / 2);
        c.stroke();
      }
      this.write(text, left, top, colour, box);
      return;
    }
  }

  private write(text: string, left: number, top: number, colour: string, box: Box): void {
    const c = this.c;
    this.taken.push(box);
    c.textBaseline = "top";
    c.lineJoin = "round";
    c.strokeStyle = colours().halo;
    c.lineWidth = 3.5;
    c.strokeText(text, left, top);
    c.fillStyle = colour;
    c.fillText(text, left, top);
  }
}

const tint = (kind: number, colour: ReturnType<typeof colours>): string =>
  kind === PROJECTILE ? colour.round : kind === AIRCRAFT ? colour.aircraft : colour.other;

export function middle(polygon: [number, number][]): [number, number] {
  const n = polygon.length;
  return [polygon.reduce((s, p) => s + p[0], 0) / n, polygon.reduce((s, p) => s + p[1], 0) / n];
}
