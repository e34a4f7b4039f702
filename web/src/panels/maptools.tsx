// The map's own buttons: zoom, fit, ruler, and which layers are drawn.
import { signal } from "@preact/signals";
import { Icon } from "../icons";
import { map } from "../map/map";
import { draft, edit } from "../editing";
import { frame, hello, layers, may, ruler } from "../store";
import { texts } from "../texts";
import { toggleLayer, toggleRuler } from "../actions";

const open = signal(false);

export function MapTools() {
  const names = (Object.keys(layers.value) as (keyof typeof layers.value)[]).filter(
    (name) => (name !== "effectors" || frame.value?.drill) && (!["terrain", "contours"].includes(name) || hello.value?.site.terrain),
  );
  return (
    <div class="maptools">
      <button onClick={() => map.zoom(0.5)} title={`${texts.zoom_in} (+)`}><Icon name="plus" says={texts.zoom_in} /></button>
      <button onClick={() => map.zoom(-0.5)} title={`${texts.zoom_out} (−)`}><Icon name="minus" says={texts.zoom_out} /></button>
      <button onClick={() => map.fit()} title={`${texts.fit} (F)`}><Icon name="home" says={texts.fit} /></button>
      <button onClick={() => map.fitAll()} title={`${texts.fit_all} (Shift+F)`}><Icon name="all" says={texts.fit_all} /></button>
      <button onClick={toggleRuler} aria-pressed={ruler.value} title={`${texts.ruler} (D)`}><Icon name="ruler" says={texts.ruler} /></button>
      <button onClick={() => (open.value = !open.value)} aria-expanded={open.value} title={texts.layers}><Icon name="layers" says={texts.layers} /></button>
      {may("edit") && hello.value?.editable && (
        <button onClick={edit} aria-pressed={!!draft.value} title={`${texts.edit.open} (E)`}><Icon name="edit" says={texts.edit.open} /></button>
      )}
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
