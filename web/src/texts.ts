// Every word the page shows, in one place. Another language is another object of the same shape: languages/fa.ts, languages/ps.ts.
import { dari } from "./languages/fa.ts";
import { pashto } from "./languages/ps.ts";

const english = {
  language: "en",
  direction: "ltr",
  app: "Skywarden",
  modes: { SIMULATION: "SIMULATION", LIVE: "LIVE", REPLAY: "REPLAY" },
  mode_of: "of {kind}",
  mode_says: { SIMULATION: "nothing here is real", LIVE: "real radar data", REPLAY: "a record of the past" },
  connecting: "Connecting to the server …",
  no_picture: "No picture yet: nothing is known.",
  waiting: "Waiting for the first picture …",
  compiling: "The first start of all compiles for a minute or two.",
  stale_link: "STALE — no word from the server for {s} s. What you see is old. Reconnecting …",
  stale_feed: "STALE — no new picture for {s} s. What you see is old.",
  paused: "THE RUN STANDS STILL — paused by {who}. P lets it go on.",
  paused_waiting: { one: "{n} command waits for its next picture.", other: "{n} commands wait for its next picture." },
  badge_stale: "STALE",
  badge_paused: "PAUSED",
  badge_pace: "{n}×",
  over: "THE RUN HAS ENDED — you can look back through it.",
  looking_back: "REPLAY — you are looking back at {t}. The live picture is {s} s ahead: press G to go live.",
  looking_back_over: "REPLAY — you are looking back at {t}.",
  new_page: "The server speaks a newer language than this page. Reload it.",
  local_operator: "no users configured: everybody on this computer is the local operator",
  warned_now: "{n} under warning in the live picture",

  situation: {
    title: "What is happening, what to do",
    quiet: "Quiet. Nothing is coming down.",
    rounds: { one: "{n} in the air that may be a round", other: "{n} in the air that may be rounds" },
    until: "s to impact, {zone}",
    next: "next impact in {s} s",
    near: "near {zone}",
    open: "on open ground",
    raids: "raid {n}",
  },
  act: {
    nothing: "Nothing to do.",
    shelter: "Take shelter in {zones}.",
    over: "Impacts over in {zones}: stay in shelter until the all-clear.",
    then: "Then acknowledge: A",
    paused: "The run stands still. P lets it go on.",
    acknowledged: "Stay in shelter in {zones}.",
    consent: "An engagement waits for your consent: Y",
    back: "You are looking back. Press G for the picture of now.",
    replay: "This is a record: nothing can be done about it.",
    stale: "Do not rely on this picture.",
    watch: "Watch. No zone is endangered enough to be warned.",
  },

  warnings: "Warnings",
  no_warnings: "No zone is under warning.",
  raid: "Raid {n}",
  manual: "Manual alarm",
  // as `REASONS` in src/skywarden/messages/picture.py, in its order
  because: [
    "",
    "not probable enough",
    "the next scans will tell, and there is time to wait",
    "a warning would cost more than it saves",
    "not in enough frames running yet",
    "warned",
    "probable enough, and the place of impact is known",
    "people need the time that is left",
    "telling it now costs least",
    "raised by a person",
    "an impact is expected",
    "extended: a later impact is expected",
    "narrowed: its rounds are followed and endanger it no longer",
    "the last impact has passed, with its doubt, the fallout and a dwell",
    "held: no radar that works",
    "held: a track not yet confirmed may come down there",
    "held: warned twice in this raid, which goes on",
    "held: an operator gives the all-clear here",
    "its time is over",
    "released by a person",
    "corrected: the warning was wrong",
    "something was fired that may come down there",
    "an object under power heads for it",
    "another base foresees a round there",
    "something was fired; a radar's direction is not to be believed",
    "nobody there can be warned",
    "an impact was due: debris may fall, and more may come",
  ],
  told: { "pre-alert": "PRE-ALERT", "take-cover": "TAKE COVER", stay: "STAY IN COVER", "impacts-over": "IMPACTS OVER", "all-clear": "ALL CLEAR" } as Record<string, string>,
  pre_alert: "PRE-ALERT {zone}: {why}{due}",
  pre_alert_due: ", in {s} s",
  give_clear: "Give the all-clear",
  impact_in: "impact in",
  impact_now: "impact now",
  clear_in: "all-clear in {s} s or later",
  tracks_p: { one: "{n} track, {p} (limit {w})", other: "{n} tracks, {p} (limit {w})" },
  no_track_p: "no track left, peak {p}",
  by: "by {who}: {why}",
  acknowledged_by: "seen by {who}",
  unacknowledged: "not acknowledged",
  acknowledge: "Acknowledge",
  acknowledge_all: "Acknowledge all",
  shelve: "Put aside",
  shelve_all: "All aside",
  unshelve: "Bring back",
  unshelved: { worse: "it got worse", time: "its time was up" },
  came_back: { worse: "back: it got worse", time: "back: its time was up" },
  shelf: {
    title: "Put aside", line: "{n} put aside: {zones}", open: "Shelf", none: "Nothing is put aside.", left: "{s} s left", by: "by {who}", all: "Bring all back",
    says: "Each comes back by itself: when its time is up, or at once when it gets worse.", columns: ["zone", "comes back in", "who and why", ""],
  },
  more_warnings: "and {n} more, less urgent",
  alarm: "Manual alarm",
  cancel_alarm: "Cancel alarm",
  correct_warning: "Wrong: correct it",
  reclassify: "Reclassify",
  said: "by {who}",
  said_why: "{who} says so since {t}: {why}",

  tracks: "Tracks",
  rehearsal: "Rehearsal",
  health: "Health",
  doubts: "This site may protect nobody",
  doubted: "This site may protect nobody: {why}",
  doubts_more: { one: "· one more reason under Health", other: "· {n} more reasons under Health" },
  events: "Events",
  filter: "Filter",
  filter_hint: "number, call sign, kind",
  shown_of: "{n} of {m}",
  columns: {
    id: "track", kind: "kind", p: "sure", impact: "impact", place: "falls near", height: "height", speed: "m/s", age: "age s", doubt: "± m",
  },
  column_help: {
    id: "Track number; call sign where known", kind: "Most probable kind", p: "Probability of that kind", impact: "Seconds to impact",
    place: "Zone most endangered", height: "Height above the site's origin; of aircraft as the site wants it: feet above the sea, or a flight level", speed: "Speed, metres a second", age: "Seconds since last seen by a sensor",
    doubt: "Standard deviation of the position along its worst direction",
  },
  kinds: ["round", "aircraft", "other"],
  claim: "own report only,",
  nowhere: "open ground",
  no_tracks: "Nothing is tracked.",
  selected: "Track {id}",
  facts: {
    kind: "Kind", moves: "{speed} m/s over the ground, {climb} m/s up", position: "Place", height: "Height", speed: "Speed", seen: "Last seen", hits: "detections", impact: "Impact",
    ellipse: "95 % within", zones: "Endangers", none: "no zone", source: "Source", radar: "radar", with: "radar and its own report ({icao})",
    first: "first seen {s} s ago", said: "Marked",
  },

  rehearsal_is: "SIMULATED interception. No order leaves here.",
  status: "Weapon control",
  statuses: { hold: "HOLD", tight: "TIGHT", free: "FREE" },
  awaiting: "Waiting for consent",
  nobody_waits: "No engagement waits for consent.",
  consent: "Consent",
  consents: "{n} of {m} consented: {who}",
  consents_none: "0 of {m} consented",
  no_consent_needed: "Policy: no consent needed",
  last_moment: "last safe moment in",
  too_late: "too late",
  hold_all: "Hold all",
  release_all: "Release hold",
  held: "HELD: {what} — by {who} since {t}", held_why: ": {why}", give_reason: "Say why",
  clearances: "Clearances",
  orders: "Simulated orders",
  no_clearances: "Nothing threatens anything: none is asked for.",
  no_orders: "None yet.",
  engagement: "track {track} by {effector}",
  looks: "Looked at afterwards",
  verdicts: { "flies-on": "flies on", "seems-stopped": "seems stopped: keep the warning" } as Record<string, string>,
  plan: { one: "{n} threat; {through} people expected to be hit, by no plan fewer than {bound}", other: "{n} threats; {through} people expected to be hit, by no plan fewer than {bound}" },
  evidence: "What this rests on",
  stake: "{stake} people at stake; what comes down would endanger {people}",
  touch: "Chance of touching an aircraft at most {bound}: unseen {unseen}, outside its containment {outside}, false claims {claims}, fragments {fragments}",
  nearest: "Nearest that can be there: {list}",
  sectors: "Approach sectors in use: {n}",
  causes: ["debris", "a round partly stopped", "spent effect", "duds"],
  can_be: "can be here",
  airport: {
    title: "Runway", open: "open", closed: "CLOSED",
    why: { threatened: "an impact is expected on it", inspected: "it is inspected after an impact or debris" } as Record<string, string>,
    reopens: "opens at {time} at the earliest, in {s} s",
    cost: {
      minutes: { one: "closed for {n} minute so far", other: "closed for {n} minutes so far" }, holds: { one: "{n} holding now", other: "{n} holding now" },
      delayed: { one: "{n} delayed", other: "{n} delayed" }, around: { one: "{n} gone around", other: "{n} gone around" }, diverted: { one: "{n} diverted", other: "{n} diverted" },
    },
  },
  verdicts_of: {
    clear: "clear", aircraft: "aircraft too near", unknown: "unknown too near", "not-sure": "not surely a round", "no-threat": "endangers nothing",
    reach: "out of reach", arc: "no-fire arc", fallout: "fragments on people", sensors: "sensors doubtful", hold: "weapons hold", empty: "magazine empty",
    look: "engaged: outcome looked at first", bound: "chance of touching an aircraft too high", approach: "approach in use",
  } as Record<string, string>,
  too_near: "comes within {distance}",
  cleared: "clear",
  more: "and {n} more",
  closest: "closest: track {track}, {distance}",
  set_status: "Change",

  channels: { title: "Who is told", page: "this page", pages: { one: "{n} page open", other: "{n} pages open" }, sound: "sound", speech: "speech", off: "off", on: "on",
    blocked: "waits for a click or a key: the browser allows none before", no_sound: "this browser has none", unarmed: "sound not armed: click", mute: "no sound here", no_voice: "this computer has no voice of its own",
    names: { terminal: "terminal", record: "record", page: "pages", figures: "figures", journal: "standing warnings" } as Record<string, string>,
    acknowledged: "{n} of {of} messages acknowledged", waiting: "{n} waiting",
    last: "last picture {s} s ago", none: "no picture yet", lost: "{n} moments lost", failures: "failed {n} times", fault: "{name}: {fault}" },
  radars: "Radars", radars_work: { one: "{n} radar", other: "{n} radars" },
  radar_states: ["working", "SILENT", "DOUBTFUL", "LATE", "MISALIGNED", "ASTRAY: direction unknown"],
  registered: "errs by {r} ± {rs} m, {a} ± {as}° azimuth, {e} ± {es}° elevation, {t} ± {ts} s; {n} references agree",
  corrected: "corrected", uncorrected: "not significant: left as it is", astray: "sees aircraft {a}° from where they say",
  inputs: "Inputs",
  no_inputs: "No outside input: the picture comes from the simulation.",
  heard: "heard {s} s ago",
  never: "never heard",
  received: "{n} received",
  bad: "{u} bytes undecodable, {r} not used",
  clock_set: "clock set anew {n}×",
  clock_drift: "clock off by {s} s since the start",
  loop: "Loop",
  late_data: "late by",
  picture_age: "picture age",
  detections: "detections",
  rejected: "not believed",
  late_unused: "too late to use",
  unusable: "without elevation",
  ellipses_held: "impact ellipses that held",
  lag: "data {s} s old",
  pages: "pages open",
  page_lag: "page drew in",
  frame_time: "frame worked out in",
  frame_of: "{ms} ms of {of} ms",
  run_pace: "pace of the run",
  kept: "{kept}× of {asked}×",
  as_fast: "as fast as it goes",
  chart_tracks: "tracks",
  chart_late: "lateness, ms",
  last_minutes: "last five minutes",

  zones: {
    title: "Zones", why: "Why it is warned, or is not", none: "This site has no zone.", warned: "WARNED", not: "not warned", never: "never warned", people: { one: "{n} person", other: "{n} people" },
    says: {
      manual: "Warned by hand since {since}.", warned: "Warned since {since}: together {p}, at most {peak}; a warning is raised from {limit}.",
      ends: "All-clear at {until} at the earliest, and below {clear}.", never: "Never warned: the site says so.", nothing: "Not warned: no track endangers it.",
      loss: "Not warned: {why}. Expected loss {unwarned} if never told, {warned} if told now, {waited} a moment later, in people hurt or their equal. It is told from {threshold}; now {p}.",
      loss_warned: "Warned since {since}: {reason}. Now {p}; expected loss {unwarned} if it had not been told, {warned} if told now.",
      below: "Not warned: together {p}; a warning is raised from {limit}.",
      kind: "Not warned: {p} with every track, {believed} by those more probably rounds than not; a warning is raised from {limit}.",
      place: "Not warned yet: {p}, over the limit of {limit}, but where it comes down is known to ± {a} only. It is raised when that is ± {hazard}, or {s} s before the impact.",
      frames: "Not warned yet: {p}, over the limit of {limit}; it is raised when the next pictures say the same.",
    },
    track: "track {id}: {p}", product: "= {kind} a round × {falls} falls there", due: "in {s} s", known: "place ± {a} × {b}",
    unbelieved: "more probably no round: does not count", more: { one: "and {n} track more", other: "and {n} tracks more" },
  },

  inbound: "Pre-alert: track {id} comes towards {zones} in {s} s ({p} if it keeps its course)",
  no_events: "Nothing has happened yet.",
  event_kinds: {
    raise: "WARNED", clear: "ALL CLEAR", acknowledge: "seen", shelve: "put aside", unshelve: "brought back", pace: "pace of the run", alarm: "manual alarm", cancel: "alarm cancelled", correct: "WRONG WARNING CORRECTED",
    reclassify: "reclassified", consent: "consent", hold: "hold", release: "hold released", weapons: "weapon control", order: "simulated order",
    radar: "radar", inbound: "PRE-ALERT, comes:", "pre-alert": "PRE-ALERT", stage: "now told:", "all-clear": "all-clear given",
    take: "takes the seat", say: "says", note: "note", answer: "answer", shadow: "shadow:", break: "exercise:", message: "message", probe: "question",
    question: "question", workload: "workload asked", look: "looked at",
  } as Record<string, string>,

  pace: {
    label: "Run", pause: "Pause run", go_on: "Resume run", speed: "Speed of the run", fastest: "max",
    not_yours: "The pace of the run is changed by supervisors and instructors.", not_ours: "The time of this run cannot be changed.",
    live: "You see the run as it goes: < and > change its pace. [ and ] are for looking back.",
  },
  play: "Play", pause: "Pause view", go_live: "Go live", live: "LIVE", speed: "Speed", link: "Copy link to this moment", scrub: "Time in the run",
  link_copied: "Link to this moment copied.", link_is: "Link: {url}", back: "{s} s back", forth: "{s} s on",
  help: "Help", sound: "Sound", sound_on: "Sound on", sound_off: "Sound off", speech: "Speech", theme: "Light or dark", log_out: "Log out",
  fit: "Fit the zones", fit_all: "Fit everything", zoom_in: "Zoom in", zoom_out: "Zoom out", ruler: "Ruler", layers: "Layers",
  layer: { tiles: "map tiles", terrain: "terrain", contours: "contours", rings: "range rings", radars: "radars and their range", labels: "labels", trails: "trails", effectors: "effectors" },
  ruler_hint: "Click, or press Enter at the map's centre, twice.",
  north: "N", north_up: "North is up.",
  map: "Map of the site. Arrow keys move it, plus and minus zoom.",
  legend: "Legend",
  legends: {
    round: "round, dashed: where it may come down (95 %)", aircraft: "aircraft", other: "unknown", claim: "reports itself, no radar sees it",
    warned: "zone under warning", zone: "zone", radar: "radar", effector: "effector (simulated)",
  },

  speech_is: { title: "Language", name: "English", reviewed_by: "the authors", unreviewed: "This translation was not reviewed by a named speaker." },
  exercise: {
    badge: "EXERCISE", blanked: "The instructor has blanked the screen. Wait.", again: "The exercise is flown again to an earlier moment. Wait.",
    sirens: "Sirens", siren_states: ["working", "failing", "NOBODY ANSWERS", "starting", "test overdue"],
  },
  watch: {
    title: "Watch", holds: "{who} has the watch", yours: "You have the watch", nobody: "No watch", since: "since {t}",
    choose: "Your seat:", seats: { watch: "watch", second: "second", shadow: "shadow (not believed)", observer: "observer" },
    passed_on: "Whoever relieves you takes the watch on a page of their own. Then stay two minutes and look on: errors come early.",
    handover: "Taking over the watch", step_preview: "1 preview", step_read: "2 read back", step_take: "3 take", next: "Next", back: "Back",
    preview_says: "Look at each line and at the map. On the next step this list is hidden.", people: "People",
    read_says: "Say what stands, from memory and from the picture. What you write goes into the record.",
    facts: {
      warned: "Zones under warning", next: "Zone of the next impact", unacknowledged: "Warnings nobody has acknowledged", shelved: "Warnings put aside",
      rounds: "Tracks more probably rounds", radars: "Radars not working", channels: "Warning channels not working", held: "Engagements held", status: "Weapon control status",
    } as Record<string, string>,
    values: { none: "none", some: "some", all: "all", hold: "HOLD", tight: "TIGHT", free: "FREE" } as Record<string, string>,
    unseen: "Not acknowledged by anybody: {zones}. Let it be seen first, or say why you take the watch now.",
    why: "Reason, where something is left open", take: "Take the watch", log: "Hand-overs", from_to: "{before} → {after}", began: "{after} began",
  },
  messages: {
    title: "Messages", none: "Nobody has said anything yet.", answer: "Answer", read_back: "Read back", answered: "answered", due: "answer within {s} s",
    to: "To", words: "Words", say: "Say", note: "Note", noted: "What the note is about", nothing: "nothing in particular",
    about: { radar: "radar", channel: "channel", zone: "zone", mode: "mode:" } as Record<string, string>,
    senders: { tower: "tower", gate: "gate", neighbour: "neighbour", command: "higher command", crew: "crew", all: "everybody" } as Record<string, string>,
    scales: { mental: "Mental demand", physical: "Physical demand", temporal: "Time pressure", performance: "How badly it went", effort: "Effort", frustration: "Frustration" },
  },
  instructor: {
    title: "Instructor", waiting: "Waiting for the exercise …", closed: "Only an instructor of an exercise has this page.", again: "Flown again …",
    freeze: "Freeze", blank: "Freeze and blank", on: "Go on", to: "to second", rewind: "Rewind", branch: "Branch", end: "End the exercise",
    ready: "Ready to fire", columns: ["name", "what", "planned", "state", ""], fire: "Fire", untrue: "not true",
    kinds: { raid: "raid", ghosts: "ghost tracks", adsb: "false ADS-B", turn: "radar turned", outage: "radar silent", delay: "radar late", siren: "dead siren", clutter: "clutter", message: "message" } as Record<string, string>,
    states: { held: "held", due: "DUE", fired: "fired", over: "over", answered: "answered" } as Record<string, string>,
    truth: "What is true", flying: "{n} rounds in the air of {m} in all.", trainees: "Trainees", selected: "track {id} selected", nothing_selected: "nothing selected",
    looks_back: "looks back at {t}", looks_live: "looks at the live picture",
  },

  name: "Name", password: "Password", log_in: "Log in", log_in_first: "Log in to command. The picture needs a log-in too.",
  why: "Why", why_hint: "goes into the record with your name", zone: "Zone", send: "Send", cancel: "Cancel", close: "Close",
  track: "Track", what_is_it: "What is it", what_held: "What is held", for_seconds: "For how long", seconds: "{n} s",
  sent: "Sent: {what}. It takes effect with the next picture.",
  shelve_title: "Put a warning aside", alarm_title: "Raise a manual alarm", cancel_title: "Cancel a manual alarm", correct_title: "Correct a wrong warning: cleared at once, and said to have been wrong on every channel", release_title: "Release the hold", held_title: "Everything is held. Why?", reclassify_title: "Reclassify a track",
  weapons_title: "Weapon control status (simulated)",
  no_manual: "No manual alarm stands.",
  no_warning_stands: "No warning stands that could be corrected.",
  shelve_all_title: "Put all {n} warnings aside",
  unmark: "what the radar says (take the mark back)",
  mark_caution: "A round that you call something else leaves the warnings: a zone warned because of it alone gets its all-clear at once.",
  mark_undo: "Take it back by reclassifying the track once more.",

  no: {
    replay: "This is a record: nothing can be commanded.", live: "This is a record: it has no live picture.", past: "You see the live picture already.",
    rehearsal: "Nothing is rehearsed here: this is live data.", leave: "Your role, {role}, has no leave for: {what}. I shows who may.",
    alarming: "No warning waits to be acknowledged.", warned: "No warning stands that could be put aside.", zones: "This site has no zone.",
    selected: "Select a track first: J, K, a row of the table or a symbol on the map.", match: "No track matches the filter.",
    terrain: "This site declares no terrain.", records: "This run keeps no records in a folder.", key: "{key} does nothing. ? shows the keys.",
    editable: "This site cannot be edited: give a folder of your own with --site.",
  },
  role_names: { observer: "observer", operator: "operator", supervisor: "supervisor", instructor: "instructor" } as Record<string, string>,
  people: {
    title: "You, and who may do what", you: "You are {user}, {role}.", everywhere: "Log out everywhere", yes: "yes", no: "—", act: "may",
    ends: "A log-in ends after half an hour without a page open, and after twelve hours.",
    acts: {
      acknowledge: "acknowledge", shelve: "put aside", alarm: "manual alarm", cancel: "cancel it", correct: "correct a wrong warning", "all-clear": "give the all-clear", reclassify: "reclassify", consent: "consent",
      hold: "hold", release: "release a hold", weapons: "weapon control status", pace: "pace of the run", edit: "edit the site", audit: "audit log",
      take: "take a seat, the watch", say: "say", note: "note", answer: "answer messages", records: "records, reports", truth: "reports of a simulation that goes on", lead: "lead an exercise",
    } as Record<string, string>,
  },

  audit: { title: "Audit log", columns: ["time, UTC", "who", "what", "why", ""], allowed: "done", refused: "refused" },
  library: {
    title: "Records", open: "Records", none: "No records in the folder.", report: "Report", 
    outcome: { rounds: { one: "{n} round", other: "{n} rounds" }, became: "{rounds}: {fell_inside} fell inside, {stopped} stopped (simulated); {warned} warned in time, {false_warnings}",
      false_warnings: { one: "{n} false warning", other: "{n} false warnings" } },
    outcome_live: { became: "{projectiles}, {aircraft} aircraft; {warnings}", projectiles: { one: "{n} projectile tracked", other: "{n} projectiles tracked" },
      warnings: { one: "{n} warning", other: "{n} warnings" } },
    recorded: "recorded {when} UTC, {m} min", unfinished: "did not end in order", running: "being written now", exports: "Exports:", of: "{kind} · {what}", reading: "Reading …",
    opens: "A report opens in a tab of its own. To look through a record again: skywarden replay FILE",
  },
  edit: {
    title: "Edit site", open: "Edit site", what: "What", kinds: { zones: "Zones", radars: "Radars", effectors: "Effectors (simulated)" },
    which: { zones: "Zone", radars: "Radar", effectors: "Effector" },
    add: { zones: "New zone", radars: "New radar", effectors: "New effector" }, at_centre: "At the map's centre",
    remove: { zones: "Delete zone", radars: "Delete radar", effectors: "Delete effector" },
    draw: "Draw on the map", place: "Place on the map", drawing: "Click the corners on the map; a double click ends.",
    placing: "Click where it stands. What is there already can be dragged.",
    name: "Name", kind: "Kind", people: "People usually there", shelter: "Seconds to shelter", warn: "Can be warned", corners: "Corners: east, north [m], one a line",
    east: "East [m]", north: "North [m]", latitude: "Latitude [°]", longitude: "Longitude [°]", more: "Everything else", needed: "needed", none: "by default",
    check: "Check", save: "Save", leave: "Leave", good: "No fault found.", saved: "Saved in the site's own files. It counts from the next run on.",
    unsaved: "Not saved yet.", next_run: "Edits count from the next run on; this run goes on unchanged.",
    new_name: { zones: "new zone", radars: "new radar", effectors: "new effector" }, corner_fault: "Line {line}: write east, north in metres.",
    choices: { staring: "staring", rotating: "rotating", scheduled: "scheduled", gun: "gun", interceptor: "interceptor", "directed-energy": "directed energy" },
    fields: {
      name: "Name", kind: "Kind", height_m: "Height above ground [m]", range_min_m: "Least range [m]", range_max_m: "Greatest range [m]",
      reach_min_m: "Least reach [m]", reach_max_m: "Greatest reach [m]", azimuth_from_deg: "Sector from [°]", azimuth_width_deg: "Sector's width [°]",
      no_fire_deg: "No-fire arcs, from, to … [°]",
      elevation_min_deg: "Least elevation [°]", elevation_max_deg: "Greatest elevation [°]", revisit_s: "Time between looks [s]", mode_s: "Secondary radar: transponders only",
      sac_sic: "ASTERIX SAC, SIC", range_sigma_m: "Range: error, 1 σ [m]", azimuth_sigma_mrad: "Azimuth: error, 1 σ [mrad]", elevation_sigma_mrad: "Elevation: error, 1 σ [mrad]",
      range_rate_sigma_mps: "Doppler: error, 1 σ [m/s]", reference_snr_db: "Signal to noise of 1 m² [dB]", reference_range_m: "… at this range [m]",
      detection_probability: "Detection probability", false_alarms: "False alarms a look", range_cell_m: "Range: resolution [m]", azimuth_cell_deg: "Azimuth: resolution [°]",
      elevation_cell_deg: "Elevation: resolution [°]", range_rate_cell_mps: "Doppler: resolution [m/s]", range_rate_span_mps: "Doppler repeats every [m/s]",
      budget_per_s: "Dwells a second", reaction_s: "Reaction [s]", speed_mps: "Speed of the effect [m/s]", kill_probability: "Kill probability (illustrative)",
      engagement_s: "One engagement takes [s]", magazine: "Engagements before reload", burst: "Rounds an engagement", reload_s: "Reload [s]",
      slew_rate_deg_s: "Turns [°/s]", crossing_loss: "Loss against crossing targets", self_destruct_s: "Self-destruct after [s]", dud_share: "Share of duds",
      height_min_m: "Least height of engagement [m]",
    },
  },
  coverage: {
    title: "Radar coverage", height: "Height above ground", radar: "Seen by", off: "off", metres: "{n} m", all: "all radars together",
    says: "Shaded: seen at {n} m above ground by {what} (declared range, terrain, horizon)", wait: "Computing what the radars see …",
    edited: "· of the edited site", not_edited: "· of the site as it runs; Check shows the edited one",
  },
  zone_kinds: { runway: "runway", apron: "apron", building: "building", housing: "housing", fuel: "fuel", "alert-zone": "alert zone" },

  server: {} as Record<string, string>, // sentences of the server's by their pattern, {} for what it fills in; English stands as it comes

  keys_title: "Keys",
  keys: [
    ["A", "acknowledge the most urgent warning"], ["Shift+A", "acknowledge all warnings"], ["S", "put a warning aside for a while; Shift+S all"], ["B", "what was put aside, and bring it back"],
    ["M", "raise a manual alarm"], ["C", "cancel a manual alarm"], ["Shift+C", "correct a wrong warning"], ["R", "reclassify the selected track"],
    ["Y", "consent to the first waiting engagement (simulation)"], ["H", "hold all engagements at once, or release them (simulation)"],
    ["W", "weapon control status (simulation)"],
    ["P", "pause or resume the run (simulation)"], ["< >", "run slower, faster (simulation)"],
    ["Space", "pause or play your view"], ["← →", "one second back or on; with Shift ten"], ["[ ]", "look back slower, faster"], ["G", "go live"], ["L", "copy a link to this moment"],
    ["J K", "next or previous track"], ["/", "filter the tracks"], ["1 … 7", "tracks, rehearsal, health, events, zones: why warned; messages, instructor"],
    ["F", "fit the zones; Shift+F everything in the air"], ["+ −", "zoom"], ["D", "ruler"], ["T", "light or dark"], ["V", "sound"],
    ["E", "edit the site: zones, radars, effectors"], ["X", "what the radars see: next height"], ["N", "layers of the map"], ["Z", "terrain: shading and contours"],
    ["O", "records and their reports"], ["U", "audit log"], ["Q", "the watch: who has it, take it over; seats"], ["I", "who you are, language, who may do what, log out"], ["?", "this sheet"], ["Esc", "close a dialog or a list, clear the selection"],
  ] as [string, string][],
};

