// Requests to the service. A session that is over asks for a new sign-in and then goes on: nothing typed is lost.

import { t } from "./words.js";

export class Problem extends Error {
  constructor(message, code, status, details = []) {
    super(message);
    this.code = code;
    this.status = status;
    this.details = details;
  }
}

let askToSignIn = async () => false;
export function onSignedOut(ask) { askToSignIn = ask; }

async function problemOf(answer) {
  try {
    const { error } = await answer.json();
    const told = t(`errors.${error.code}`);
    const known = told === error.code.replaceAll("_", " ") ? error.message : `${told} ${error.message}`;
    return new Problem(known, error.code, answer.status, error.details ?? []);
  } catch {
    return new Problem(t("errors.unreadable", { status: answer.status }), "unreadable", answer.status);
  }
}

export async function send(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(t("errors.away"), "away", 0);
  }
  if (answer.status === 401 && path !== "/v1/session") {
    if (await askToSignIn()) return send(path, options);
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

export async function getJson(path, options) { return (await send(path, options)).json(); }

export async function sendJson(method, path, body, options = {}) {
  const headers = { "content-type": "application/json", ...options.headers };
  const answer = await send(path, { ...options, method, headers, body: JSON.stringify(body) });
  return answer.status === 204 ? null : answer.json();
}

// Server-sent events of an answer, one {event, data} after the other.
export async function* eventsOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    let read;
    try {
      read = await reader.read();
    } catch {
      throw new Problem(t("errors.away"), "away", 0);
    }
    if (read.done) return;
    held += read.value;
    const blocks = held.split("\n\n");
    held = blocks.pop();
    for (const block of blocks) {
      const found = { event: "message", data: "" };
      for (const line of block.split("\n")) {
        if (line.startsWith("event:")) found.event = line.slice(6).trim();
        if (line.startsWith("data:")) found.data += line.slice(5).trim();
      }
      if (found.data) yield found;
    }
  }
}
