// Who has the watch, how it is taken over, and what people outside the room say.
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { runTime } from "../format";
import { command } from "../link";
import type { Delivered } from "../protocol";
import { dialog, events, frame, hello, liveT, may, tell } from "../store";
import { fill, languageRow, texts } from "../texts";
import { Modal } from "./modal";

interface Checklist { facts: Record<string, string>; read: string[]; unacknowledged: string[]; holder: string; since: number | null; log: { t: number; before: string; after: string }[] }
const SEATS = ["watch", "second", "shadow", "observer"] as const;
const STATUSES = ["none", "hold", "tight", "free"];
const WHOM = ["tower", "gate", "neighbour", "command", "crew", "all"];
const SCALES = ["mental", "physical", "temporal", "performance", "effort", "frustration"] as const;

/** Where whoever looks sits; empty where nobody has given them a seat. */
export const seat = (): string => (hello.value ? (frame.value?.watch?.seats[hello.value.user] ?? "") : "");

/** The holder of the watch, on every page, and the way to take it. */
export function WatchChip() {
  const watch = frame.value?.watch, h = hello.value;
  if (!watch || !h) return null;
  const mine = watch.holder === h.user, w = texts.watch;
  const says = watch.holder ? (mine ? w.yours : fill(w.holds, { who: watch.holder })) : w.nobody;
  return (
    <button class={`watch ${mine ? "mine" : ""}`} data-test="watch" data-holder={watch.holder} title={`${w.title} (Q)`} onClick={openWatch}>
      {says}{!mine && seat() && seat() !== "observer" ? ` · ${w.seats[seat() as keyof typeof w.seats]}` : ""}
    </button>
  );
}

export const openWatch = (): void => void (hello.value?.mode === "REPLAY" ? tell(texts.no.replay) : (dialog.value = { kind: "watch" }));

/** Seats, and the hand-over in three steps: preview, read back, take. */
export function WatchDialog() {
  const [list, show] = useState<Checklist | null>(null), [step, go] = useState<0 | 1 | 2>(0), [why, explain] = useState("");
  const watch = frame.value?.watch, h = hello.value!, w = texts.watch;
  useEffect(() => {
    const fetchList = () => void fetch("api/handover").then(async (answer) => answer.ok && show((await answer.json()) as Checklist), () => undefined);
    fetchList();
    const again = window.setInterval(fetchList, 1000);
    return () => clearInterval(again);
  }, []);
  // The keyboard goes along before the step is painted: a key pressed at once must not meet what had the focus before.
  useLayoutEffect(() => document.querySelector<HTMLElement>("dialog [data-step]")?.focus(), [step, !!list]);
  const mine = watch?.holder === h.user, open = list?.unacknowledged ?? [];
  const take = () => void command("take", "watch", why).then((good) => good && (dialog.value = null));
  return (
    <Modal title={w.title}>
      <p data-test="who-watches">{mine ? w.yours : watch?.holder ? fill(w.holds, { who: watch.holder }) : w.nobody} {watch?.since != null ? fill(w.since, { t: runTime(watch.since) }) : ""}</p>
      {may("take") && !mine && (
        <div class="bar" role="group" aria-label={w.choose}>
          {w.choose}
          {SEATS.slice(1).map((each) => (
            <button key={each} aria-pressed={seat() === each} onClick={() => void command("take", each)}>{w.seats[each]}</button>
          ))}
        </div>
      )}
      {mine && <p>{w.passed_on}</p>}
      {may("take") && !mine && (
        <section aria-label={w.handover}>
          <h3>{w.handover}: {[w.step_preview, w.step_read, w.step_take][step]}</h3>
          {step === 0 && list && (
            <>
              <p>{w.preview_says}</p>
              <dl class="checklist">
                {Object.entries(list.facts).map(([fact, value]) => [<dt key={fact}>{w.facts[fact] ?? fact}</dt>, <dd key={`${fact} is`}><bdi>{valueOf(value)}</bdi></dd>])}
                <dt>{w.people}</dt><dd>{Object.keys(watch?.seats ?? {}).length === 0 && "—"}{Object.entries(watch?.seats ?? {}).map(([who, where]) => <span key={who}><bdi>{who}</bdi> ({w.seats[where as keyof typeof w.seats]}) </span>)}</dd>
              </dl>
              <div class="actions"><button class="primary" data-step onClick={() => go(1)}>{w.next}</button></div>
            </>
          )}
          {step === 1 && list && <ReadBack facts={Object.keys(list.facts)} read={list.read} done={() => go(2)} />}
          {step === 2 && (
            <>
              {open.length > 0 && <p class="caution" role="status">⚠ {fill(w.unseen, { zones: open.join(", ") })}</p>}
              <label>{w.why} <input type="text" maxLength={200} value={why} onInput={(e) => explain(e.currentTarget.value)} /></label>
              <div class="actions"><button onClick={() => go(1)}>{w.back}</button><button class="primary" data-step onClick={take}>{w.take}</button></div>
            </>
          )}
        </section>
      )}
      {!!list?.log.length && (
        <>
          <h3>{w.log}</h3>
          <ul class="plain">{list.log.slice(-5).reverse().map((one) => <li key={one.t}>{runTime(one.t)} {one.before ? fill(w.from_to, { before: one.before, after: one.after }) : fill(w.began, { after: one.after })}</li>)}</ul>
        </>
      )}
      <div class="actions"><button onClick={() => (dialog.value = null)}>{texts.close}</button></div>
    </Modal>
  );
}

