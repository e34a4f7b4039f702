// The form for the site: everything the map can do by pointer, by keyboard.
import { useEffect, useState } from "preact/hooks";
import {
  type Equipment, type Field, KINDS, type Kind, type Place, type Value, add, change, choose, declare, degreesOf, draft, drawing, leave, move, moveToDegrees, placeOf,
  remove, send,
} from "../editing";
import { hello } from "../store";
import { fill, texts } from "../texts";

/** What is asked first; the rest of the keys the server knows stands behind. */
const FIRST = ["name", "kind", "height_m", "range_min_m", "range_max_m", "reach_min_m", "reach_max_m", "azimuth_from_deg", "azimuth_width_deg", "elevation_min_deg",
  "elevation_max_deg", "revisit_s"];

export function Edit() {
  const d = draft.value, e = texts.edit;
  if (!d) return null;
  const named = d.kind === "zones" ? d.zones.map((zone) => zone.name) : d[d.kind].map((each) => String(each.values.name ?? "?"));
  const zone = d.kind === "zones" ? d.zones[d.chosen] : undefined, equipment = d.kind === "zones" ? undefined : d[d.kind][d.chosen];
  return (
    <section class="edit" aria-label={e.title}>
      <p class="none">{e.next_run}</p>
      <div class="bar">
        <label>
          {e.what}
          <select value={d.kind} onChange={(event) => choose(0, event.currentTarget.value as Kind)} data-test="edit-kind">
            {KINDS.map((kind) => <option key={kind} value={kind}>{e.kinds[kind]}</option>)}
          </select>
        </label>
        <label class="wide">
          {e.which[d.kind]}
          <select value={String(d.chosen)} onChange={(event) => choose(Number(event.currentTarget.value))} data-test="edit-chosen">
            {named.map((name, i) => <option key={i} value={String(i)}>{name}</option>)}
          </select>
        </label>
      </div>
      <div class="bar">
        <button onClick={() => add()} title={e.at_centre}>{e.add[d.kind]}</button>
        <button onClick={() => (drawing.value = !drawing.value)} aria-pressed={drawing.value}>{d.kind === "zones" ? e.draw : e.place}</button>
        <button onClick={remove} disabled={d.kind === "zones" ? named.length < 2 : !named.length}>{e.remove[d.kind]}</button>
      </div>
      {drawing.value && <p role="status">{d.kind === "zones" ? e.drawing : e.placing}</p>}
      {zone && (
        <div class="form" key={d.chosen}>
          <label>{e.name}<input value={zone.name} maxLength={100} onInput={(event) => change({ name: event.currentTarget.value })} /></label>
          <label>
            {e.kind}
            <select value={zone.kind} onChange={(event) => change({ kind: event.currentTarget.value })}>
              {Object.entries(texts.zone_kinds).map(([kind, name]) => <option key={kind} value={kind}>{name}</option>)}
            </select>
          </label>
          <NumberField label={e.people} value={zone.people} onNumber={(people) => change({ people: people ?? 0 })} />
          <NumberField label={e.shelter} value={zone.shelter} onNumber={(shelter) => change({ shelter: shelter ?? 0 })} />
          <label class="check"><input type="checkbox" checked={zone.warn} onChange={(event) => change({ warn: event.currentTarget.checked })} /> {e.warn}</label>
          <Corners key={d.chosen} polygon={zone.polygon} />
        </div>
      )}
      {equipment && <EquipmentForm key={`${d.kind}${d.chosen}`} each={equipment} fields={d.fields[d.kind as "radars" | "effectors"]} faults={d.faults ?? []} />}
      <div class="foot">
        <div role="status" data-test="edit-says">
          {d.faults === null ? (d.changed ? e.unsaved : "") : d.saved ? e.saved : d.faults.length === 0 ? e.good : (
            <ul class="faults">{d.faults.map((fault) => <li key={fault}>✕ {fault}</li>)}</ul>
          )}
        </div>
        <div class="bar">
          <span class="actions">
            <button onClick={() => void send(false)}>{e.check}</button>
            <button class="primary" onClick={() => void send(true)} disabled={!hello.value?.editable}>{e.save}</button>
            <button onClick={leave}>{e.leave}</button>
          </span>
        </div>
      </div>
    </section>
  );
}

