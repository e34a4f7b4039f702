// Why a zone is warned: opened from its card, from its row and from the map.
import { explained, tab } from "./store";

/** Show why a zone is warned, or why it is not. */
export const explain = (zone: number | null): void => {
  explained.value = zone;
  if (zone === null) return;
  tab.value = "zones";
  requestAnimationFrame(() => document.querySelector(`[data-zone-row="${zone}"]`)?.scrollIntoView({ block: "nearest" }));
};
