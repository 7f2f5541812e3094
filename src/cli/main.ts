#!/usr/bin/env node
import { enableCompileCache } from "node:module";

// The compile cache makes the next start faster. It must be enabled before the
// code is loaded, so the program is in a file of its own.
enableCompileCache?.();
import("./program.ts").then(({ run }) => run());
