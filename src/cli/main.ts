#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { exitOnTerminationSignals } from "./termination-signals.ts";

exitOnTerminationSignals();

// The compile cache makes the next start faster. It must be enabled before the
// code is loaded, so the program is in a file of its own.
enableCompileCache?.();
import("./program.ts").then(({ run }) => run());
