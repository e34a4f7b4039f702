// Small drawings for buttons; drawn, because not every computer's fonts have them.
const PATHS = {
  sound: "M2 7v6h4l5 4V3L6 7Z M13 6q3 4 0 8 M15 3q6 7 0 14",
  silent: "M2 7v6h4l5 4V3L6 7Z M13 7l5 6 M18 7l-5 6",
  theme: "M10 2a8 8 0 1 0 0 16Z M10 2a8 8 0 0 1 0 16",
  link: "M8 12l4-4 M7 9l-3 3a3 3 0 0 0 4 4l3-3 M13 11l3-3a3 3 0 0 0-4-4l-3 3",
  home: "M2 10l8-7 8 7 M5 9v8h10V9",
  all: "M2 7V2h5 M13 2h5v5 M18 13v5h-5 M7 18H2v-5",
  ruler: "M2 10h16 M2 6v8 M18 6v8",
  layers: "M10 3l8 4-8 4-8-4Z M2 11l8 4 8-4",
  plus: "M10 3v14 M3 10h14",
  minus: "M3 10h14",
  help: "M6 7a4 4 0 1 1 5 4q-1 .5-1 3 M10 17v.5",
  records: "M4 2h9l3 3v13H4Z M7 8h6 M7 11h6 M7 14h4",
  radar: "M10 10L17 4 M10 10m-8 0a8 8 0 1 0 13-6 M10 10m-4 0a4 4 0 1 0 6.5-3.1",
  edit: "M3 17l1-4 9-9 3 3-9 9Z",
};

export function Icon({ name, says }: { name: keyof typeof PATHS; says: string }) {
  return (
    <>
      <svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d={PATHS[name]} /></svg>
      <span class="hidden">{says}</span>
    </>
  );
}
