// The map's colours: Okabe and Ito's, which the colour-blind tell apart, on a dark and a light ground. Shape always says the same again.
import { theme } from "../store";

const shared = { vermillion: "#d55e00", orange: "#e69f00", sky: "#56b4e9", green: "#009e73", yellow: "#f0e442", blue: "#0072b2", purple: "#cc79a7" };
const dark = {
  ...shared, ground: "#0e141b", ink: "#e8edf2", faint: "#5d6b7a", zone: "#93a4b5", zoneFill: "rgba(147,164,181,0.10)", halo: "#0b1016",
  round: "#ff8a3d", aircraft: "#7cc8f5", other: "#f0e442", warned: "#ff6a1f", warnedFill: "rgba(213,94,0,0.42)", runway: "#c9d4df", good: "#3fc79a",
  draft: "#56b4e9", draftFill: "rgba(86,180,233,0.10)", chosen: "#f0e442", chosenFill: "rgba(240,228,66,0.22)", seen: "#56b4e9", seenFill: "rgba(86,180,233,0.17)",
};
const light = {
  ...shared, vermillion: "#a64500", orange: "#855500", green: "#00664b", // dark enough for lines and small words on a light ground
  ground: "#e9edf0", ink: "#10161d", faint: "#7f8c99", zone: "#4b5a69", zoneFill: "rgba(75,90,105,0.10)", halo: "#ffffff",
  round: "#b34700", aircraft: "#005a8f", other: "#7a6a00", warned: "#b34700", warnedFill: "rgba(213,94,0,0.30)", runway: "#39434d", good: "#00664b",
  draft: "#005a8f", draftFill: "rgba(0,90,143,0.08)", chosen: "#8a4b00", chosenFill: "rgba(230,159,0,0.30)", seen: "#005a8f", seenFill: "rgba(0,114,178,0.16)",
};
export const colours = (): typeof dark => (theme.value === "light" ? light : dark);
