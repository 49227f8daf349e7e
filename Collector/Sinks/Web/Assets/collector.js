// SPDX-License-Identifier: Apache-2.0
// What the collector tells: asked for once, then changed by its events.
import { clean, clock, list } from "./text.js";
import { keyOf, Rows } from "./rows.js";
import { t } from "./words.js";

const SEVERITIES = ["critical", "warning", "info"];

export const site = {
  cluster: "", version: "", incidents: [], rows: new Rows(), sources: [], silences: [], mayWrite: false,
  timeline: [], isTimelineCut: false, found: null, past: null, pastError: "",
  loaded: new Set(), errors: new Map(), receivedAt: new Map(), isLive: false };
/// What the reader looks for, and at which moment: the address sets it.
export const asked = { query: "", at: null };

// MARK: Who wants to know

const readers = new Map();
const changed = new Set();
let isPlanned = false;

export function on(names, read) {
  for (const name of names) readers.set(name, [...readers.get(name) ?? [], read]);
}

/// Once a frame, however much has moved; a hidden page has no frames.
export function tell(name) {
  changed.add(name);
  if (isPlanned) return;
  isPlanned = true;
  if (document.hidden) setTimeout(tellAll, 250);
  else requestAnimationFrame(tellAll);
}

function tellAll() {
  isPlanned = false;
  const some = new Set([...changed].flatMap((name) => readers.get(name) ?? []));
  changed.clear();
  for (const read of some) read();
}

// MARK: Asking

const PATIENCE = 10_000;

