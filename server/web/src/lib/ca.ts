// The CA file of a sign-in over TLS.

/** The API takes 60,000 characters of base64, which is this many bytes. */
export const CA_LIMIT = 45_000;

/** base64 of bytes, in steps that String.fromCharCode can take. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}

/** caProblem says why bytes cannot be a bundle of certificate authorities, or nothing. */
export function caProblem(bytes: Uint8Array): string | undefined {
  if (bytes.length > CA_LIMIT) return `The file is larger than ${CA_LIMIT / 1000} kB.`;
  const text = new TextDecoder("latin1").decode(bytes);
  return text.includes("-----BEGIN CERTIFICATE-----") ? undefined : "The file holds no PEM certificate.";
}
