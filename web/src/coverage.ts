// What the radars see at a height above the ground: asked of the server, which computes it; here it is only chosen and kept.
import { effect, signal } from "@preact/signals";
import { hello, tell } from "./store";
import { texts } from "./texts";

export const HEIGHTS = [100, 300, 1000, 3000]; // above the ground [m]
export type Rings = [number, number][][];
export interface Covered { height: number; all: Rings[]; radars: { name: string; seen: Rings[] }[] }

/** What is shown: height 0 for nothing; a radar's name, or "" for all together. */
export const cover = signal({ height: 0, radar: "" });
/** Of the edited site, where it was checked; else of the site as it runs. */
export const edited = signal<Covered | null>(null);
export const covered = signal<Covered | null>(null);
const known = new Map<number, Covered>();

let of = "";
effect(() => {
  const { height } = cover.value, server = hello.value?.server;
  if (!server) return;
  if (server !== of) known.clear(); // another run, perhaps of another site
  of = server;
  covered.value = known.get(height) ?? null;
  if (height && !known.has(height)) void fetchOne(height);
});

/** The next height up; after the greatest nothing, then the least again. */
export function nextHeight(): void {
  const at = HEIGHTS.indexOf(cover.value.height);
  cover.value = { ...cover.value, height: at < 0 ? HEIGHTS[0]! : (HEIGHTS[at + 1] ?? 0) };
}

async function fetchOne(height: number): Promise<void> {
  const answer = await fetch(`api/coverage?height=${height}`).catch(() => null);
  if (!answer?.ok) return tell(texts.connecting);
  const found = (await answer.json()) as Covered;
  known.set(height, found);
  if (cover.value.height === height) covered.value = found;
}
