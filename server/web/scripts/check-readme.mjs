// Compiles the TypeScript examples of the SDK's README against the SDK, as
// somebody who has installed it would.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const sdk = fileURLToPath(new URL("../../../gen/typescript", import.meta.url));
const web = fileURLToPath(new URL("..", import.meta.url));
const folder = join(web, "node_modules/.readme");

const readme = readFileSync(join(sdk, "README.md"), "utf8");
const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1]);
if (examples.length === 0) throw new Error("The SDK's README has no example.");

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
examples.forEach((example, number) => writeFileSync(join(folder, `example${number + 1}.ts`), example));
const config = {
  compilerOptions: {
    target: "ES2022",
    module: "NodeNext",
    moduleResolution: "NodeNext",
    lib: ["ES2022", "DOM"],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    typeRoots: [join(web, "node_modules/@types")],
    types: ["node"],
    paths: { "@falkorpat/sdk": [join(sdk, "index.d.ts")] },
  },
  files: examples.map((_, number) => `example${number + 1}.ts`),
};
writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
writeFileSync(join(folder, "package.json"), '{"type":"module"}');
const tsc = join(web, "node_modules/typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "-p", folder], { stdio: "inherit" });
console.log(`${examples.length} examples of the SDK's README compile.`);