/** Each critical fact said from memory; what is said goes into the record. */
function ReadBack({ facts, read, done }: { facts: string[]; read: string[]; done: () => void }) {
  const [said, say] = useState<Record<string, string>>({}), w = texts.watch;
  const zones = hello.value!.site.zones.map((zone) => zone.name);
  const choices: Record<string, string[]> = { next: ["none", ...zones], held: ["none", "some", "all"], status: STATUSES };
  const send = async () => {
    for (const fact of facts) if (said[fact] && !(await command("answer", `handover ${fact}`, said[fact]))) return;
    done();
  };
  return (
    <form onSubmit={(e) => { e.preventDefault(); void send(); }}>
      <p>{w.read_says}</p>
      <div class="form">
        {facts.map((fact, row) => (
          <label key={fact}>
            {w.facts[fact] ?? fact}{read.includes(fact) ? " ✓" : ""}
            {choices[fact] ? (
              <select data-step={row === 0 ? "" : undefined} data-fact={fact} value={said[fact] ?? ""} onChange={(e) => say({ ...said, [fact]: e.currentTarget.value })}>
                <option value="" />
                {choices[fact].map((each) => <option key={each} value={each}>{valueOf(each)}</option>)}
              </select>
            ) : (
              <input data-step={row === 0 ? "" : undefined} data-fact={fact} inputMode="numeric" pattern="[0-9]*" maxLength={4} dir="ltr" value={said[fact] ?? ""}
                onInput={(e) => say({ ...said, [fact]: e.currentTarget.value })} />
            )}
          </label>
        ))}
      </div>
      <div class="actions"><button class="primary" type="submit">{w.next}</button></div>
    </form>
  );
}

const valueOf = (value: string): string => texts.watch.values[value] ?? value;

/** What was said to the people at the console, newest first, with the answer to each; and what they say or note themselves. */
export function Messages() {
  const m = texts.messages, list = [...(frame.value?.messages ?? [])].reverse();
  return (
    <section class="messages" aria-label={m.title}>
      {list.length === 0 && <p class="none">{m.none}</p>}
      <ul class="plain">{list.map((message) => <Told key={message.name} message={message} />)}</ul>
      {may("say") && <Say />}
      {may("note") && <Note />}
    </section>
  );
}

const answered = (name: string): boolean =>
  events.value.some((e) => e.who === hello.value?.user && (e.kind === "answer" || e.kind === "say") && e.text.split(" ")[0] === name);
/** Messages that wait for an answer of whoever looks. */
export const unanswered = (): Delivered[] => (may("answer") ? (frame.value?.messages ?? []).filter((m) => m.answer !== null && !answered(m.name)) : []);

