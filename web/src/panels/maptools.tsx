// The map's own buttons: zoom, fit, ruler, which layers are drawn, and what the radars see.
import { signal } from "@preact/signals";
import { Icon } from "../icons";
import { map, scale } from "../map/map";
import { HEIGHTS, cover, covered, edited } from "../coverage";
import { draft } from "../editing";
import { frame, hello, layers, may, ruler } from "../store";
import { fill, texts } from "../texts";
import { editSite, toggleLayer, toggleRuler } from "../actions";

const open = signal<"" | "layers" | "coverage">("");

/** Open the list of layers with its first one ready to be switched, or close it. */
export function openLayers(): void {
  open.value = open.value === "layers" ? "" : "layers";
  if (open.value) requestAnimationFrame(() => document.querySelector<HTMLElement>(".layers input")?.focus());
}

/** Close what is open and give the focus back to its button. Answers whether something was. */
export function closeTools(): boolean {
  const was = open.value;
  if (!was) return false;
  open.value = "";
  document.querySelector<HTMLElement>(`.maptools [data-opens="${was}"]`)?.focus();
  return true;
}

export function MapTools() {
  const toggle = (what: "layers" | "coverage"): void => void (open.value = open.value === what ? "" : what);
  return (
    <div class="maptools">
      <button onClick={() => map.zoom(0.5)} title={`${texts.zoom_in} (+)`}><Icon name="plus" says={texts.zoom_in} /></button>
      <button onClick={() => map.zoom(-0.5)} title={`${texts.zoom_out} (−)`}><Icon name="minus" says={texts.zoom_out} /></button>
      <button onClick={() => map.fit()} title={`${texts.fit} (F)`}><Icon name="home" says={texts.fit} /></button>
      <button onClick={() => map.fitAll()} title={`${texts.fit_all} (Shift+F)`}><Icon name="all" says={texts.fit_all} /></button>
      <button onClick={toggleRuler} aria-pressed={ruler.value} title={`${texts.ruler} (D)`}><Icon name="ruler" says={texts.ruler} /></button>
      <button data-opens="layers" onClick={() => toggle("layers")} aria-expanded={open.value === "layers"} title={`${texts.layers} (N)`}><Icon name="layers" says={texts.layers} /></button>
      <button data-opens="coverage" onClick={() => toggle("coverage")} aria-expanded={open.value === "coverage"} aria-pressed={cover.value.height > 0} title={`${texts.coverage.title} (X)`}>
        <Icon name="radar" says={texts.coverage.title} />
      </button>
      {may("edit") && hello.value?.editable && (
        <button onClick={editSite} aria-pressed={!!draft.value} title={`${texts.edit.open} (E)`}><Icon name="edit" says={texts.edit.open} /></button>
      )}
      {open.value === "layers" && <Layers />}
      {open.value === "coverage" && <Coverage />}
    </div>
  );
}

function Layers() {
  const h = hello.value;
  const there = { effectors: !!frame.value?.drill, terrain: !!h?.site.terrain, contours: !!h?.site.terrain, tiles: !!h?.tiles } as Record<string, boolean>;
  const names = (Object.keys(layers.value) as (keyof typeof layers.value)[]).filter((name) => there[name] ?? true);
  return (
    <fieldset class="layers">
      <legend>{texts.layers}</legend>
      {names.map((name) => (
        <label key={name}><input type="checkbox" checked={layers.value[name]} onChange={() => toggleLayer(name)} /> {texts.layer[name]}</label>
      ))}
    </fieldset>
  );
}

function Coverage() {
  const c = texts.coverage, { height, radar } = cover.value;
  return (
    <fieldset class="layers">
      <legend>{c.title}</legend>
      <label>
        {c.height}
        <select value={String(height)} onChange={(event) => (cover.value = { ...cover.value, height: Number(event.currentTarget.value) })}>
          <option value="0">{c.off}</option>
          {HEIGHTS.map((each) => <option key={each} value={String(each)}>{fill(c.metres, { n: each })}</option>)}
        </select>
      </label>
      <label>
        {c.radar}
        <select value={radar} onChange={(event) => (cover.value = { ...cover.value, radar: event.currentTarget.value })}>
          <option value="">{c.all}</option>
          {hello.value?.site.radars.map(({ name }) => <option key={name} value={name}>{name}</option>)}
        </select>
      </label>
    </fieldset>
  );
}

/** North, which is always up, and a length of the ground. */
export function Scale() {
  const { metres: length, pixels } = scale.value;
  if (!pixels) return null;
  return (
    <div class="scale" data-test="scale">
      <svg class="arrow" viewBox="0 0 14 22" aria-hidden="true"><path d="M7 1 L12 11 H8.5 V21 H5.5 V11 H2 Z" /></svg>
      <span class="hidden">{texts.north_up}</span><b aria-hidden="true">{texts.north}</b>
      <svg class="length" width={pixels + 2} height="8" aria-hidden="true"><path d={`M1 1 V7 H${pixels + 1} V1`} /></svg>
      <span>{length >= 1000 ? `${length / 1000} km` : `${length} m`}</span>
    </div>
  );
}

/** At the map's edge: what the shaded ground means. */
export function CoverageSays() {
  const c = texts.coverage, { height, radar } = cover.value;
  if (!height) return null;
  const checked = draft.value && edited.value?.height === height;
  const about = { n: height, what: radar || c.all };
  return (
    <div class="covered" role="status" data-test="coverage">
      {covered.value || checked ? fill(c.says, about) : c.wait}
      {draft.value ? ` ${checked ? c.edited : c.not_edited}` : ""}
    </div>
  );
}
