// What a hand can do, once: buttons and keys both call these.
import { drawing } from "./editing";
import { map } from "./map/map";
import { ask, command } from "./link";
import {
  alarming, calm, dialog, filter, frame, hello, layers, liveWarnings, may, pulse, ruler, selected, shelf, sound, tab, tell, theme, time, warnings,
} from "./store";
import { fill, texts } from "./texts";
import { countdown } from "./format";
import { rows } from "./panels/rows";

export const SPEEDS = [0.5, 1, 2, 4, 8, 16];
const zoneName = (zone: number): string => hello.value?.site.zones[zone]?.name ?? "";

export const acknowledge = (zone?: number): void => {
  const which = zone ?? alarming.value[0]?.zone;
  if (which !== undefined) void command("acknowledge", zoneName(which));
};
export const acknowledgeAll = (): void => alarming.value.forEach((w) => void command("acknowledge", zoneName(w.zone)));
export const shelve = (zone?: number): void => {
  const which = zone ?? warnings.value.find((w) => w.shelved === null)?.zone;
  if (which !== undefined) dialog.value = { kind: "shelve", subject: zoneName(which) };
};
export const shelveAll = (): void => {
  if (unshelved().length) dialog.value = { kind: "shelve-all" };
};
/** Names of the zones whose warnings are not put aside. */
export const unshelved = (): string[] => liveWarnings.value.filter((w) => w.shelved === null).map((w) => zoneName(w.zone));
export const openShelf = (): void => void (shelf.value.length ? (dialog.value = { kind: "shelf" }) : tell(texts.shelf.none));
export const unshelveAll = (): void => shelf.value.forEach((w) => unshelve(w.zone));
export const unshelve = (zone: number): void => void command("shelve", `0 ${zoneName(zone)}`);
export const alarm = (): void => void (dialog.value = { kind: "alarm" });
export const cancelAlarm = (): void => {
  const manual = liveWarnings.value.find((w) => w.manual);
  if (manual) dialog.value = { kind: "cancel", subject: zoneName(manual.zone) };
  else tell(texts.no_manual);
};
export const reclassify = (): void => void (selected.value !== null && (dialog.value = { kind: "reclassify", subject: String(selected.value) }));
/** What a person says the selected track is; undefined where nobody does. */
export const saidOf = (track: number) => frame.value?.tracks.said[String(track)];
export const weapons = (): void => void (frame.value?.drill && may("weapons") && (dialog.value = { kind: "weapons" }));

export const consent = (track?: number): void => {
  const which = track ?? awaiting()[0];
  if (which !== undefined) void command("consent", String(which));
};
export const hold = (): void => {
  if (!frame.value?.drill) return;
  const held = frame.value.drill.holds.includes("all");
  void command(held ? "release" : "hold", "all");
};
/** Tracks that wait for a consent, the one whose last safe moment comes first on top. */
export function awaiting(): number[] {
  const drill = frame.value?.drill;
  if (!drill) return [];
  const last = (track: number) => Math.max(...drill.clearances.filter((c) => c.track === track && c.cleared).map((c) => c.last ?? 0), 0);
  return [...drill.awaiting].sort((a, b) => last(a) - last(b));
}

/** The run's own pace, for everybody: only where the time of the run is ours, and to those who may. */
export const paceable = (): boolean => !!pulse.value?.pace && may("pace");
export const setPace = (speed: number): void => void command("pace", String(speed));
let paceBefore = 1;
export const pauseRun = (): void => {
  if (!paceable()) return tell(hello.value?.paced ? texts.pace.not_yours : texts.pace.not_ours);
  const speed = pulse.value!.pace!.speed;
  if (speed !== 0) paceBefore = speed === null ? 16 : speed;
  setPace(speed === 0 ? paceBefore : 0);
};
export const runFaster = (steps: number): void => {
  if (!paceable()) return tell(hello.value?.paced ? texts.pace.not_yours : texts.pace.not_ours);
  const speed = pulse.value!.pace!.speed ?? 16;
  const at = SPEEDS.findIndex((each) => each >= speed);
  setPace(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, (at < 0 ? 1 : at) + steps))]!);
};
export const pauseOrPlay = (): void => {
  left = performance.now();
  ask(!time.value.live && !time.value.moving ? { do: "play", speed: time.value.speed } : { do: "pause" });
};
export const goLive = (): void => {
  if (location.hash) history.replaceState(null, "", location.pathname);
  ask({ do: "live" });
};
let left = -Infinity; // when the page last asked to look back; the answer takes a moment
let aimed = { t: 0, at: -Infinity };
export const seek = (t: number): void => {
  const span = pulse.value?.span;
  if (!span) return;
  left = performance.now();
  aimed = { t: Math.min(span[1], Math.max(span[0], t)), at: performance.now() };
  ask({ do: "seek", t: aimed.t });
};
/** Further from where the last nudge went, even if its picture is not here yet. */
export const nudge = (by: number): void => seek((performance.now() - aimed.at < 400 ? aimed.t : (frame.value?.t ?? 0)) + by);
export const setSpeed = (speed: number): void => ask({ do: "play", speed });
export const faster = (steps: number): void => {
  if (time.value.live && performance.now() - left > 1000) return tell(texts.pace.live);
  const at = SPEEDS.indexOf(time.value.speed);
  setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, (at < 0 ? 1 : at) + steps))]!);
};
export async function copyLink(): Promise<void> {
  const url = `${location.origin}/#t=${Number((frame.value?.t ?? 0).toFixed(3))}`;
  try {
    await navigator.clipboard.writeText(url);
    tell(texts.link_copied);
  } catch {
    tell(fill(texts.link_is, { url }));
  }
}

export const nextTrack = (step: number): void => {
  const list = rows.value;
  if (!list.length) return;
  const at = list.findIndex((row) => row.id === selected.value);
  selected.value = list[at < 0 ? (step > 0 ? 0 : list.length - 1) : (at + step + list.length) % list.length]!.id;
  tab.value = "tracks";
};
export const toggleTheme = (): void => void (theme.value = theme.value === "dark" ? "light" : "dark");
export const toggleSound = (): void => {
  sound.value = !sound.value;
  tell(sound.value ? texts.sound_on : texts.sound_off);
};
export const toggleRuler = (): void => {
  ruler.value = !ruler.value;
  if (ruler.value) map.focus(); // arrows and Enter measure
};
export const toggleLayer = (name: keyof typeof layers.value): void => {
  layers.value = { ...layers.value, [name]: !layers.value[name] };
};
export const people = (): void => void (dialog.value = { kind: "people" });
/** Shading and contours, both at once. */
export const toggleTerrain = (): void => {
  const shown = !(layers.value.terrain || layers.value.contours);
  layers.value = { ...layers.value, terrain: shown, contours: shown };
};
export const help = (): void => void (dialog.value = { kind: "help" });
export const clearSelection = (): void => {
  selected.value = null;
  filter.value = "";
  ruler.value = false;
  drawing.value = false;
};
export { countdown, calm, map };
