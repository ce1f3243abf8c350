// Idempotency keys: an answer may be lost on its way, and whoever then tries
// again shall not end up with two tokens.

/** What makes a key for a request: the same one for as long as the same is asked for. */
export type Keys = (request: unknown) => string;

/** newKeys begins with one dialog, in which the same request is the same wish. */
export function newKeys(): Keys {
  let [asked, key] = ["", ""];
  return (request) => {
    const text = JSON.stringify(request);
    if (text !== asked) [asked, key] = [text, randomKey()];
    return key;
  };
}

// crypto.randomUUID is not there in pages that do not come over HTTPS.
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
