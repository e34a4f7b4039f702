// APP-6 symbols as SVG files, drawn by milsymbol when the page is built.
import ms from "milsymbol";

const SIDC = {
  // 10 version, 0 reality, affiliation (6 hostile, 3 friend, 1 unknown, 4 neutral), symbol set, 0 present, 00, 00, entity, modifiers
  projectile: "10060200001100000000", // hostile missile, seen in the air
  aircraft: "10040100001201000000", // neutral aircraft: it says who it is
  unknown: "10010100000000000000", // something flying that says nothing
  radar: "10031500002203000000", // friendly sensor
  effector: "10031500001111000000", // friendly equipment, generic; simulated only
};

export function drawSymbols() {
  return Object.fromEntries(
    Object.entries(SIDC).map(([name, sidc]) => {
      const symbol = new ms.Symbol(sidc, { size: 40, strokeWidth: 5, outlineWidth: 4, outlineColor: "#0b1016" });
      return [name, symbol.asSVG()];
    }),
  );
}
