// SPDX-License-Identifier: Apache-2.0
// What operators said, and how they say it. Where the page may not write it says what to type.
import { site, write } from "./collector.js";
import { button, byId, clean, clock, clockTime, command, duration, foreign, Kept, known, make, put, shellWord, ticking } from "./text.js";
import { t } from "./words.js";

const STATES = new Map([["active", "●"], ["pending", "◷"], ["expired", "○"]]);
const FORMS = new Map([["silence", "silence"], ["acknowledgement", "acknowledgement"], ["maintenance", "maintenance"]]);
const MATCHES = ["node", "switch", "prefix", "kind", "loadBalancer"];
const OPTIONS = { node: "--node", switch: "--switch", prefix: "--prefix", kind: "--kind", loadBalancer: "--load-balancer" };
const TIMES = [["1h", 1], ["2h", 2], ["4h", 4], ["8h", 8], ["24h", 24], ["168h", 168]];
/// Of those that are over, only the last: what was said lately.
const ENDED = 3;

const view = { close: () => {} };
export function useSilences(some) { Object.assign(view, some); }

const matchText = (silence) => Object.entries(silence.match ?? {}).map(([key, value]) => `${clean(key)} ${clean(value)}`).join(", ");

function line(entry) {
  const silence = entry.item;
  const state = known(silence.state, STATES, "expired");
  const end = Date.parse(silence.endsAt);
  const ends = () => {
    const left = (end - clock.now()) / 1000;
    return left > 0 ? t("endsIn", duration(left)) : t("endedAt", clockTime(silence.endsAt));
  };
  return make("article", `silence ${state}`,
    make("span", `tag ${state}`, `${STATES.get(state)} ${t(`silence-${state}`)}`),
    make("span", "what", make("b", "", t(`form-${known(silence.form, FORMS, "silence")}`)), " ", foreign("span", matchText(silence), "mono")),
    make("span", "said", foreign("span", silence.comment), make("span", "soft small foreign", `${clean(silence.author)}, `), ticking(ends, "soft small")),
    state !== "expired" && site.mayWrite ? button(t("endNow"), (event) => expire(silence, event.currentTarget)) : null);
}

async function expire(silence, element) {
  element.disabled = true;
  try {
    await write("DELETE", `api/v1/silences/${encodeURIComponent(silence.id)}`);
  } catch (error) {
    element.disabled = false;
    element.after(make("span", "error small foreign", clean(error.message)));
  }
}

const lines = new Kept(byId("silences"), (silence) => String(silence.id), line);

export function showSilences() {
  const end = (silence) => Date.parse(silence.endsAt);
  const standing = site.silences.filter((silence) => silence.state !== "expired").sort((a, b) => end(a) - end(b));
  const ended = site.silences.filter((silence) => silence.state === "expired").sort((a, b) => end(b) - end(a));
  const shown = [...standing, ...ended.slice(0, ENDED)];
  lines.show(shown.slice(0, 200), site.receivedAt.get("silences"), t("code") + site.mayWrite);
  put(byId("silences-note"), site.errors.get("silences") ?? (shown.length ? "" : t("noSilence")));
}

// MARK: The form

/// `from` is what the reader stood on: an incident's subject, or nothing.
export function openForm(form, match, title) {
  const dialog = byId("dialog");
  dialog.replaceChildren(make("h2", "", t(form === "acknowledgement" ? "acknowledge" : "newSilence")), title ? foreign("p", title, "soft") : "",
    site.mayWrite ? writingForm(form, match) : byHand(form, match));
  if (!dialog.open) dialog.showModal();
}

function remembered() {
  try { return localStorage.getItem("podpath-author") ?? ""; } catch { return ""; }
}

function field(name, input) {
  input.name = name;
  return make("label", "field", make("span", "small soft", t(`field-${name}`)), input);
}

function text(value, longest, isNeeded = false) {
  const input = make("input");
  Object.assign(input, { type: "text", value: clean(value), maxLength: longest, required: isNeeded, autocomplete: "off", spellcheck: false });
  return input;
}

function timeSelect() {
  const select = make("select");
  for (const [word, hours] of TIMES) select.append(new Option(duration(hours * 3600), word));
  select.value = "2h";
  return select;
}

function writingForm(form, match) {
  const isAcknowledgement = form === "acknowledgement";
  const element = make("form", "silence-form");
  const problem = make("p", "error foreign");
  problem.setAttribute("role", "alert");
  const matching = isAcknowledgement ? [] : MATCHES.map((key) => field(key, text(match[key], 253)));
  const send = make("button", "strong", t(isAcknowledgement ? "acknowledge" : "silence"));
  if (!isAcknowledgement) element.append(make("p", "small soft", t("mustAgree")), make("div", "fields", ...matching));
  element.append(field("author", text(remembered(), 100, true)), field("comment", text("", 1000, true)), field("for", timeSelect()), problem,
    make("div", "buttons", send, button(t("cancel"), () => view.close())));
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(element, form, match, problem, send);
  });
  return element;
}

async function submit(element, form, match, problem, send) {
  const value = (name) => element.elements.namedItem(name)?.value.trim() ?? "";
  const filled = form === "acknowledgement" ? match : Object.fromEntries(MATCHES.map((key) => [key, value(key)]).filter(([, text]) => text));
  if (!Object.keys(filled).length) { put(problem, t("matchMissing")); return; }
  const hours = new Map(TIMES).get(value("for")) ?? 2;
  const body = { form, match: filled, author: value("author"), comment: value("comment"), endsAt: new Date(clock.now() + hours * 3_600_000).toISOString() };
  try { localStorage.setItem("podpath-author", body.author); } catch { /* Private windows remember nothing. */ }
  send.disabled = true;
  try {
    await write("POST", "api/v1/silences", body);
    view.close();
  } catch (error) {
    put(problem, clean(error.message));
  }
  send.disabled = false;
}

/// The same by the command line.
function byHand(form, match) {
  const what = form === "acknowledgement" ? ["ack", shellWord(match.incident ?? "ID")]
    : ["add", ...Object.entries(match).filter(([key]) => OPTIONS[key]).flatMap(([key, value]) => [OPTIONS[key], shellWord(value)])];
  const words = ["podpath-collector", "silence", ...what, "--for", "2h", "--comment", "'…'", "--url", shellWord(location.origin)];
  return make("div", "", make("p", "", t("cannotWrite")), command(t("anywhere"), words.join(" ")), make("div", "buttons", button(t("close"), () => view.close())));
}

/// What of an incident a silence may name, the narrowest first.
export function matchOf(incident) {
  const { node, switch: name, prefix, loadBalancer } = incident.subject ?? {};
  const some = prefix ? { prefix } : node ? { node } : name ? { switch: name } : loadBalancer ? { loadBalancer } : {};
  return { ...some, kind: incident.kind };
}