/** A radar or an effector: its place in metres and in degrees, what matters first, everything else its file may say behind. */
function EquipmentForm({ each, fields, faults }: { each: Equipment; fields: Field[]; faults: string[] }) {
  const e = texts.edit, [east, north] = placeOf(each), [longitude, latitude] = degreesOf(each);
  const first = FIRST.flatMap((key) => fields.find((field) => field.key === key) ?? []), rest = fields.filter((field) => !FIRST.includes(field.key));
  const spoilt = (field: Field): boolean => faults.some((fault) => fault.includes(`"${each.values.name}": `) && (fault.includes(`"${field.key}"`) || (field.key.includes("_") && fault.includes(field.key))));
  const show = (field: Field) => <AnyField key={field.key} field={field} value={each.values[field.key]} spoilt={spoilt(field)} />;
  const metres = (index: 0 | 1) => (value: number | undefined) => move(([east, north].map((old, i) => (i === index ? (value ?? 0) : old))) as Place);
  const degrees = (index: 0 | 1) => (value: number | undefined) => moveToDegrees(([longitude, latitude].map((old, i) => (i === index ? (value ?? 0) : old))) as Place);
  return (
    <div class="form">
      {first.slice(0, 2).map(show)}
      <NumberField label={e.east} value={Math.round(east * 10) / 10} onNumber={metres(0)} />
      <NumberField label={e.north} value={Math.round(north * 10) / 10} onNumber={metres(1)} />
      <NumberField label={e.latitude} value={Math.round(latitude * 1e6) / 1e6} onNumber={degrees(1)} late />
      <NumberField label={e.longitude} value={Math.round(longitude * 1e6) / 1e6} onNumber={degrees(0)} late />
      {first.slice(2).map(show)}
      <details open={rest.some(spoilt) || undefined}>
        <summary>{e.more}</summary>
        <div class="form">{rest.map(show)}</div>
      </details>
    </div>
  );
}

/** One key of the file. Left empty it takes the default, which is shown. */
function AnyField({ field, value, spoilt }: { field: Field; value: Value | undefined; spoilt: boolean }) {
  const { key } = field, label = (texts.edit.fields as Record<string, string>)[key] ?? key;
  const put = (next: Value | undefined): void => declare({ [key]: next });
  const otherwise = field.default === null ? (field.needed ? texts.edit.needed : texts.edit.none) : String(field.default);
  if (field.kind === "flag")
    return (
      <label class="check" title={key}>
        <input type="checkbox" checked={(value ?? field.default) === true} onChange={(event) => put(event.currentTarget.checked)} /> {label}
      </label>
    );
  if (field.kind === "choice")
    return (
      <label title={key}>
        {label}
        <select value={String(value ?? field.default ?? "")} onChange={(event) => put(event.currentTarget.value)} aria-invalid={spoilt}>
          {field.choices.map((choice) => <option key={choice} value={choice}>{(texts.edit.choices as Record<string, string>)[choice] ?? choice}</option>)}
        </select>
      </label>
    );
  if (field.kind === "number" || field.kind === "integer")
    return <NumberField label={label} title={key} value={value as number | undefined} placeholder={otherwise} spoilt={spoilt} onNumber={put} />;
  const list = field.kind === "numbers";
  return (
    <label title={key}>
      {label}
      <input
        value={Array.isArray(value) ? value.join(", ") : String(value ?? "")} placeholder={otherwise} maxLength={300} aria-invalid={spoilt}
        onInput={(event) => {
          const typed = event.currentTarget.value, numbers = typed.split(",").map((part) => (part.trim() ? Number(part) : NaN));
          put(list ? (numbers.every(Number.isFinite) ? numbers : undefined) : typed || undefined);
        }}
      />
    </label>
  );
}

/** A number as text; a half-written one waits, it does not spoil what it is about. `late` waits until the field is left: half an angle is another country. */
function NumberField({ label, title, value, placeholder, spoilt, late, onNumber }: {
  label: string; title?: string; value: number | undefined; placeholder?: string; spoilt?: boolean; late?: boolean; onNumber: (value: number | undefined) => void;
}) {
  const [text, write] = useState(value === undefined ? "" : String(value));
  const typed = numberIn(text), bad = typed !== undefined && !Number.isFinite(typed);
  const take = (next: string): void => {
    const number = numberIn(next);
    if (number === undefined || Number.isFinite(number)) onNumber(number);
  };
  useEffect(() => {
    if (!bad && typed !== value) write(value === undefined ? "" : String(value)); // moved on the map
  }, [value]);
  return (
    <label title={title}>
      {label}
      <input
        inputMode="decimal" value={text} placeholder={placeholder} aria-invalid={bad || spoilt || undefined}
        onInput={(event) => {
          write(event.currentTarget.value);
          if (!late) take(event.currentTarget.value);
        }}
        onChange={(event) => late && take(event.currentTarget.value)}
      />
    </label>
  );
}

/** What a field says: a number, nothing (undefined), or nan while it is no number. */
const numberIn = (text: string): number | undefined => (text.trim() ? Number(text.replace(",", ".")) : undefined);

/** The corners as text; a half-written line waits, it does not spoil the polygon. */
function Corners({ polygon }: { polygon: Place[] }) {
  const shown = polygon.map(([east, north]) => `${Math.round(east * 10) / 10}, ${Math.round(north * 10) / 10}`).join("\n");
  const [text, write] = useState(shown), [fault, complain] = useState("");
  useEffect(() => {
    if (!fault && read(text).polygon?.join() !== read(shown).polygon?.join()) write(shown); // moved on the map
  }, [shown]);
  return (
    <label class="wide">
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

function read(text: string): { polygon: Place[] | null; line: number } {
  const polygon: Place[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    const numbers = line.split(",").map((part) => (part.trim() ? Number(part) : NaN));
    if (numbers.length !== 2 || !numbers.every(Number.isFinite)) return { polygon: null, line: i + 1 };
    polygon.push(numbers as Place);
  }
  return { polygon, line: 0 };
}
