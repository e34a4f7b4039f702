import type { Texts } from "../texts";
export const dari: Partial<Texts> = { language: "fa-AF", direction: "rtl" };
