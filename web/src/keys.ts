// Every act by keyboard. Keys are quiet while somebody types or a dialog is open.
import * as act from "./actions";
import { map } from "./map/map";
import { nextHeight } from "./coverage";
import { closeTools, openLayers } from "./panels/maptools";
import { openWatch } from "./panels/watch";
import { dialog, logIn, ruler, tab, tell } from "./store";
import { fill, texts } from "./texts";

const TABS = ["tracks", "rehearsal", "health", "events", "zones", "messages", "instructor"] as const;

const KEYS: Record<string, () => void> = {
  a: () => act.acknowledge(), A: act.acknowledgeAll, s: () => act.shelve(), S: act.shelveAll, b: act.openShelf, m: act.alarm, c: act.cancelAlarm, C: act.correct, r: act.reclassify,
  y: () => act.consent(), h: act.hold, w: act.weapons, " ": act.pauseOrPlay, ArrowLeft: () => act.nudge(-1), ArrowRight: () => act.nudge(1),
  p: act.pauseRun, "<": () => act.runFaster(-1), ">": () => act.runFaster(1), i: act.people,
  "[": () => act.faster(-1), "]": () => act.faster(1), g: act.goLive, l: () => void act.copyLink(), j: () => act.nextTrack(1), k: () => act.nextTrack(-1),
  f: () => map.fit(), F: () => map.fitAll(), "+": () => map.zoom(0.5), "=": () => map.zoom(0.5), "-": () => map.zoom(-0.5), d: act.toggleRuler,
  t: act.toggleTheme, v: act.toggleSound, u: act.audit, o: act.openRecords, e: act.editSite, x: nextHeight, n: openLayers, z: act.toggleTerrain, q: openWatch, "?": act.help,
  Escape: () => void (closeTools() || act.clearSelection()),
};

export function listen(): void {
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.altKey || event.metaKey || dialog.value || logIn.value) return;
    const typing = target.matches("input:not([type=range], [type=checkbox]), select, textarea");
    if (typing) {
      if (event.key === "Escape" && !(target.closest(".maptools") && closeTools())) target.blur();
      return;
    }
    if (target.matches("button, summary, [type=range], [type=checkbox]") && (event.key === " " || event.key === "Enter")) return;
    if (target.closest(".canvas") && event.key.startsWith("Arrow")) return; // moves the map
    if (target.closest(".canvas") && event.key === "Enter" && ruler.value) return map.rule();
    if (target.closest(".scroll") && event.key.startsWith("Arrow") && !event.key.match(/Left|Right/)) return;
    // Caps Lock is no Shift: only Shift asks for the greater act
    const letter = event.key.length === 1 && event.getModifierState("CapsLock");
    const key = !letter ? event.key : event.shiftKey ? event.key.toUpperCase() : event.key.toLowerCase();
    if (key === "/") {
      tab.value = "tracks";
      const field = document.getElementById("filter");
      if (field) field.focus();
      else setTimeout(() => document.getElementById("filter")?.focus()); // it comes with the tab
    } else if (event.shiftKey && key === "ArrowLeft") act.nudge(-10);
    else if (event.shiftKey && key === "ArrowRight") act.nudge(10);
    else if (/^[1-7]$/.test(key)) act.showTab(TABS[Number(key) - 1]!);
    else if (KEYS[key]) KEYS[key]!();
    else if (/^[\p{L}\p{N}]$/u.test(key)) tell(fill(texts.no.key, { key: key.toUpperCase() }));
    else return;
    event.preventDefault();
  });
}
