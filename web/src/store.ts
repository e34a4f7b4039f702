// What the page knows, as signals: whoever reads one is drawn again when it changes.
import { batch, computed, signal } from "@preact/signals";
import type { Event, Frame, Hello, Instructor, Pulse, Time, Warning } from "./protocol";

export const hello = signal<Hello | null>(null);
export const frame = signal<Frame | null>(null);       // newest, drawn by the map as it comes
export const calm = signal<Frame | null>(null);        // the same at 2 Hz: what tables are drawn from
export const pulse = signal<Pulse | null>(null);
export const led = signal<Instructor | null>(null);    // only an instructor is sent it
export const time = signal<Time>({ type: "time", live: true, moving: false, speed: 1, t: 0 });
export const silence = signal(0);                      // seconds without any word from the server
export const connected = signal(false);
export const logIn = signal(false);                    // the server wants a log-in
export const outdated = signal(false);
export const events = signal<Event[]>([]);

export const selected = signal<number | null>(null);
export const filter = signal("");
export const tab = signal<"tracks" | "rehearsal" | "health" | "events" | "zones" | "messages" | "instructor" | "edit">("tracks");
export const explained = signal<number | null>(null); // the zone of which is told why it is warned or not
export const dialog = signal<null | { kind: string; subject?: string }>(null);
export const toast = signal("");
export const theme = signal<"dark" | "light">(matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
export const sound = signal(true);
export const hearable = signal<"ready" | "blocked" | "none">("blocked"); // whether the browser lets the page be heard yet
export const voice = signal(""); // the local voice warnings are spoken with; empty where the computer has none
export const heard = signal<string[]>([]); // clips played last, as ZONE.STAGE
export const ruler = signal(false);
export const layers = signal({ tiles: true, terrain: true, contours: true, rings: true, radars: true, effectors: false, labels: true, trails: true });
export const drawMs = signal(0);
export const still = matchMedia("(prefers-reduced-motion: reduce)");

const STALE_S = 1.2;

/** How long a picture may be away before it is called stale: two and a half frames, at least 1.2 s: the pulse that says so may come a quarter of a second later. */
export const patience = computed(() => Math.max(STALE_S, (2.5 * (hello.value?.site.frame_s ?? 0)) / Math.min(1, pulse.value?.pace?.speed || 1)));

/** The run itself stands still, because somebody stopped it. */
export const paused = computed(() => pulse.value?.pace?.speed === 0 && !pulse.value.over);

/** "", "link" or "feed": what has fallen silent. A run that has ended is not stale. */
export const stale = computed<"" | "link" | "feed">(() => {
  if (!hello.value) return "";
  if (silence.value > STALE_S || !connected.value) return "link";
  const p = pulse.value;
  return p && !p.over && !paused.value && p.t !== null && hello.value.mode !== "REPLAY" && p.age > patience.value ? "feed" : "";
});

/** The mode as the operator must read it: looking back is a replay, whatever runs behind it. */
export const mode = computed(() => (hello.value && time.value.live ? hello.value.mode : hello.value ? "REPLAY" : null));

/** Warnings of the picture shown, most urgent first: unacknowledged before acknowledged, then by impact. */
export const warnings = computed<Warning[]>(() => urgent(frame.value?.warnings ?? []));

/** Warnings of now, also while looking back. */
export const liveWarnings = computed<Warning[]>(() =>
  urgent((time.value.live ? frame.value?.warnings : pulse.value?.warnings) ?? []),
);

export const alarming = computed(() => liveWarnings.value.filter((w) => !w.seen && w.shelved === null));
/** What was put aside, the one that comes back first on top. */
export const shelf = computed(() => liveWarnings.value.filter((w) => w.shelved !== null).sort((a, b) => a.shelved! - b.shelved!));
/** The run's time now: of the newest picture. */
export const liveT = computed(() => (time.value.live ? frame.value?.t : pulse.value?.t) ?? 0);

/** Whether whoever looks may do it here: of a record nothing can be commanded by anybody. */
export const may = (what: string): boolean => !!hello.value?.may.includes(what) && (hello.value.mode !== "REPLAY" || what === "audit");

function urgent(list: Warning[]): Warning[] {
  const soon = (w: Warning) => w.impact ?? Infinity;
  return [...list].sort(
    (a, b) => Number(a.shelved !== null) - Number(b.shelved !== null) || Number(!!a.seen) - Number(!!b.seen) || soon(a) - soon(b) || a.zone - b.zone,
  );
}

let calmed = 0;
let later = 0;
/** Take a new picture; tables follow at 2 Hz. */
export function show(next: Frame): void {
  const now = performance.now();
  batch(() => {
    frame.value = next;
    if (now - calmed >= 500) {
      calmed = now;
      calm.value = next;
    }
  });
  clearTimeout(later);
  later = window.setTimeout(() => {
    calmed = performance.now();
    calm.value = frame.value;
  }, 500);
}

let clearing = 0;
/** A sentence at the foot of the page, for five seconds. */
export function tell(sentence: string): void {
  toast.value = sentence;
  clearTimeout(clearing);
  clearing = window.setTimeout(() => (toast.value = ""), 5000);
}
