// SPDX-License-Identifier: Apache-2.0
// From whom all of it is known, and how well.
import { site } from "./collector.js";
import { ageNow, byId, clean, compact, duration, foreign, isAge, Kept, known, make, put, ticking } from "./text.js";
import { t } from "./words.js";

const STATES = new Map([["ok", "✓"], ["starting", "…"], ["stale", "?"], ["unreadable", "✕"]]);
/// Of hundreds of switches that are well, nobody reads each; those that are not well stand first.
const SHOWN = 20, MOST = 100;
let isUnfolded = false;
byId("more-sources").addEventListener("click", () => { isUnfolded = true; showSources(); });
const isFine = (source) => source.state === "ok";

function card(entry) {
  const word = known(entry.item.state, STATES, "stale");
  const about = () => {
    const { ageSeconds, lastDurationSeconds, connected, expected, type, tells, holder } = entry.item;
    if (type === "lease") return tells ? t("tells") : holder ? t("standsBy", clean(holder)) : t("nobodyTells");
    const age = isAge(ageSeconds) ? t("readAgo", duration(ageNow(ageSeconds, entry.receivedAt))) : type === "store" ? "" : t("neverRead");
    return compact([isAge(connected) && isAge(expected) ? t("connected", connected, expected) : "", age,
      isAge(lastDurationSeconds) && lastDurationSeconds > 0 ? t("took", lastDurationSeconds.toFixed(2)) : ""]).join(", ");
  };
  const { name, lastError } = entry.item;
  return make("div", `source ${word}`,
    make("div", "line", foreign("b", name), make("span", "state", `${STATES.get(word)} ${t(`source-${word}`)}`)),
    ticking(about, "small soft"),
    lastError ? foreign("div", lastError, "small error") : null);
}

const cards = new Kept(byId("sources"), (source) => `${source.type} ${source.name}`, card);

export function showSources() {
  const bad = site.sources.filter((source) => !isFine(source));
  const all = [...bad, ...site.sources.filter(isFine)];
  const shown = isUnfolded ? all : all.slice(0, Math.max(SHOWN, Math.min(bad.length, MOST)));
  cards.show(shown, site.receivedAt.get("sources"), t("code"));
  byId("more-sources").hidden = shown.length === all.length;
  put(byId("more-sources"), t("more", all.length - shown.length));
  put(byId("sources-note"), site.sources.length ? bad.length ? t("sourcesBad", bad.length, site.sources.length) : t("sourcesGood", site.sources.length) : "");
  put(byId("cluster"), compact([site.cluster, site.version]).join(" · "));
}

const OF_AGENTS = new Set(["kernel", "bird", "export", "session"]);
const OF_LTM = new Set(["ltm-route", "member", "virtual-server", "gtm"]);

/// Why nothing new is known of a column; empty if something is.
export function staleness(stage, at) {
  const isOf = (source) => {
    const name = clean(source.name);
    if (OF_AGENTS.has(stage)) return source.type === "agents" && !(source.connected > 0);
    const isNamed = !at || name === at || name.startsWith(`${at} `);
    if (stage === "switch") return source.type === "switch" && isNamed;
    if (OF_LTM.has(stage)) return source.type === "load-balancer" && isNamed;
    return source.type === "nodes";
  };
  const some = site.sources.filter(isOf);
  if (!some.length || some.some((source) => isFine(source) || source.state === "starting")) return "";
  const [first] = some;
  return compact([clean(first.name), clean(first.lastError) || t(`source-${known(first.state, STATES, "stale")}`)]).join(", ");
}
