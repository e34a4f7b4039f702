// Which clearance is looked at: the panel tells what it rests on, the map draws it.
import type { Clearance, Drill } from "./protocol";
import { selected } from "./store";

/** Of the selected track, else of the first that waits, else the first that rests on something; one with evidence before one without. */
export function chosenClearance(drill: Drill): Clearance | undefined {
  const of = (track: number | null | undefined) => drill.clearances.find((c) => c.track === track && c.evidence) ?? drill.clearances.find((c) => c.track === track);
  return of(selected.value) ?? of(drill.awaiting[0]) ?? drill.clearances.find((c) => c.evidence);
}
