// Questions to the operator before something is sent, the log-in, and the sheet of keys. Native dialogs: focus stays in, Escape closes.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { command, enter, leave } from "../link";
import { dialog, hello, liveT, liveWarnings, logIn, shelf } from "../store";
import { chosen, type Forms, fill, LANGUAGES, many, speakFromNowOn, texts } from "../texts";
import { countdown } from "../format";
import { saidOf, unshelve, unshelveAll, unshelved } from "../actions";
import { Modal } from "./modal";
import { WatchDialog } from "./watch";

export function Dialogs() {
  const open = dialog.value;
  if (logIn.value) return <LogIn />;
  if (!open) return null;
  const zones = hello.value?.site.zones.map((zone) => zone.name) ?? [];
  const warned = liveWarnings.value.map((w) => zones[w.zone]!);
  const manual = liveWarnings.value.filter((w) => w.manual).map((w) => zones[w.zone]!);
  switch (open.kind) {
    case "help": return <Keys />;
    case "watch": return <WatchDialog />;
    case "records": return <Records />;
    case "audit": return <Audit />;
    case "alarm": return <Ask title={texts.alarm_title} label={texts.zone} choices={zones} why send={(zone, why) => command("alarm", zone, why)} />;
    case "cancel": return <Ask title={texts.cancel_title} label={texts.zone} choices={manual} first={open.subject} why send={(zone, why) => command("cancel", zone, why)} />;
    case "correct": return <Ask title={texts.correct_title} label={texts.zone} choices={warned} first={open.subject} why send={(zone, why) => command("correct", zone, why)} />;
    case "shelve": return (
      <Ask title={`${texts.shelve_title}: ${open.subject}`} label={texts.for_seconds} choices={SHELF_S} first="60"
        show={(n) => fill(texts.seconds, { n })} send={(seconds, why) => command("shelve", `${seconds} ${open.subject}`, why)} />
    );
    case "shelve-all": return (
      <Ask title={fill(texts.shelve_all_title, { n: unshelved().length })} label={texts.for_seconds} choices={SHELF_S} first="60" show={(n) => fill(texts.seconds, { n })}
        send={async (seconds, why) => (await Promise.all(unshelved().map((zone) => command("shelve", `${seconds} ${zone}`, why)))).every(Boolean)} />
    );
    case "shelf": return <Shelf />;
    case "people": return <People />;
    case "reclassify": return (
      <Ask title={`${texts.reclassify_title} ${open.subject}`} label={texts.what_is_it} choices={saidOf(Number(open.subject)) ? ["none", ...KINDS] : KINDS} why
        show={(kind) => texts.kinds[KINDS.indexOf(kind)] ?? texts.unmark}
        caution={(kind) => (kind === "projectile" || kind === "none" ? "" : `${texts.mark_caution} ${texts.mark_undo}`)} send={(kind, why) => command("reclassify", `${open.subject} ${kind}`, why)} />
    );
    case "held": return <Ask title={texts.held_title} label={texts.what_held} choices={[open.subject!]} why send={(what, why) => command("hold", what, why)} />;
    case "release": return <Ask title={texts.release_title} label={texts.what_held} choices={[open.subject!]} why send={(what, why) => command("release", what, why)} />;
    case "weapons": return (
      <Ask title={texts.weapons_title} label={texts.status} choices={["hold", "tight", "free"]} why
        show={(status) => texts.statuses[status as keyof typeof texts.statuses]} send={(status, why) => command("weapons", status, why)} />
    );
    default: return null;
  }
}

const KINDS = ["projectile", "aircraft", "other"], SHELF_S = ["30", "60", "120", "300", "600"];

interface Asked {
  title: string; label: string; choices: string[]; first?: string; why?: boolean; show?: (choice: string) => string; caution?: (choice: string) => string;
  send: (choice: string, why: string) => Promise<boolean>;
}

function Ask({ title, label, choices, first, why = false, show = (choice) => choice, caution = () => "", send }: Asked) {
  const [choice, choose] = useState(first ?? choices[0] ?? ""), [reason, explain] = useState("");
  return (
    <Modal title={title}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void send(choice, reason).then((good) => good && (dialog.value = null));
        }}
      >
        <label>
          {label}
          <select autofocus value={choice} onChange={(e) => choose(e.currentTarget.value)}>
            {choices.map((each) => (
              <option key={each} value={each}>{show(each)}</option>
            ))}
          </select>
        </label>
        <label>
          {texts.why}{why ? "" : " (…)"}
          <input type="text" name="why" required={why} maxLength={200} placeholder={texts.why_hint} value={reason} onInput={(e) => explain(e.currentTarget.value)} />
        </label>
        {caution(choice) && <p class="caution" role="status">⚠ {caution(choice)}</p>}
        <div class="actions">
          <button type="button" onClick={() => (dialog.value = null)}>{texts.cancel}</button>
          <button class="primary" type="submit">{texts.send}</button>
        </div>
      </form>
    </Modal>
  );
}

