// Brings what Vite built into dist/, compressed beside the plain files, and
// takes out what is no longer built. A compressed file that still holds the
// right content stays as it is: another release of the compressor may pack the
// same content into other bytes, and that alone shall not look like a change.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));
const built = join(root, "node_modules/.dist");
const dist = join(root, "dist");

const brotli = (content) =>
  brotliCompressSync(content, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
  });

const codings = [
  { suffix: ".br", pack: brotli, unpack: brotliDecompressSync },
  { suffix: ".gz", pack: (content) => gzipSync(content, { level: 9 }), unpack: gunzipSync },
];

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)));
}

function read(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** packed is the compressed file that is there, when it is right, or a new one. */
function packed(path, content, { pack, unpack }) {
  const old = read(path);
  try {
    if (old && unpack(old).equals(content)) return old;
  } catch {
    // Damaged; made anew below.
  }
  return pack(content);
}

function write(path, content) {
  if (read(path)?.equals(content)) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const wanted = new Set();
for (const name of filesBelow(built)) {
  const content = readFileSync(join(built, name));
  write(join(dist, name), content);
  wanted.add(name);
  if (dirname(name) !== "assets") continue;
  for (const coding of codings) {
    const path = join(dist, name + coding.suffix);
    const smaller = packed(path, content, coding);
    if (smaller.length >= content.length) continue;
    write(path, smaller);
    wanted.add(name + coding.suffix);
  }
}
for (const name of filesBelow(dist)) {
  if (!wanted.has(name)) rmSync(join(dist, name));
}
