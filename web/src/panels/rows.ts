// The rows of the track table: newest calm picture, filtered, soonest impact first.
import { computed, signal } from "@preact/signals";
import { calm, filter, hello } from "../store";
import { texts } from "../texts";
import { altitude, metres } from "../format";
import { AIRCRAFT, type Num } from "../protocol";

export interface Row {
  id: number; call: string; kind: number; p: number; impact: Num; sigma: Num; zone: string; height: number; said_height: string; speed: number; age: Num; doubt: Num; said: string;
}
export type Column = "id" | "kind" | "p" | "impact" | "place" | "height" | "speed" | "age" | "doubt";

export const sorting = signal<{ by: Column; down: boolean }>({ by: "impact", down: false });

export const allRows = computed<Row[]>(() => {
  const picture = calm.value, site = hello.value?.site;
  if (!picture || !site) return [];
  const { tracks, impacts, threats } = picture;
  const impact = new Map(impacts.id.map((id, i) => [id, i]));
  const worst = new Map<number, number>();
  threats.id.forEach((id, i) => {
    const before = worst.get(id);
    if (before === undefined || threats.p[i]! > threats.p[before]!) worst.set(id, i);
  });
  return tracks.id.map((id, i) => {
    const at = impact.get(id), threat = worst.get(id);
    return {
      id, call: tracks.call[i]! || tracks.icao[i]!, kind: tracks.kind[i]!, p: tracks.p[i]!, impact: at === undefined ? null : impacts.t[at]!,
      sigma: at === undefined ? null : impacts.st[at]!, zone: threat === undefined ? "" : (site.zones[threats.zone[threat]!]?.name ?? ""),
      height: tracks.z[i]!, said_height: tracks.kind[i] === AIRCRAFT ? altitude(tracks.x[i]!, tracks.y[i]!, tracks.z[i]!) : metres(tracks.z[i]), speed: Math.hypot(tracks.vx[i]!, tracks.vy[i]!, tracks.vz[i]!), age: tracks.age[i]!, doubt: tracks.a[i]!, said: tracks.said[String(id)]?.who ?? "",
    };
  });
});

export const rows = computed<Row[]>(() => {
  const wanted = filter.value.trim().toLowerCase();
  const matching = allRows.value.filter(
    (row) => !wanted || String(row.id).startsWith(wanted) || row.call.toLowerCase().includes(wanted) || texts.kinds[row.kind]!.includes(wanted)
      || row.zone.toLowerCase().includes(wanted),
  );
  const { by, down } = sorting.value, key = (row: Row): number | string =>
    by === "impact" ? (row.impact ?? Infinity) : by === "place" ? row.zone || "~" : (row[by] ?? Infinity);
  return matching.sort((a, b) => {
    const x = key(a), y = key(b), order = x < y ? -1 : x > y ? 1 : a.id - b.id;
    return down ? -order : order;
  });
});
