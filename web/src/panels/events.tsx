// What happened, newest first; and the same, spoken, for those who do not see it.
import { signal } from "@preact/signals";
import { percent, runTime } from "../format";
import type { Event } from "../protocol";
import { events, hello } from "../store";
import { fill, many, texts } from "../texts";
import { seek } from "../actions";

const MOST = 150;

export function sentence(event: Event): string {
  const zone = event.zone === null ? "" : (hello.value?.site.zones[event.zone]?.name ?? "");
  const subject =
    event.kind === "raise" ? `${zone}${because(event.text)}`
    : event.kind === "clear" ? zone
    : event.kind === "shelve" ? `${zone}, ${fill(texts.seconds, { n: event.text.split(" ")[0]! })}`
    : event.kind === "unshelve" ? `${zone}: ${texts.unshelved[event.text as keyof typeof texts.unshelved] ?? event.text}`
    : event.kind === "pace" ? fill(texts.badge_pace, { n: event.text })
    : event.text;
  return `${texts.event_kinds[event.kind] ?? event.kind} ${subject}${event.who ? ` — ${event.who}` : ""}${event.why ? `: ${event.why}` : ""}`;
}

/** What a warning was raised for: how many tracks, how probable; the server says it as two numbers. */
function because(text: string): string {
  const [n, p] = text.split(" ").map(Number) as [number, number];
  return Number.isFinite(p) ? `: ${many(texts.tracks_p, n, { p: percent(p), w: percent(hello.value?.site.policy.warn) })}` : text ? ` (${texts.manual})` : "";
}

export function Events() {
  const list = events.value.slice(-MOST).reverse();
  return (
    <section class="events" aria-label={texts.events}>
      {list.length === 0 && <p class="none">{texts.no_events}</p>}
      <div class="scroll" tabIndex={0} role="region" aria-label={texts.events}>
        <ul class="plain">
          {list.map((event) => (
            <li key={event.n} class={event.kind} data-test="event">
              <button class="then" onClick={() => seek(event.t)}>{runTime(event.t)}</button> {sentence(event)}
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

const spoken = signal<string[]>([]);
let read = -1;
events.subscribe((list) => {
  const newest = list.at(-1)?.n ?? 0;
  if (read < 0 || newest < read) {
    read = newest; // what happened before the page was opened is in the list; it is not read out
    return;
  }
  const fresh = list.filter((event) => event.n > read && ["raise", "clear", "radar", "alarm", "cancel", "unshelve", "inbound"].includes(event.kind));
  read = newest;
  if (fresh.length) spoken.value = [...spoken.value, ...fresh.map(sentence)].slice(-20);
});

/** Read out by screen readers as it grows; not seen. */
export function SpokenLog() {
  return (
    <div class="hidden" role="log" aria-live="assertive" aria-label={texts.warnings} data-test="spoken">
      {spoken.value.map((line, i) => (
        <p key={`${i} ${line}`}>{line}</p>
      ))}
    </div>
  );
}
