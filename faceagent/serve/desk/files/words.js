// The words of the page in one language, and numbers and dates as that language writes them.

export const LANGUAGES = { en: "English", es: "Español", zh: "中文" };
// A cookie, so that the service knows which words a page asks for first.
const COOKIE = "faceagent_language";
let table = {};
let chosen = "en";
let formats = {};

export function language() { return chosen; }

export async function loadWords() {
  const kept = document.cookie.match(new RegExp(`\\b${COOKIE}=(\\w+)`))?.[1];
  const wanted = kept ?? (navigator.language || "en").slice(0, 2);
  chosen = wanted in LANGUAGES ? wanted : "en";
  // Made once: a page of the queue writes two hundred dates.
  formats = { moment: new Intl.DateTimeFormat(chosen, { dateStyle: "medium", timeStyle: "short" }), number: new Intl.NumberFormat(chosen) };
  table = await (await fetch(`/desk/words-${chosen}.json`)).json();
  document.documentElement.lang = chosen === "zh" ? "zh-Hans" : chosen;
}

export function keepLanguage(wanted) { document.cookie = `${COOKIE}=${wanted}; path=/; max-age=31536000; samesite=strict`; }

// "case.title" with its places filled; a name that has no words is given as it is, readable.
export function t(name, values = {}) {
  const [section, key] = name.split(/\.(.*)/s);
  const found = table[section]?.[key];
  const text = found === undefined ? String(key).replaceAll("_", " ") : found;
  return text.replace(/\{(\w+)\}/g, (_, place) => (place in values ? values[place] : `{${place}}`));
}

export function list(name) { return table.lists?.[name] ?? []; }

export function percent(share) {
  if (share === null || share === undefined) return "–";
  if (share > 0.99) return "> 99 %";
  if (share < 0.01) return "< 1 %";
  return `${Math.round(100 * share)} %`;
}

export function when(seconds) { return formats.moment.format(new Date(1000 * seconds)); }

export function count(number) { return formats.number.format(number); }
