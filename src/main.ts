#!/usr/bin/env node
import { run } from "./cli/program.ts";

// The only reader of arguments and environment.
process.exitCode = await run(process.argv.slice(2), process.env);
