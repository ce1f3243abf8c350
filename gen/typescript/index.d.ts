import type { Client, ClientOptions } from "openapi-fetch";
import type { paths } from "./schema.js";

export type * from "./schema.js";

/** A client whose paths, parameters, bodies and answers are checked against the API's contract. */
export type FalkorpatClient = Client<paths>;

/** Makes a client; `baseUrl` is where falkorpat is served, without a slash at the end. */
export default function createClient(options?: ClientOptions): FalkorpatClient;
