// APP-6 symbols as SVG files, drawn by milsymbol when the page is built.
import ms from "milsymbol";

// fills are Okabe and Ito's, as everywhere on the page; the frame's shape says the same
const SYMBOLS = {
  // 10 version, 0 reality, affiliation (6 hostile, 3 friend, 1 unknown, 4 neutral), symbol set, 0 present, 00, 00, entity, modifiers
  projectile: ["10060200001100000000", "#e8743b"], // hostile missile, seen in the air
  aircraft: ["10040100001201000000", "#56b4e9"], // neutral aircraft: it says who it is
  unknown: ["10010100000000000000", "#f0e442"], // something flying that says nothing
  radar: ["10031500002203000000", "#8fd0b8"], // friendly sensor
  effector: ["10031500001111000000", "#8fd0b8"], // friendly equipment, generic; simulated only
};

export function drawSymbols() {
  return Object.fromEntries(
    Object.entries(SYMBOLS).map(([name, [sidc, fillColor]]) => {
      const symbol = new ms.Symbol(sidc, { size: 40, fillColor, strokeWidth: 5, outlineWidth: 4, outlineColor: "#0b1016" });
      return [name, symbol.asSVG()];
    }),
  );
}