export type Texts = typeof english;
/** Languages by their code; the two from right to left are of Afghanistan. */
export const LANGUAGES: Record<string, Texts> = { en: english, "fa-AF": whole(dari), ps: whole(pashto) };
export let texts: Texts = LANGUAGES[chosen()]!;

/** The code of the language that this browser was told to use. */
export function chosen(): string {
  const kept = typeof localStorage === "undefined" ? null : localStorage.getItem("skywarden-language");
  return kept && ["en", "fa-AF", "ps"].includes(kept) ? kept : "en";
}

/** Speak another language from now on: the page begins anew in it. */
export function speakFromNowOn(language: string): void {
  localStorage.setItem("skywarden-language", language);
  location.reload();
}

/** Which of a message's texts is in the page's language. */
export const languageRow = (): number => ["en", "fa-AF", "ps"].indexOf(texts.language);

/** A sentence of the server's in the page's language, where it is known; names and numbers in it stay. */
export function translated(sentence: string): string {
  for (const [pattern, said] of Object.entries(texts.server)) {
    const found = new RegExp(`^${pattern.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\}/g, "(.*?)")}$`).exec(sentence);
    if (found) {
      let n = 0;
      return said.replace(/\{\}/g, () => isolated(found[++n] ?? ""));
    }
  }
  return sentence;
}

/** A translation with English in the place of what it has not said yet; a test keeps it from lacking anything. */
function whole(other: Partial<Texts>): Texts {
  const merge = (own: unknown, english: unknown): unknown =>
    own === undefined ? english
    : typeof own === "object" && own && !Array.isArray(own)
      ? Object.fromEntries([...new Set([...Object.keys(english as object), ...Object.keys(own)])].map((key) => [key, merge((own as Record<string, unknown>)[key], (english as Record<string, unknown>)[key])]))
      : own;
  return merge(other, english) as Texts;
}

/** What is said of one and of several, as the language counts them. */
export interface Forms { one: string; other: string }

/** The form that goes with `n`, with {n} and other values filled in. */
export function many(forms: Forms, n: number, values: Record<string, string | number> = {}): string {
  return fill(new Intl.PluralRules(texts.language).select(n) === "one" ? forms.one : forms.other, { n, ...values });
}

/** `text` with {name} replaced by values. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (_, key: string) => isolated(String(values[key] ?? "")));
}

/** A name or number set apart, so that it does not turn the words around it where these run from right to left. */
function isolated(value: string): string {
  return texts.direction === "rtl" ? `\u2068${value}\u2069` : value;
}
