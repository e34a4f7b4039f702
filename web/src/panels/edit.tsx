// The form for zones: everything the map can do by pointer, by keyboard.
import { useEffect, useState } from "preact/hooks";
import { add, change, choose, draft, drawing, leave, remove, send } from "../editing";
import { hello } from "../store";
import { fill, texts } from "../texts";

export function Edit() {
  const d = draft.value, e = texts.edit;
  if (!d) return null;
  const zone = d.zones[d.chosen];
  return (
    <section class="edit" aria-label={e.title}>
      <p class="none">{e.next_run}</p>
      <div class="bar">
        <button onClick={() => add()}>{e.add}</button>
        <button onClick={() => (drawing.value = !drawing.value)} aria-pressed={drawing.value}>{e.draw}</button>
      </div>
      {drawing.value && <p role="status">{e.drawing}</p>}
      <label>
        {e.zone}
        <select value={String(d.chosen)} onChange={(event) => choose(Number(event.currentTarget.value))} data-test="edit-zone">
          {d.zones.map((each, i) => <option key={i} value={String(i)}>{each.name}</option>)}
        </select>
      </label>
      {zone && (
        <div class="form">
          <label>{e.name}<input value={zone.name} maxLength={100} onInput={(event) => change({ name: event.currentTarget.value })} /></label>
          <label>
            {e.kind}
            <select value={zone.kind} onChange={(event) => change({ kind: event.currentTarget.value })}>
              {Object.entries(texts.zone_kinds).map(([kind, name]) => <option key={kind} value={kind}>{name}</option>)}
            </select>
          </label>
          <label>{e.people}<input type="number" min={0} value={zone.people} onInput={(event) => change({ people: Number(event.currentTarget.value) })} /></label>
          <label>{e.shelter}<input type="number" min={0} value={zone.shelter} onInput={(event) => change({ shelter: Number(event.currentTarget.value) })} /></label>
          <label class="check"><input type="checkbox" checked={zone.warn} onChange={(event) => change({ warn: event.currentTarget.checked })} /> {e.warn}</label>
          <Corners key={d.chosen} polygon={zone.polygon} />
        </div>
      )}
      <div class="bar">
        <button onClick={remove} disabled={d.zones.length < 2}>{e.remove}</button>
        <span class="actions">
          <button onClick={() => void send(false)}>{e.check}</button>
          <button class="primary" onClick={() => void send(true)} disabled={!hello.value?.editable}>{e.save}</button>
          <button onClick={leave}>{e.leave}</button>
        </span>
      </div>
      <div role="status" data-test="edit-says">
        {d.faults === null ? (d.changed ? e.unsaved : "") : d.saved ? e.saved : d.faults.length === 0 ? e.good : (
          <ul class="faults">{d.faults.map((fault) => <li key={fault}>✕ {fault}</li>)}</ul>
        )}
      </div>
    </section>
  );
}

/** The corners as text; a half-written line waits, it does not spoil the polygon. */
function Corners({ polygon }: { polygon: [number, number][] }) {
  const shown = polygon.map(([east, north]) => `${Math.round(east * 10) / 10}, ${Math.round(north * 10) / 10}`).join("\n");
  const [text, write] = useState(shown), [fault, complain] = useState("");
  useEffect(() => {
    if (!fault && read(text).polygon?.join() !== read(shown).polygon?.join()) write(shown); // moved on the map
  }, [shown]);
  return (
    <label>
      {texts.edit.corners}
      <textarea
        rows={6} value={text} aria-invalid={!!fault}
        onInput={(event) => {
          const typed = event.currentTarget.value, { polygon: typedPolygon, line } = read(typed);
          write(typed);
          complain(typedPolygon ? "" : fill(texts.edit.corner_fault, { line }));
          if (typedPolygon) change({ polygon: typedPolygon });
        }}
      />
      {fault && <span class="faults">✕ {fault}</span>}
    </label>
  );
}

function read(text: string): { polygon: [number, number][] | null; line: number } {
  const polygon: [number, number][] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    const numbers = line.split(",").map((part) => (part.trim() ? Number(part) : NaN));
    if (numbers.length !== 2 || !numbers.every(Number.isFinite)) return { polygon: null, line: i + 1 };
    polygon.push(numbers as [number, number]);
  }
  return { polygon, line: 0 };
}
