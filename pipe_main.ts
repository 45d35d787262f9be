// `encimap pipe` alone, for a build that reads every module it could ever load.
import { runPipe } from "./src/cli/pipe.ts";
import { processIo } from "./src/cli/process_io.ts";

if (import.meta.main) runPipe(Deno.args.slice(1), processIo()).then(Deno.exit);
