#!/usr/bin/env node
import { enableCompileCache } from "node:module";

// Keeps what Node.js makes of the code, so that the next start need not make it
// again. It has to be said before the code is read: hence a file of its own.
enableCompileCache?.();
import("./program.ts").then(({ run }) => run());
