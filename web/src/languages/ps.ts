import type { Texts } from "../texts";
export const pashto: Partial<Texts> = { language: "ps", direction: "rtl" };
