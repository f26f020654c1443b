#!/usr/bin/env node
import { run } from "./cli/program.ts";

// The only reader of arguments and environment. A command that is done ends the process: a request to
// a broker that is away would keep it for seconds more. What was written to a pipe has been by then.
process.exit(await run(process.argv.slice(2), process.env));
