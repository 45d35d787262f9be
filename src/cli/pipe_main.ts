// `encimap pipe` alone, for a build that reads every module it could ever load.
import { runPipe } from "./pipe.ts";
import { processIo } from "./process_io.ts";

if (import.meta.main) runPipe(Deno.args.slice(1), processIo()).then(Deno.exit);
