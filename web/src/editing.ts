// The site being edited: its zones, radars and effectors as they lie on disk, changed by hand or on the map, checked and saved by the server.
import { signal } from "@preact/signals";
import { type Covered, cover, edited } from "./coverage";
import { earth } from "./map/earth";
import type { Zone } from "./protocol";
import { hello, may, tab, tell } from "./store";
import { texts } from "./texts";

export type Kind = "zones" | "radars" | "effectors";
export type Value = string | number | boolean | number[];
export type Place = [number, number];
/** A key that a radar or an effector may have, as the server's loader asks for it. */
export interface Field { key: string; kind: string; needed: boolean; default: string | number | boolean | null; low: number | null; high: number | null; choices: string[] }
export interface DraftZone extends Zone { of?: number }
/** A radar or an effector by the keys of its file; `of` is its number there. */
export interface Equipment { of?: number; values: Record<string, Value> }
interface Files { version: string; zones: DraftZone[]; radars: Equipment[]; effectors: Equipment[]; fields: Record<"radars" | "effectors", Field[]> }
export interface Draft extends Files { kind: Kind; chosen: number; changed: boolean; faults: string[] | null; saved: boolean }

export const KINDS = ["zones", "radars", "effectors"] as const;
export const draft = signal<Draft | null>(null);
export const drawing = signal(false);
/** Middle of the map, set by it: where something made by keyboard begins. */
export const centre = { at: (): Place => [0, 0] };

const HALF = 60; // half the side of a new zone [m]
/** What a new one needs, generic and illustrative; all of it is there to be changed. */
const FRESH: Record<"radars" | "effectors", Record<string, Value>> = {
  radars: { kind: "staring", height_m: 10, revisit_s: 1, range_max_m: 20000, range_sigma_m: 20, azimuth_sigma_mrad: 3, elevation_sigma_mrad: 3 },
  effectors: { kind: "gun", height_m: 0, reach_min_m: 200, reach_max_m: 2000 },
};

/** Open the site's files for editing, or leave them as they are. */
export async function edit(): Promise<void> {
  if (draft.value) return leave();
  if (!hello.value || !may("edit")) return;
  const said = await files();
  if (!said || said.error) return tell(said?.error ?? texts.connecting);
  draft.value = { ...said, kind: "zones", chosen: 0, changed: false, faults: null, saved: false };
  tab.value = "edit";
  requestAnimationFrame(() => document.querySelector<HTMLElement>(".edit select")?.focus()); // the form is where the hands go next
}

async function files(): Promise<(Files & { error?: string }) | null> {
  const answer = await fetch("api/draft").catch(() => null);
  return (await answer?.json().catch(() => null)) ?? null;
}

export function leave(): void {
  draft.value = null;
  drawing.value = false;
  edited.value = null;
  tab.value = "tracks";
}

export function choose(index: number, kind: Kind = draft.value?.kind ?? "zones"): void {
  if (!draft.value || index < 0) return;
  if (kind !== draft.value.kind) drawing.value = false;
  draft.value = { ...draft.value, kind, chosen: index };
}

/** Change the chosen zone, or the one named. */
export function change(part: Partial<Zone>, index = draft.value?.chosen ?? 0): void {
  put({ zones: draft.value?.zones.map((zone, i) => (i === index ? { ...zone, ...part } : zone)) });
}

/** Give keys of a radar or an effector other values; one without a value is left out of the file. */
export function declare(values: Record<string, Value | undefined>, kind = draft.value!.kind as "radars" | "effectors", index = draft.value!.chosen): void {
  const changed = (own: Record<string, Value>): Record<string, Value> =>
    Object.fromEntries(Object.entries({ ...own, ...values }).filter(([, value]) => value !== undefined)) as Record<string, Value>;
  put({ [kind]: draft.value![kind].map((each, i) => (i === index ? { ...each, values: changed(each.values) } : each)) });
}

/** Where a radar or an effector stands, east and north [m]; its file may say so in degrees. */
export function placeOf({ values }: Equipment): Place {
  if (!inDegrees(values)) return [number(values.east_m), number(values.north_m)];
  return earth(hello.value!.site.origin).fromFile([number(values.longitude_deg), number(values.latitude_deg)]);
}

