// Zones being edited: a copy of the site's, changed by hand or on the map, checked and saved by the server.
import { signal } from "@preact/signals";
import type { Zone } from "./protocol";
import { hello, may, tab } from "./store";
import { texts } from "./texts";

export interface Draft { zones: Zone[]; chosen: number; changed: boolean; faults: string[] | null; saved: boolean }

export const draft = signal<Draft | null>(null);
export const drawing = signal(false);
/** Middle of the map, set by it: where a zone made by keyboard begins. */
export const centre = { at: (): [number, number] => [0, 0] };

const HALF = 60; // half the side of a new zone [m]

export function edit(): void {
  if (draft.value) return leave();
  if (!hello.value || !may("edit")) return;
  draft.value = { zones: structuredClone(hello.value.site.zones), chosen: 0, changed: false, faults: null, saved: false };
  tab.value = "edit";
}

export function leave(): void {
  draft.value = null;
  drawing.value = false;
  tab.value = "tracks";
}

export function choose(index: number): void {
  if (draft.value && index >= 0) draft.value = { ...draft.value, chosen: index };
}

/** Change the chosen zone, or the one named. */
export function change(part: Partial<Zone>, index = draft.value?.chosen ?? 0): void {
  const d = draft.value;
  if (!d) return;
  draft.value = { ...d, zones: d.zones.map((zone, i) => (i === index ? { ...zone, ...part } : zone)), changed: true, faults: null, saved: false };
}

export function add(polygon?: [number, number][]): void {
  const d = draft.value;
  if (!d) return;
  const [e, n] = centre.at().map((x) => Math.round(x)) as [number, number];
  const square: [number, number][] = [[e - HALF, n - HALF], [e + HALF, n - HALF], [e + HALF, n + HALF], [e - HALF, n + HALF]];
  let name = texts.edit.new_name;
  for (let k = 2; d.zones.some((zone) => zone.name === name); k++) name = `${texts.edit.new_name} ${k}`;
  const zone: Zone = { name, kind: "building", people: 10, shelter: 10, warn: true, polygon: polygon ?? square };
  draft.value = { zones: [...d.zones, zone], chosen: d.zones.length, changed: true, faults: null, saved: false };
  drawing.value = false;
}

export function remove(): void {
  const d = draft.value;
  if (!d) return;
  draft.value = { ...d, zones: d.zones.filter((_, i) => i !== d.chosen), chosen: Math.max(0, d.chosen - 1), changed: true, faults: null, saved: false };
}

/** Have the server check the draft, and save it where asked and good. */
export async function send(save: boolean): Promise<void> {
  const d = draft.value;
  if (!d) return;
  const answer = await fetch("/api/zones", {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": hello.value?.csrf ?? "" },
    body: JSON.stringify({ zones: d.zones, save }),
  }).catch(() => null);
  const said = (await answer?.json().catch(() => null)) as { faults?: string[]; saved?: boolean; error?: string } | null;
  if (!draft.value) return;
  const faults = said?.error ? [said.error] : (said?.faults ?? [texts.connecting]);
  draft.value = { ...draft.value, faults, saved: said?.saved ?? false, changed: draft.value.changed && !said?.saved };
}
