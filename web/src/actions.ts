// What a hand can do, once: buttons and keys both call these.
import { drawing, edit } from "./editing";
import { map } from "./map/map";
import { ask, command } from "./link";
import {
  alarming, calm, dialog, filter, frame, hello, layers, led, liveWarnings, may, pulse, ruler, selected, shelf, sound, tab, tell, theme, time,
} from "./store";
import { fill, texts } from "./texts";
import { countdown } from "./format";
import { rows } from "./panels/rows";

export const SPEEDS = [0.5, 1, 2, 4, 8, 16];
const zoneName = (zone: number): string => hello.value?.site.zones[zone]?.name ?? "";

/** Why something cannot be commanded now, told at the foot of the page; false where nothing is in the way. */
function barred(kind: string, rehearsed = false): boolean {
  const no = texts.no, h = hello.value;
  if (!h || !frame.value) return say(texts.waiting);
  if (h.mode === "REPLAY") return say(no.replay);
  if (rehearsed && !frame.value.drill) return say(no.rehearsal);
  if (!may(kind)) return say(fill(no.leave, { role: texts.role_names[h.role] ?? h.role, what: texts.people.acts[kind] ?? kind }));
  return false;
}
const say = (sentence: string): true => (tell(sentence), true);

export const acknowledge = (zone?: number): void => {
  const which = zone ?? alarming.value[0]?.zone;
  if (barred("acknowledge")) return;
  if (which === undefined) return tell(texts.no.alarming);
  void command("acknowledge", zoneName(which));
};
export const acknowledgeAll = (): void => {
  if (barred("acknowledge")) return;
  if (!alarming.value.length) return tell(texts.no.alarming);
  alarming.value.forEach((w) => void command("acknowledge", zoneName(w.zone)));
};
export const shelve = (zone?: number): void => {
  const which = zone ?? liveWarnings.value.find((w) => w.shelved === null)?.zone;
  if (barred("shelve")) return;
  if (which === undefined) return tell(texts.no.warned);
  dialog.value = { kind: "shelve", subject: zoneName(which) };
};
export const shelveAll = (): void => {
  if (barred("shelve")) return;
  if (!unshelved().length) return tell(texts.no.warned);
  dialog.value = { kind: "shelve-all" };
};
/** Names of the zones whose warnings are not put aside. */
export const unshelved = (): string[] => liveWarnings.value.filter((w) => w.shelved === null).map((w) => zoneName(w.zone));
export const openShelf = (): void => void (shelf.value.length ? (dialog.value = { kind: "shelf" }) : tell(texts.shelf.none));
export const unshelveAll = (): void => shelf.value.forEach((w) => unshelve(w.zone));
export const unshelve = (zone: number): void => void command("shelve", `0 ${zoneName(zone)}`);
export const alarm = (): void => {
  if (barred("alarm")) return;
  if (!hello.value!.site.zones.length) return tell(texts.no.zones);
  dialog.value = { kind: "alarm" };
};
export const cancelAlarm = (): void => {
  if (barred("cancel")) return;
  const manual = liveWarnings.value.find((w) => w.manual);
  if (manual) dialog.value = { kind: "cancel", subject: zoneName(manual.zone) };
  else tell(texts.no_manual);
};
export const correct = (): void => {
  if (barred("correct")) return;
  const first = liveWarnings.value[0];
  if (first) dialog.value = { kind: "correct", subject: zoneName(first.zone) };
  else tell(texts.no_warning_stands);
};
/** The all-clear of a zone whose impacts are over. */
export const giveClear = (zone: number): void => void (barred("all-clear") || void command("all-clear", zoneName(zone)));
export const reclassify = (): void => {
  if (barred("reclassify")) return;
  if (selected.value === null) return tell(texts.no.selected);
  dialog.value = { kind: "reclassify", subject: String(selected.value) };
};
/** What a person says the selected track is; undefined where nobody does. */
export const saidOf = (track: number) => frame.value?.tracks.said[String(track)];
export const weapons = (): void => void (barred("weapons", true) || (dialog.value = { kind: "weapons" }));

export const consent = (track?: number): void => {
  const which = track ?? awaiting()[0];
  if (barred("consent", true)) return;
  if (which === undefined) return tell(texts.nobody_waits);
  void command("consent", String(which));
};
/** A hold counts at once and is asked about afterwards; its release says why first. */
export const hold = (): void => {
  const held = frame.value?.drill?.holds.some((each) => each.what === "all");
  if (barred(held ? "release" : "hold", true)) return;
  if (held) dialog.value = { kind: "release", subject: "all" };
  else void command("hold", "all").then((good) => good && giveReason());
};
/** Why everything is held: the hold stands meanwhile. */
export const giveReason = (): void => void (barred("hold", true) || (dialog.value = { kind: "held", subject: "all" }));
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
  if (time.value.live) return tell(texts.no.past);
  if (hello.value?.mode === "REPLAY") return tell(texts.no.live);
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
  const url = `${location.origin}${location.pathname}#t=${Number((frame.value?.t ?? 0).toFixed(3))}`;
  try {
    await navigator.clipboard.writeText(url);
    tell(texts.link_copied);
  } catch {
    tell(fill(texts.link_is, { url }));
  }
}

export const nextTrack = (step: number): void => {
  const list = rows.value;
  if (!list.length) return tell(filter.value ? texts.no.match : texts.no_tracks);
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
  if (!hello.value?.site.terrain) return tell(texts.no.terrain);
  const shown = !(layers.value.terrain || layers.value.contours);
  layers.value = { ...layers.value, terrain: shown, contours: shown };
};
export const help = (): void => void (dialog.value = { kind: "help" });
export const audit = (): void => {
  if (may("audit")) dialog.value = { kind: "audit" };
  else if (hello.value) tell(fill(texts.no.leave, { role: texts.role_names[hello.value.role] ?? hello.value.role, what: texts.people.acts.audit! }));
};
export const openRecords = (): void => {
  if (hello.value?.records) dialog.value = { kind: "records" };
  else tell(texts.no.records);
};
export const editSite = (): void => {
  if (!hello.value) return;
  if (!may("edit")) return tell(fill(texts.no.leave, { role: texts.role_names[hello.value.role] ?? hello.value.role, what: texts.people.acts.edit! }));
  if (!hello.value.editable) return tell(texts.no.editable);
  void edit();
};
export const showTab = (wanted: typeof tab.value): void => {
  if (wanted === "rehearsal" && !frame.value?.drill) return tell(texts.no.rehearsal);
  if (wanted === "messages" && !hello.value?.exercise && !frame.value?.messages?.length) return tell(texts.messages.none);
  if (wanted === "instructor" && !led.value) return tell(texts.instructor.closed);
  tab.value = wanted;
};
export const clearSelection = (): void => {
  selected.value = null;
  filter.value = "";
  ruler.value = false;
  drawing.value = false;
};
export { countdown, calm, map };