/** The same in degrees, longitude first. */
export const degreesOf = (each: Equipment): Place =>
  inDegrees(each.values) ? [number(each.values.longitude_deg), number(each.values.latitude_deg)] : earth(hello.value!.site.origin).toFile(placeOf(each));

/** Put a radar or an effector somewhere else, said in the way its file says it. */
export function move(place: Place, kind = draft.value!.kind as "radars" | "effectors", index = draft.value!.chosen): void {
  const each = draft.value![kind][index];
  if (each) declare(inDegrees(each.values) ? degrees(earth(hello.value!.site.origin).toFile(place)) : metres(place), kind, index);
}

export function moveToDegrees(place: Place): void {
  const d = draft.value!, each = d[d.kind as "radars" | "effectors"][d.chosen];
  if (each) declare(inDegrees(each.values) ? degrees(place) : metres(earth(hello.value!.site.origin).fromFile(place)));
}

export function add(where?: Place | Place[]): void {
  const d = draft.value;
  if (!d) return;
  const at = centre.at().map((x) => Math.round(x)) as Place, kind = d.kind;
  if (kind === "zones") {
    const [e, n] = at, square: Place[] = [[e - HALF, n - HALF], [e + HALF, n - HALF], [e + HALF, n + HALF], [e - HALF, n + HALF]];
    const name = fresh(texts.edit.new_name.zones, d.zones.map((zone) => zone.name));
    put({ zones: [...d.zones, { name, kind: "building", people: 10, shelter: 10, warn: true, polygon: (where as Place[]) ?? square }] });
  } else {
    const name = fresh(texts.edit.new_name[kind], d[kind].map((each) => String(each.values.name)));
    put({ [kind]: [...d[kind], { values: { name, ...metres((where as Place) ?? at), ...FRESH[kind] } }] });
  }
  choose(draft.value![kind].length - 1);
  drawing.value = false;
}

export function remove(): void {
  const d = draft.value;
  if (!d) return;
  put({ [d.kind]: (d[d.kind] as unknown[]).filter((_, i) => i !== d.chosen) });
  choose(Math.max(0, d.chosen - 1));
}

/** Have the server check the draft, and save it where asked and good. */
export async function send(save: boolean): Promise<void> {
  const d = draft.value;
  if (!d) return;
  const { version, zones, radars, effectors } = d;
  const answer = await fetch("api/draft", {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": hello.value?.csrf ?? "" },
    body: JSON.stringify({ version, zones, radars, effectors, save, height: cover.value.height || undefined }),
  }).catch(() => null);
  const said = (await answer?.json().catch(() => null)) as { faults?: string[]; saved?: boolean; error?: string; version?: string; coverage?: Covered } | null;
  const now = said?.saved ? await files() : null; // what was new is in the file now
  const faults = said?.error ? [said.error] : (said?.faults ?? [texts.connecting]);
  if (!draft.value) return;
  edited.value = said?.coverage ?? edited.value;
  draft.value = { ...draft.value, ...(now && !now.error ? now : {}), faults, saved: said?.saved ?? false, changed: draft.value.changed && !said?.saved };
}

function put(part: Partial<Files>): void {
  if (!draft.value) return;
  draft.value = { ...draft.value, ...part, changed: true, faults: null, saved: false };
  edited.value = null;
}

function fresh(name: string, taken: string[]): string {
  for (let k = 1; ; k++) {
    const tried = k === 1 ? name : `${name} ${k}`;
    if (!taken.includes(tried)) return tried;
  }
}

const inDegrees = (values: Record<string, Value>): boolean => "latitude_deg" in values || "longitude_deg" in values;
const number = (value: Value | undefined): number => (typeof value === "number" ? value : 0);
const metres = ([e, n]: Place) => ({ east_m: Math.round(e * 10) / 10, north_m: Math.round(n * 10) / 10 });
const degrees = ([lon, lat]: Place) => ({ latitude_deg: Math.round(lat * 1e7) / 1e7, longitude_deg: Math.round(lon * 1e7) / 1e7 });