/** What was put aside, and the way back. */
function Shelf() {
  const list = shelf.value, s = texts.shelf, zones = hello.value!.site.zones;
  return (
    <Modal title={s.title}>
      <p>{s.says}</p>
      {list.length === 0 ? <p class="none">{s.none}</p> : (
        <table class="shelf">
          <thead><tr>{s.columns.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
          <tbody>
            {list.map((w) => (
              <tr key={w.zone} data-test="on-shelf">
                <td><b>{zones[w.zone]?.name}</b></td>
                <td class="num">{fill(s.left, { s: countdown(w.shelved, liveT.value) })}</td>
                <td>{fill(s.by, { who: w.shelved_by })}{w.shelved_why ? `: ${w.shelved_why}` : ""}</td>
                <td><button onClick={() => unshelve(w.zone)}>{texts.unshelve}</button></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div class="actions">
        {list.length > 1 && <button onClick={unshelveAll}>{s.all}</button>}
        <button class="primary" autofocus onClick={() => (dialog.value = null)}>{texts.close}</button>
      </div>
    </Modal>
  );
}

/** Who is looking, the whole table of roles, and the way out. */
function People() {
  const h = hello.value!, p = texts.people, roles = Object.keys(h.roles);
  const acts = Object.keys(p.acts).filter((act) => roles.some((role) => h.roles[role]!.includes(act)));
  return (
    <Modal title={p.title}>
      <p>{h.users ? `${fill(p.you, { user: h.user, role: texts.role_names[h.role] ?? h.role })} ${p.ends}` : texts.local_operator}</p>
      <div class="scroll" tabIndex={0} role="region" aria-label={p.title}><table class="roles">
        <thead><tr><th scope="col">{p.act}</th>{roles.map((role) => <th key={role} scope="col">{texts.role_names[role] ?? role}</th>)}</tr></thead>
        <tbody>
          {acts.map((act) => (
            <tr key={act} data-test="may">
              <th scope="row">{p.acts[act]}</th>
              {roles.map((role) => <td key={role}>{h.roles[role]!.includes(act) ? `✓ ${p.yes}` : p.no}</td>)}
            </tr>
          ))}
        </tbody>
      </table></div>
      <Languages />
      <div class="actions">
        {h.users && <button onClick={() => void leave(true)}>{p.everywhere}</button>}
        {h.users && <button onClick={() => void leave()}>{texts.log_out}</button>}
        <button class="primary" autofocus onClick={() => (dialog.value = null)}>{texts.close}</button>
      </div>
    </Modal>
  );
}

/** Another language for the whole page, kept in this browser. */
function Languages() {
  return (
    <div class="bar" role="group" aria-label={texts.speech_is.title}>
      {texts.speech_is.title}
      {Object.values(LANGUAGES).map((each) => (
        <button key={each.language} lang={each.language} aria-pressed={chosen() === each.language} onClick={() => speakFromNowOn(each.language)}>{each.speech_is.name}</button>
      ))}
      {texts.speech_is.reviewed_by ? null : texts.language === "en" ? null : <small>{texts.speech_is.unreviewed}</small>}
    </div>
  );
}

function Keys() {
  return (
    <Modal title={texts.keys_title}>
      <div class="sheet">
        <dl>{texts.keys.map(([key, what]) => [<dt key={key}><kbd>{key}</kbd></dt>, <dd key={`${key} does`}>{what}</dd>])}</dl>
        <h3>{texts.legend}</h3>
        <ul class="legend">
          <li><img src="symbols/projectile.svg" alt="" width="20" height="20" /> {texts.legends.round}</li>
          <li><img src="symbols/aircraft.svg" alt="" width="20" height="20" /> {texts.legends.aircraft}</li>
          <li><img src="symbols/unknown.svg" alt="" width="20" height="20" /> {texts.legends.other}</li>
          <li><i class="claim" /> {texts.legends.claim}</li>
          <li><i class="warned" /> {texts.legends.warned}</li>
          <li><img src="symbols/radar.svg" alt="" width="20" height="20" /> {texts.legends.radar}</li>
          <li><img src="symbols/effector.svg" alt="" width="20" height="20" /> {texts.legends.effector}</li>
        </ul>
      </div>
      <div class="actions"><button class="primary" autofocus onClick={() => (dialog.value = null)}>{texts.close}</button></div>
    </Modal>
  );
}

interface Recorded { name: string; kind?: string; site?: string; scenario?: string; created?: number; seconds?: number; outcome?: Record<string, number | null>; fault?: string; running?: boolean }

/** How a run ended, in a few words: what its recorder wrote when it was closed. */
function outcome({ kind, running, outcome: o = {} }: Recorded): string {
  const l = texts.library, said = (key: string): string => String(o[key] ?? "—"), counted = (forms: Forms, key: string): string => many(forms, o[key] ?? 0);
  if (running) return l.running;
  if (!Object.keys(o).length) return l.unfinished;
  if (kind === "SIMULATION")
    return fill(l.outcome.became, {
      rounds: counted(l.outcome.rounds, "rounds"), fell_inside: said("fell_inside"), stopped: said("stopped"), warned: said("warned"),
      false_warnings: counted(l.outcome.false_warnings, "false_warnings"),
    });
  return fill(l.outcome_live.became, {
    projectiles: counted(l.outcome_live.projectiles, "projectiles_tracked"), aircraft: said("aircraft"), warnings: counted(l.outcome_live.warnings, "warned"),
  });
}

const FORMS = ["geojson", "kml", "czml", "parquet", "mcap"];

function Records() {
  const [list, fill_in] = useState<Recorded[] | null>(null), l = texts.library;
  useLayoutEffect(() => {
    void fetch("api/records").then(async (answer) => fill_in(answer.ok ? ((await answer.json()) as { records: Recorded[] }).records : []), () => fill_in([]));
  }, []);
  return (
    <Modal title={l.title}>
      {list === null ? <p>{l.reading}</p> : list.length === 0 ? <p>{l.none}</p> : (
        <ul class="scroll records" tabIndex={0} aria-label={l.title}>
          {list.map((r) => (
            <li key={r.name} data-test="record">
              <b>{r.name}</b>
              {r.fault ? <p class="faults">✕ {r.fault}</p> : <About r={r} />}
            </li>
          ))}
        </ul>
      )}
      <p class="none">{l.opens}</p>
      <div class="actions"><button class="primary" autofocus onClick={() => (dialog.value = null)}>{texts.close}</button></div>
    </Modal>
  );
}

function About({ r }: { r: Recorded }) {
  const l = texts.library, name = encodeURIComponent(r.name);
  return (
    <>
      <p>{fill(l.of, { kind: r.kind ?? "", what: r.scenario || r.site || "" })} · {fill(l.recorded, {
        when: new Date((r.created ?? 0) * 1000).toISOString().slice(0, 16).replace("T", " "), m: ((r.seconds ?? 0) / 60).toFixed(1),
      })}</p>
      <p>{outcome(r)}</p>
      <p class="forms">
        <a href={`report/${name}`} target="_blank" rel="noreferrer">{l.report}</a>
        <span>{l.exports}{FORMS.map((form) => <a key={form} download href={`export/${name}/${form}`}>{form}</a>)}</span>
      </p>
    </>
  );
}

interface Entry { time: string; who: string; what: string; about: string; why: string; from: string; allowed: boolean }

function Audit() {
  const [list, fill_in] = useState<Entry[] | null>(null), a = texts.audit;
  useLayoutEffect(() => {
    void fetch("api/audit").then(async (answer) => fill_in(answer.ok ? ((await answer.json()) as { entries: Entry[] }).entries.reverse() : []), () => fill_in([]));
  }, []);
  return (
    <Modal title={a.title}>
      {list === null ? <p>{texts.library.reading}</p> : (
        <div class="scroll" tabIndex={0} role="region" aria-label={a.title}>
          <table>
            <thead><tr>{a.columns.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
            <tbody>
              {list.map((e, i) => (
                <tr key={i} data-test="entry">
                  <td>{e.time.slice(0, 19).replace("T", " ")}</td><td>{e.who}</td><td>{e.what} {e.about}</td><td>{e.why}</td>
                  <td>{e.allowed ? `✓ ${a.allowed}` : <b class="faults">✕ {a.refused}</b>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="actions"><button class="primary" autofocus onClick={() => (dialog.value = null)}>{texts.close}</button></div>
    </Modal>
  );
}

/** Name and password. A refusal stands beside the password until somebody types again; the password is emptied and has the focus. */
function LogIn() {
  const [name, call] = useState(""), [password, say] = useState(""), [refused, refuse] = useState("");
  const field = useRef<HTMLInputElement>(null);
  return (
    <Modal title={texts.log_in} stays>
      <p>{texts.log_in_first}</p>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          refuse("");
          void enter(name, password).then((sentence) => {
            if (!sentence) return;
            say("");
            refuse(sentence);
            field.current?.focus();
          });
        }}
      >
        <label>{texts.name}<input autofocus name="name" autocomplete="username" required maxLength={64} value={name} onInput={(e) => (refuse(""), call(e.currentTarget.value))} /></label>
        <label>
          {texts.password}
          <input
            ref={field} type="password" name="password" autocomplete="current-password" required maxLength={256} value={password}
            aria-invalid={!!refused} aria-describedby="refused" onInput={(e) => (refuse(""), say(e.currentTarget.value))}
          />
        </label>
        <p id="refused" class="faults" role="alert" data-test="refused">{refused && `✕ ${refused}`}</p>
        <div class="actions"><button class="primary" type="submit">{texts.log_in}</button></div>
      </form>
    </Modal>
  );
}