function Told({ message }: { message: Delivered }) {
  const m = texts.messages, [said, say] = useState(""), left = message.answer === null ? null : message.t + message.answer - liveT.value;
  const own = message.texts[languageRow()] || "", words = own || message.texts[0] || "";
  const answer = (value: string) => void command("answer", message.name, value).then((good) => good && say(""));
  const open = may("answer") && !answered(message.name);
  return (
    <li class={`card ${open && message.answer !== null ? "asks" : ""}`} data-test="message" data-name={message.name}>
      <div class="line"><b>{m.senders[message.sender] ?? message.sender}</b> <span class="num" dir="ltr">{runTime(message.t)}</span>
        <span class="count">{answered(message.name) ? m.answered : left !== null && open ? fill(m.due, { s: Math.max(0, Math.ceil(left)) }) : ""}</span></div>
      <p lang={own ? texts.language : "en"} dir="auto">{words}</p>
      {open && message.kind === "workload" && <Workload name={message.name} />}
      {open && message.kind !== "workload" && (message.choices.length ? (
        <div class="bar">{message.choices.map((choice) => <button key={choice} onClick={() => answer(choice)}><bdi>{choice}</bdi></button>)}</div>
      ) : (
        <form class="bar" onSubmit={(e) => { e.preventDefault(); answer(said); }}>
          <input aria-label={m.answer} maxLength={200} required value={said} onInput={(e) => say(e.currentTarget.value)} />
          <button type="submit">{message.kind === "message" ? m.read_back : m.answer}</button>
        </form>
      ))}
    </li>
  );
}

/** The six raw scales of NASA-TLX, 0 to 100. */
function Workload({ name }: { name: string }) {
  const m = texts.messages, [values, set] = useState<Record<string, number>>({});
  const send = async () => {
    for (const scale of SCALES) if (!(await command("answer", `workload ${scale}`, String(values[scale] ?? 50)))) return;
    await command("answer", name, "done");
  };
  return (
    <form onSubmit={(e) => { e.preventDefault(); void send(); }}>
      {SCALES.map((scale) => (
        <label key={scale}>{m.scales[scale]} <b dir="ltr">{values[scale] ?? 50}</b>
          <input type="range" min={0} max={100} step={5} value={values[scale] ?? 50} onInput={(e) => set({ ...values, [scale]: Number(e.currentTarget.value) })} />
        </label>
      ))}
      <button type="submit">{texts.send}</button>
    </form>
  );
}

function Say() {
  const m = texts.messages, [whom, to] = useState(WHOM[0]!), [words, put] = useState("");
  return (
    <form class="bar" data-test="say" onSubmit={(e) => { e.preventDefault(); void command("say", `- ${whom}`, words).then((good) => good && put("")); }}>
      <select aria-label={m.to} value={whom} onChange={(e) => to(e.currentTarget.value)}>{WHOM.map((each) => <option key={each} value={each}>{m.senders[each]}</option>)}</select>
      <input class="grow" aria-label={m.words} placeholder={m.words} maxLength={200} required value={words} onInput={(e) => put(e.currentTarget.value)} />
      <button type="submit">{m.say}</button>
    </form>
  );
}

function Note() {
  const m = texts.messages, h = hello.value!, [about, choose] = useState("-"), [words, put] = useState("");
  const things = ["-", ...h.site.radars.map((r) => `radar ${r.name}`), ...(frame.value?.health.sirens ?? []).map((s) => `channel ${s.name}`), ...h.site.zones.map((z) => `zone ${z.name}`),
    "mode exercise", "mode live"];
  const name = (thing: string) => thing === "-" ? m.nothing : `${m.about[thing.split(" ")[0]!] ?? ""} ${thing.split(" ").slice(1).join(" ")}`;
  return (
    <form class="bar" data-test="note" onSubmit={(e) => { e.preventDefault(); void command("note", about, words).then((good) => good && put("")); }}>
      <select aria-label={m.noted} value={about} onChange={(e) => choose(e.currentTarget.value)}>{things.map((each) => <option key={each} value={each}>{name(each)}</option>)}</select>
      <input class="grow" aria-label={m.words} placeholder={m.words} maxLength={200} value={words} onInput={(e) => put(e.currentTarget.value)} />
      <button type="submit">{m.note}</button>
    </form>
  );
}
