// Calls the interface. An answer that is an error becomes an exception that says what the server said.

import { language } from "./words.js";

export class ApiError extends Error {
  /** `kind` is the problem's, such as `not-found`: the page says it in its language, `detail` is English. */
  constructor(status, { type, title, detail }) {
    super(detail || title || String(status));
    Object.assign(this, { status, kind: type?.split(":").pop(), detail });
  }
}

/** The answer to a call. */
export async function ask(address, options) {
  const response = await fetch(address, options).catch((error) => {
    throw error.name === "AbortError" ? error : new ApiError(0, { type: "no-connection" });
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({ title: response.statusText }));
  if (response.status === 401) document.dispatchEvent(new CustomEvent("signed-out"));
  throw new ApiError(response.status, problem);
}

async function call(method, address, body, signal) {
  const response = await ask(address, {
    method,
    signal,
    headers: { "accept-language": language(), ...(body === undefined ? {} : { "content-type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return response.status === 204 ? null : response.json();
}

export const get = (address, signal) => call("GET", address, undefined, signal);
export const post = (address, body) => call("POST", address, body);
export const put = (address, body) => call("PUT", address, body);
export const patch = (address, body) => call("PATCH", address, body);
export const remove = (address) => call("DELETE", address);

/** An address under /v1 with its parts encoded. */
export const at = (...parts) => "/v1/" + parts.map(encodeURIComponent).join("/");

/** A query of those values that are not empty; lists are repeated. */
export function query(values) {
  const pairs = Object.entries(values).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return "?" + new URLSearchParams(pairs.filter(([, value]) => value !== undefined && value !== null && value !== ""));
}