async function request(address, options) {
  try {
    return await fetch(address, { ...options, signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    throw new Error(t("noAnswer"));
  }
}

export async function get(address) {
  const answer = await request(address, { headers: { accept: "application/json" }, cache: "no-store" });
  const date = Date.parse(answer.headers.get("date") ?? "");
  if (Number.isFinite(date) && Math.abs(date - clock.now()) > 1500) clock.offset = date - Date.now();
  const body = await answer.json().catch(() => null);
  if (!answer.ok || !body) throw Object.assign(new Error(clean(body?.error) || t("answered", answer.status)), { status: answer.status });
  return body;
}

/// What operators say. The mark is one that no other site's page can send.
export async function write(method, address, body) {
  const headers = { accept: "application/json", "content-type": "application/json", "x-podpath-page": "1" };
  const answer = await request(address, { method, headers, body: body ? JSON.stringify(body) : undefined });
  const document = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(clean(document?.error) || t("answered", answer.status));
  silences.moved();
  return document;
}

/// One thing the collector is asked for: at most four times a second, never twice at once, and no move is lost.
class Resource {
  constructor(name, read, pause = 250) { Object.assign(this, { name, read, pause, timer: null, startedAt: -Infinity, isBusy: false, isDirty: false, took: 0 }); }

  moved() {
    if (this.isBusy) { this.isDirty = true; return; }
    if (this.timer !== null) return;
    // A long list is asked for less often.
    const wait = Math.max(this.pause, 4 * this.took) - (performance.now() - this.startedAt);
    if (wait <= 0) this.load();
    else this.timer = setTimeout(() => this.load(), wait);
  }

  async load() {
    Object.assign(this, { timer: null, isBusy: true, isDirty: false, startedAt: performance.now() });
    try {
      await this.read();
      site.loaded.add(this.name);
      site.errors.delete(this.name);
      site.receivedAt.set(this.name, performance.now());
    } catch (error) {
      site.errors.set(this.name, error.message);
    }
    Object.assign(this, { isBusy: false, took: performance.now() - this.startedAt });
    tell(this.name);
    if (this.isDirty) this.moved();
  }
}

/// Worst first, and the newest of equals.
const rank = (incident) => (incident.state === "firing" ? 0 : 1.5) + (SEVERITIES.indexOf(incident.severity) + 3) % 3;
const sorted = (incidents) => incidents.sort((a, b) => rank(a) - rank(b) || Date.parse(b.since) - Date.parse(a.since) || 0);

const incidents = new Resource("incidents", async () => {
  site.incidents = sorted(list((await get("api/v1/incidents?state=firing,pending")).incidents));
});

/// What was told while the matrix was on its way; it may be newer than what comes.
let meanwhile = [];
const matrix = new Resource("matrix", async () => {
  meanwhile = [];
  const rows = Rows.from(await get("api/v1/matrix"));
  for (const { sequence, path } of meanwhile) if (sequence > rows.sequence) rows.apply(path);
  meanwhile = [];
  site.rows = rows;
  details.clear();
});

const search = new Resource("search", async () => {
  const { query, at } = asked;
  if (!query) { site.found = null; return; }
  const answer = await get(`api/v1/matrix?q=${encodeURIComponent(query)}${at ? `&at=${encodeURIComponent(at)}` : ""}`);
  const keys = new Set(Rows.from(answer).all.map((row) => row.key));
  if (query === asked.query && at === asked.at) site.found = keys;
});

const past = new Resource("past", async () => {
  const { at } = asked;
  if (!at) return;
  try {
    const rows = Rows.from(await get(`api/v1/matrix?at=${encodeURIComponent(at)}`));
    if (at === asked.at) Object.assign(site, { past: rows, pastError: "" });
  } catch (error) {
    if (at === asked.at) Object.assign(site, { past: null, pastError: error.message });
  }
});

const sources = new Resource("sources", async () => {
  const answer = await get("api/v1/sources");
  Object.assign(site, { sources: list(answer.sources), cluster: clean(answer.cluster, 60), version: clean(answer.version, 30) });
});

const silences = new Resource("silences", async () => {
  const answer = await get(`api/v1/silences?origin=${encodeURIComponent(location.origin)}`);
  Object.assign(site, { silences: list(answer.silences), mayWrite: answer.mayWrite === true });
});

const timeline = new Resource("timeline", async () => {
  const answer = await get("api/v1/timeline");
  Object.assign(site, { timeline: list(answer.incidents), isTimelineCut: answer.isCut === true });
}, 1000);

const light = [incidents, sources, silences, timeline];
export const askAll = () => { for (const resource of [...light, matrix]) resource.moved(); if (asked.query) search.moved(); };

/// Ages of what stays the same are no events, so even a live page asks now and then, the long list least.
export function askNowAndThen(seconds) {
  const isFine = site.isLive && !site.errors.size;
  const every = document.hidden ? 30 : isFine ? 10 : 5;
  if (seconds % every === 0) for (const resource of light) resource.moved();
  if (seconds % (isFine ? 12 * every : every) === 0) matrix.moved();
}

export function ask(query, at) {
  const isOtherTime = at !== asked.at;
  const isOtherQuery = query !== asked.query;
  Object.assign(asked, { query, at });
  if (!query) site.found = null;
  if (isOtherTime) { Object.assign(site, { past: null, pastError: "" }); details.clear(); }
  if (isOtherTime && at) past.moved();
  if (query && (isOtherTime || isOtherQuery)) search.moved();
}

/// The ways as they are, or as they were; null while those are on their way.
export const shownRows = () => asked.at ? site.past : site.rows;

// MARK: One way in full

const details = new Map();
const FRESH = 4_000;

/// With what was expected and found at each place; asked for anew when it is older than a few seconds.
export async function detail(row, at = asked.at) {
  const known = details.get(row.key);
  if (known && known.at === at && (at || performance.now() - known.receivedAt < FRESH)) return known;
  const time = at ? `&at=${encodeURIComponent(at)}` : "";
  const answer = await get(`api/v1/paths?prefix=${encodeURIComponent(row.prefix)}&node=${encodeURIComponent(row.node)}${time}`);
  const path = list(answer.paths).find((each) => keyOf(each.prefix, clean(each.node)) === row.key);
  if (!path) throw new Error(t("noSuchWay"));
  return keep(row.key, path, at);
}

function keep(key, path, at) {
  const entry = { path, at, receivedAt: performance.now() };
  if (details.size > 200) details.delete(details.keys().next().value);
  details.set(key, entry);
  return entry;
}

// MARK: Being told

function read(event) {
  try { return JSON.parse(event.data); } catch { return {}; }
}

function pathMoved(event) {
  const path = read(event);
  if (!path.prefix) { matrix.moved(); if (asked.query) search.moved(); return; }
  if (matrix.isBusy) meanwhile.push({ sequence: Number(event.lastEventId) || 0, path });
  if (!asked.at) keep(keyOf(path.prefix, clean(path.node)), path, null);
  if (site.rows.apply(path)) tell("matrix");
  else matrix.moved();
}

function incidentMoved(event) {
  const incident = read(event);
  timeline.moved();
  if (!incident.id || incidents.isBusy) { incidents.moved(); return; }
  const others = site.incidents.filter((each) => each.id !== incident.id);
  site.incidents = incident.state === "resolved" ? others : sorted([...others, incident]);
  site.receivedAt.set("incidents", performance.now());
  tell("incidents");
}

/// Told of every change while the stream stands. Without it the page asks every 5 s and says that it is not live.
export function listen() {
  const events = new EventSource("api/v1/events");
  events.onopen = () => { site.isLive = true; askAll(); tell("live"); };
  events.onerror = () => {
    site.isLive = false;
    tell("live");
    // The browser gives up for good after an answer that is no stream.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  };
  events.addEventListener("incident", incidentMoved);
  events.addEventListener("path", pathMoved);
  events.addEventListener("source", () => sources.moved());
  events.addEventListener("silence", () => silences.moved());
  events.addEventListener("lost", askAll);
}
