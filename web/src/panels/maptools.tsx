// The map's own buttons: zoom, fit, ruler, and which layers are drawn.
import { signal } from "@preact/signals";
import { map } from "../map/map";
import { frame, hello, layers, ruler } from "../store";
import { texts } from "../texts";
import { toggleLayer, toggleRuler } from "../actions";

const open = signal(false);

export function MapTools() {
  const names = (Object.keys(layers.value) as (keyof typeof layers.value)[]).filter(
    (name) => (name !== "effectors" || frame.value?.drill) && (!["terrain", "contours"].includes(name) || hello.value?.site.terrain),
  );
  return (
    <div class="maptools">
      <button onClick={() => map.zoom(0.5)} title={`${texts.zoom_in} (+)`}>+<span class="hidden">{texts.zoom_in}</span></button>
      <button onClick={() => map.zoom(-0.5)} title={`${texts.zoom_out} (−)`}>−<span class="hidden">{texts.zoom_out}</span></button>
      <button onClick={() => map.fit()} title={`${texts.fit} (F)`}>⌂<span class="hidden">{texts.fit}</span></button>
      <button onClick={() => map.fitAll()} title={`${texts.fit_all} (Shift+F)`}>⛶<span class="hidden">{texts.fit_all}</span></button>
      <button onClick={toggleRuler} aria-pressed={ruler.value} title={`${texts.ruler} (D)`}>↔<span class="hidden">{texts.ruler}</span></button>
      <button onClick={() => (open.value = !open.value)} aria-expanded={open.value} title={texts.layers}>☰<span class="hidden">{texts.layers}</span></button>
      {open.value && (
        <fieldset class="layers">
          <legend>{texts.layers}</legend>
          {names.map((name) => (
            <label key={name}><input type="checkbox" checked={layers.value[name]} onChange={() => toggleLayer(name)} /> {texts.layer[name]}</label>
          ))}
        </fieldset>
      )}
    </div>
  );
}
