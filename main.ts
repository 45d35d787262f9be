import { processIo } from "./src/cli/process_io.ts";
import { run } from "./src/cli/run.ts";

if (import.meta.main) run(Deno.args, processIo()).then(Deno.exit);
