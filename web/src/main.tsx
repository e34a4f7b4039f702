// The console's page: what an operator sees, from the top down.
import { effect } from "@preact/signals";
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "@fontsource-variable/vazirmatn";
import "./style.css";
import { draft } from "./editing";
import { listen } from "./keys";
import { connect } from "./link";
import { SiteMap } from "./map/map";
import { Dialogs } from "./panels/dialogs";
import { Edit } from "./panels/edit";
import { Events, SpokenLog } from "./panels/events";
import { Health } from "./panels/health";
import { CoverageSays, MapTools, Scale } from "./panels/maptools";
import { Rehearsal } from "./panels/rehearsal";
import { TimeBar, Toast } from "./panels/timebar";
import { Banner, Doubts, SinkFaults, Situation, Top } from "./panels/top";
import { Tracks } from "./panels/tracks";
import { Warnings } from "./panels/warnings";
import { Zones } from "./panels/zones";
import { Instructor } from "./panels/instructor";
import { Messages, unanswered } from "./panels/watch";
import { listenForAlarms } from "./sound";
import { calm, hello, led, stale, tab, theme } from "./store";
import { texts } from "./texts";

function Page() {
  return (
    <div class={`page ${stale.value ? "is-stale" : ""}`}>
      <Top />
      <div class="banners">
        <Banner />
        <SinkFaults />
        <Doubts />
      </div>
      <main>
        <aside class="urgent" aria-label={texts.warnings}>
          <Situation />
          <Warnings />
        </aside>
        <div class="picture">
          <SiteMap />
          <MapTools />
          <div class="corner">
            <CoverageSays />
            <Scale />
          </div>
        </div>
        <Tabs />
      </main>
      <TimeBar />
      <Toast />
      <SpokenLog />
      <Dialogs />
    </div>
  );
}

function Tabs() {
  const rehearsed = !!calm.value?.drill, talked = !!hello.value?.exercise || !!calm.value?.messages?.length, asks = unanswered().length;
  const names = (["tracks", "rehearsal", "health", "events", "zones", "messages", "instructor", "edit"] as const).filter(
    (name) => (name !== "rehearsal" || rehearsed) && (name !== "edit" || draft.value) && (name !== "messages" || talked) && (name !== "instructor" || led.value),
  );
  const shown = names.includes(tab.value) ? tab.value : "tracks";
  return (
    <div class="tabs">
      <div role="tablist">
        {names.map((name) => (
          <button key={name} role="tab" id={`tab-${name}`} aria-selected={shown === name} aria-controls="panel" onClick={() => (tab.value = name)}>
            {name === "edit" ? texts.edit.title : name === "zones" ? texts.zones.title : name === "messages" ? texts.messages.title : name === "instructor" ? texts.instructor.title : texts[name]}
            {name === "messages" && asks > 0 ? <b> {asks}</b> : null}
            {name === "rehearsal" && (calm.value?.drill?.awaiting.length ?? 0) > 0 ? <b> {calm.value!.drill!.awaiting.length}</b> : null}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="panel" tabIndex={0} aria-labelledby={`tab-${shown}`}>
        {shown === "tracks" ? <Tracks /> : shown === "rehearsal" ? <Rehearsal /> : shown === "health" ? <Health /> : shown === "zones" ? <Zones /> : shown === "edit" ? <Edit /> : shown === "messages" ? <Messages /> : shown === "instructor" ? <Instructor /> : <Events />}
      </div>
    </div>
  );
}

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});
document.documentElement.lang = texts.language;
document.documentElement.dir = texts.direction;
listen();
listenForAlarms();
render(<Page />, document.getElementById("page")!);
void connect();
